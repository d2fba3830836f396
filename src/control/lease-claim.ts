/** What one candidate knows of a Lease and does to it: look, take, renew, release. */
import { momentOf, type Clock, type Deadline, type Moment } from '../clock.ts'

/** A Lease. Its times are for people: who decided by them would trust another's clock. */
export type Lease = {
  /** Empty: released. */
  readonly holder: string
  readonly durationSeconds: number
  readonly acquiredAt: number
  readonly renewedAt: number
  readonly transitions: number
  /** Of the object as it was read; empty for one that is to be created. */
  readonly resourceVersion: string
}

/** What became of a write; a conflict (another was first) is a value, everything else that fails is thrown. */
export type LeaseWrite = { readonly ok: Lease } | { readonly conflict: true }

/** The one Lease that an election is about. An update succeeds only on the resourceVersion that it carries. */
export type LeasePort = {
  readonly read: (signal: AbortSignal) => Promise<Lease | undefined>
  readonly create: (lease: Lease, signal: AbortSignal) => Promise<LeaseWrite>
  readonly update: (lease: Lease, signal: AbortSignal) => Promise<LeaseWrite>
}

/** How long a Lease holds, how long its holder tries to renew it, how long anybody waits between two tries. */
export type LeaderDurations = {
  readonly leaseMs: number
  readonly renewDeadlineMs: number
  readonly retryMs: number
}

/** The time for which a write that succeeded makes us leader; it begins before the write is sent. */
export type Term = { readonly lease: Lease; readonly sentAt: Moment; readonly validity: Deadline }

type ClaimOptions = {
  readonly lease: LeasePort
  readonly identity: string
  readonly clock: Clock
  readonly durations: LeaderDurations
  readonly onHolder: (holder: string) => void
}

// Another version of us may hold longer leases; but nobody holds one for ever by writing a large number into it.
const longestLeaseMs = 300_000

/** One candidate's view of the Lease. */
export class LeaseClaim {
  readonly #options: ClaimOptions
  /** The record as it was last seen to change, and our own timer from that moment on. */
  #seen: { readonly lease: Lease; readonly expiry: Deadline } | undefined

  constructor(options: ClaimOptions) {
    this.#options = options
  }

  /** Takes the Lease if it is free, expired or ours already. */
  async take(signal: AbortSignal): Promise<Term | undefined> {
    const found = await this.#options.lease.read(signal)
    if (found !== undefined) this.#observe(found)
    // One that was deleted under a living holder counts until it would have expired: the holder does not know yet.
    return this.#isTaken() ? undefined : this.#write(found, signal)
  }

  /** Renews the Lease; `lost` if it is another's, undefined if it is not known. */
  async renew(term: Term, signal: AbortSignal): Promise<Term | 'lost' | undefined> {
    const renewed = await this.#write(term.lease, signal)
    if (renewed !== undefined) return renewed
    // A conflict: another took it, or only a label was changed, or a reply of ours was lost.
    const found = await this.#options.lease.read(signal)
    if (found !== undefined) this.#observe(found)
    if (found !== undefined && found.holder !== this.#options.identity) return 'lost'
    return this.#write(found, signal)
  }

  /** Gives the Lease up, so that the next need not wait for it to expire. */
  async release({ lease }: Term, signal: AbortSignal): Promise<void> {
    const renewedAt = Math.max(this.#options.clock.now(), lease.renewedAt + 1)
    await this.#options.lease.update({ ...lease, holder: '', durationSeconds: 1, renewedAt }, signal)
  }

  /** Frees the timer. */
  close(): void {
    this.#seen?.expiry.release()
  }

  #isTaken(): boolean {
    const { holder } = this.#seen?.lease ?? { holder: '' }
    return holder !== '' && holder !== this.#options.identity && this.#seen?.expiry.signal.aborted === false
  }

  #observe(lease: Lease): void {
    const former = this.#seen
    if (former !== undefined && sameRecord(former.lease, lease)) return
    former?.expiry.release()
    const { clock, durations, onHolder } = this.#options
    const ms = Math.min(longestLeaseMs, Math.max(durations.leaseMs, lease.durationSeconds * 1000))
    this.#seen = { lease, expiry: clock.abortAfter(ms) }
    if (former?.lease.holder !== lease.holder) onHolder(lease.holder)
  }

  /** Writes us into the record; undefined if another was first. */
  async #write(found: Lease | undefined, signal: AbortSignal): Promise<Term | undefined> {
    const { lease, clock, durations } = this.#options
    const sentAt = momentOf(clock)
    const validity = clock.abortAfter(durations.renewDeadlineMs)
    signal.addEventListener('abort', validity.release, { once: true })
    try {
      const next = this.#ours(found)
      const write = await (found === undefined ? lease.create(next, signal) : lease.update(next, signal))
      if (!('ok' in write)) {
        validity.release()
        return undefined
      }
      this.#observe(write.ok)
      return { lease: write.ok, sentAt, validity }
    } catch (error) {
      validity.release()
      throw error
    } finally {
      signal.removeEventListener('abort', validity.release)
    }
  }

  #ours(found: Lease | undefined): Lease {
    const { identity, clock, durations } = this.#options
    const now = clock.now()
    const ours = found?.holder === identity
    return {
      holder: identity,
      durationSeconds: Math.ceil(durations.leaseMs / 1000),
      acquiredAt: ours ? found.acquiredAt : now,
      // Every renewal must be a change that others see, also while our clock stands still or was set back.
      renewedAt: Math.max(now, (found?.renewedAt ?? 0) + 1),
      transitions: found === undefined ? 0 : found.transitions + (ours ? 0 : 1),
      resourceVersion: found?.resourceVersion ?? '',
    }
  }
}

/** Metadata does not count: whoever writes a label again and again must not keep a dead holder alive. */
function sameRecord(a: Lease, b: Lease): boolean {
  return (
    a.holder === b.holder &&
    a.renewedAt === b.renewedAt &&
    a.acquiredAt === b.acquiredAt &&
    a.durationSeconds === b.durationSeconds &&
    a.transitions === b.transitions
  )
}

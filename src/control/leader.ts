/**
 * Leader election by a Lease, as client-go does it (tools/leaderelection/leaderelection.go): who has seen the record
 * unchanged for its duration, by its own timer, may take it; who cannot renew it for a shorter time stops.
 */
import { agoMs, type Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { unlessAborted } from '../until.ts'
import { LeaseClaim } from './lease-claim.ts'
import type { LeaderDurations, LeasePort, Term } from './lease-claim.ts'

/** What an election needs. */
export type LeaderOptions = {
  readonly lease: LeasePort
  /** Of this process alone, not of its pod: two processes of one identity would both lead. */
  readonly identity: string
  readonly clock: Clock
  readonly log: Log
  /**
   * The work of the leader; it winds down when the first signal aborts, while the lease is still kept. When the second aborts the lease
   * is lost, and another may lead: everything ends at once. If the work ends before, the lease is given up.
   */
  readonly onLead: (signal: AbortSignal, lost: AbortSignal) => Promise<void>
  readonly durations?: LeaderDurations
}

/** One candidate. */
export type Leader = {
  readonly isLeader: () => boolean
  /** Whether the lease is ours at this very moment, by the clock: also while the work winds down. */
  readonly holds: () => boolean
  /** Who was seen to hold the lease before, and so leads no more while we hold it. */
  readonly formers: () => ReadonlySet<string>
  /** Takes part until the signal aborts; resolves when the work has ended and the lease is released. Never rejects. */
  readonly start: (signal: AbortSignal) => Promise<void>
}

const usual: LeaderDurations = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 }
const jitter = 1.2 // client-go: JitterFactor
// While work winds down after a stop the lease is kept, so that nobody works beside it; a stuck one does not keep it for ever.
const windDownMs = 30_000
// A new one with every restart of a replica; whoever led longer ago left no run behind that others have not taken.
const mostFormers = 64

/** A candidate that does nothing until `start`. */
export function createLeader(options: LeaderOptions): Leader {
  const durations = options.durations ?? usual
  const { leaseMs, renewDeadlineMs, retryMs } = durations
  // A third of the lease is left for clocks that run at different speeds.
  if (leaseMs < renewDeadlineMs * 1.5 || renewDeadlineMs < retryMs * 2) {
    const got = `${leaseMs}, ${renewDeadlineMs}, ${retryMs}`
    throw new TypeError(
      `leaseMs must be at least 1.5 times renewDeadlineMs, and that twice retryMs, got ${got}`,
    )
  }
  const election = new Election(options, durations)
  return {
    isLeader: () => election.isLeader(),
    holds: () => election.holds(),
    formers: () => election.formers,
    start: (signal) => election.run(signal),
  }
}

class Election {
  readonly #options: LeaderOptions
  readonly #durations: LeaderDurations
  readonly #claim: LeaseClaim
  #term: Term | undefined
  #reign: Reign | undefined
  #failing = false
  /** The latest holders besides us, the oldest first. */
  readonly formers = new Set<string>()

  constructor(options: LeaderOptions, durations: LeaderDurations) {
    this.#options = options
    this.#durations = durations
    const onHolder = (holder: string) => {
      options.log.info({ holder, identity: options.identity }, 'the lease has changed hands')
      this.#note(holder)
    }
    this.#claim = new LeaseClaim({ ...options, durations, onHolder })
  }

  isLeader(): boolean {
    return this.#reign?.lead.signal.aborted === false && this.holds()
  }

  holds(): boolean {
    return this.#reign?.lost === false && this.#term !== undefined && !this.#isLate(this.#term)
  }

  #note(holder: string): void {
    if (holder === '' || holder === this.#options.identity) return
    this.formers.delete(holder)
    this.formers.add(holder)
    const [oldest] = this.formers
    if (this.formers.size > mostFormers && oldest !== undefined) this.formers.delete(oldest)
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const term = await this.#attempt(signal, (during) => this.#claim.take(during))
      if (term !== undefined) await this.#leadFor(term, signal)
      await this.#pause(this.#durations.retryMs * (1 + jitter * this.#options.clock.random()), signal)
    }
    this.#claim.close()
  }

  /** After a pause of the process the timer may not have fired yet; the clock knows. */
  #isLate({ sentAt }: Term): boolean {
    return agoMs(this.#options.clock, sentAt) >= this.#durations.renewDeadlineMs
  }

  async #leadFor(term: Term, signal: AbortSignal): Promise<void> {
    const reign = new Reign(signal)
    this.#reign = reign
    this.#enter(term, reign)
    this.#options.log.info({ identity: this.#options.identity }, 'this process leads')
    const renewing = this.#keepRenewing(reign)
    await this.#work(reign, signal)
    reign.over.abort()
    await renewing
    reign.end()
    const last = this.#term
    this.#term = undefined
    this.#reign = undefined
    last?.validity.release()
    if (last !== undefined && !reign.lost) await this.#release(last)
  }

  #enter(term: Term, reign: Reign): void {
    this.#term?.validity.release()
    this.#term = term
    term.validity.signal.addEventListener(
      'abort',
      () => reign.lose('the lease could not be renewed in time'),
      { once: true },
    )
  }

  /** Runs the work to its end; it has until `windDownMs` after the lead has ended while the lease is kept. */
  async #work(reign: Reign, signal: AbortSignal): Promise<void> {
    const { clock, log, onLead } = this.#options
    const lead = reign.lead.signal
    const stuck = async () => {
      await this.#pause(windDownMs, reign.over.signal)
      if (reign.over.signal.aborted) return
      log.warn({ afterMs: windDownMs }, 'the work of the leader does not end; its lease is left to expire')
      reign.lose('the work did not end')
    }
    lead.addEventListener('abort', () => void stuck(), { once: true })
    try {
      if (!lead.aborted) await onLead(lead, reign.loss.signal)
      if (!lead.aborted) log.error({}, 'the work of the leader ended by itself; the lease is given up')
    } catch (error) {
      if (!lead.aborted) log.error({ err: error }, 'the work of the leader failed; the lease is given up')
    }
    if (reign.lost)
      log.warn({ at: clock.now(), stopping: signal.aborted }, 'this process does not lead any more')
  }

  async #keepRenewing(reign: Reign): Promise<void> {
    const over = reign.over.signal
    for (let term = this.#term; term !== undefined && !over.aborted; term = this.#term) {
      await this.#pause(this.#durations.retryMs, over)
      if (over.aborted) return
      const held = term
      const result = await this.#attempt(over, (during) => this.#claim.renew(held, during))
      if (result === 'lost') reign.lose('another holds the lease')
      else this.#goOn(reign, held, result)
    }
  }

  /** Enters the next term, unless it came too late: after a loss nothing brings the lead back but a new election. */
  #goOn(reign: Reign, held: Term, next: Term | undefined): void {
    if (this.#isLate(held) || (next !== undefined && this.#isLate(next)))
      reign.lose('the lease was renewed too late')
    if (next === undefined) return
    if (reign.lost) next.validity.release()
    else this.#enter(next, reign)
  }

  async #release(term: Term): Promise<void> {
    await this.#attempt(new AbortController().signal, (during) => this.#claim.release(term, during))
    this.#options.log.info({ identity: this.#options.identity }, 'the lease is released')
  }

  /** One try with a deadline, so that a hung connection does not use up the whole time to renew; undefined if it failed. */
  async #attempt<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    const { clock, log, identity } = this.#options
    const deadline = clock.abortAfter(this.#durations.renewDeadlineMs / 2)
    const both = AbortSignal.any([signal, deadline.signal])
    try {
      const result = await unlessAborted(both, work(both))
      this.#failing = false
      return result
    } catch (error) {
      if (!signal.aborted && !this.#failing) {
        this.#failing = true
        log.warn({ err: error, identity }, 'the lease cannot be read or written; it is tried again')
      }
      return undefined
    } finally {
      deadline.release()
    }
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#options.clock.sleep(ms, signal)
    } catch {
      return // Aborted: the loop that paused looks at its signal.
    }
  }
}

/** One time of leading: when the lead ends, when renewing ends, and whether the lease was lost. */
class Reign {
  /** Given to the work. */
  readonly lead = new AbortController()
  /** Ends renewing: later than the lead when we stop of our own accord. */
  readonly over = new AbortController()
  /** Aborts when the lease is lost, or kept no more for work that does not end. */
  readonly loss = new AbortController()
  readonly #signal: AbortSignal
  readonly #stop = () => this.lead.abort(this.#signal.reason)

  constructor(signal: AbortSignal) {
    this.#signal = signal
    if (signal.aborted) this.#stop()
    else signal.addEventListener('abort', this.#stop, { once: true })
  }

  lose(why: string): void {
    if (this.over.signal.aborted) return
    const because = new Error(why)
    this.loss.abort(because)
    this.lead.abort(because)
    this.over.abort()
  }

  get lost(): boolean {
    return this.loss.signal.aborted
  }

  end(): void {
    this.#signal.removeEventListener('abort', this.#stop)
    this.lead.abort(new Error('the work has ended'))
  }
}

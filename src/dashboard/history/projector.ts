/** Carries the decisions of the cluster into the store as they change, and says how far it is. */
import type { AdmissionDecision } from '../../api/admission-decision.ts'
import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import { unlessAborted } from '../../until.ts'
import { HistoryError, type DecisionStore } from './store.ts'

/** What of the cluster is followed: the records of one namespace as far as they are known. */
export type Followed = {
  readonly namespace: string
  /** Whether all of them were seen at least once. */
  readonly synced: () => boolean
  readonly list: () => readonly AdmissionDecision[]
}

/** What a projector needs. */
export type ProjectorPorts = {
  readonly store: Pick<DecisionStore, 'insert'>
  readonly followed: () => readonly Followed[]
  readonly clock: Clock
  readonly log: Log
}

/** How far history is. */
export type Progress = {
  /** The namespaces of which what is missing may only not have been read yet. */
  readonly reading: readonly string[]
  /** How many states of records were written since the start. */
  readonly written: number
  readonly waiting: number
  /** How many were given up: more waited than there is room for, or they could not be written. */
  readonly lost: number
  /** Why nothing is written now, and since when. */
  readonly trouble?: { readonly message: string; readonly since: number }
}

const batchSize = 200
// What changes within this is written together; a page shows it half a second later at most.
const gatherMs = 100
// A record has up to 8 KiB: 80 MiB while the disk is full. The cluster keeps 500 of a namespace, so it is more than there are.
const mostWaiting = 10_000
const shortestPauseMs = 1000
const longestPauseMs = 30_000

/** Follows; `note` is told of each change, and must be quick. */
export class Projector {
  readonly #ports: ProjectorPorts
  /** The newest state of each record that is not written yet, by uid. */
  readonly #waiting = new Map<string, AdmissionDecision>()
  #changed = Promise.withResolvers<void>()
  /** The namespaces of which not all that the cluster has was written yet. */
  readonly #reading: Set<string>
  #written = 0
  #lost = 0
  #failures = 0
  #trouble: { readonly message: string; readonly since: number } | undefined

  constructor(ports: ProjectorPorts) {
    this.#ports = ports
    this.#reading = new Set(ports.followed().map(({ namespace }) => namespace))
  }

  /** Notes a state of a record. What left the cluster is noted too: its last state may be news. */
  note(record: AdmissionDecision): void {
    const { uid } = record.metadata
    this.#waiting.delete(uid)
    this.#waiting.set(uid, record)
    const [oldest] = this.#waiting.keys()
    if (this.#waiting.size > mostWaiting && oldest !== undefined) {
      this.#waiting.delete(oldest)
      this.#lost++
    }
    this.#changed.resolve()
  }

  /** Notes everything that the cluster knows: the store lost what it had. */
  again(): void {
    for (const copy of this.#ports.followed()) {
      this.#reading.add(copy.namespace)
      for (const record of copy.list()) this.note(record)
    }
    this.#changed.resolve()
  }

  progress(): Progress {
    return {
      reading: [...this.#reading],
      written: this.#written,
      waiting: this.#waiting.size,
      lost: this.#lost,
      ...(this.#trouble === undefined ? {} : { trouble: this.#trouble }),
    }
  }

  /** Writes until the signal aborts, and never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports
    while (!signal.aborted) {
      try {
        if (this.#reading.size > 0 || this.#waiting.size > 0) await clock.sleep(gatherMs, signal)
        else await unlessAborted(signal, this.#changed.promise)
        this.#changed = Promise.withResolvers()
        await this.#round(signal)
      } catch {
        // The sleep was cut short: the signal has aborted, and the loop sees it.
      }
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { clock, followed } = this.#ports
    // Before everything was seen, records come in the order of their names: history wants them in the order of time.
    // A namespace that cannot be read keeps only its own back.
    const unseen = new Set(followed().flatMap((copy) => (copy.synced() ? [] : [copy.namespace])))
    const whole = [...this.#reading].filter((namespace) => !unseen.has(namespace))
    if (whole.length > 0) this.#sort()
    const isDue = ({ metadata }: AdmissionDecision) => !unseen.has(metadata.namespace)
    for (let due = this.#due(isDue); due.length > 0 && !signal.aborted; due = this.#due(isDue)) {
      if (await this.#write(due)) continue
      const pause = Math.min(longestPauseMs, shortestPauseMs * 2 ** (this.#failures - 1))
      await clock.sleep(pause * (0.5 + clock.random() / 2), signal)
    }
    if (!signal.aborted) for (const namespace of whole) this.#reading.delete(namespace)
  }

  #due(isDue: (record: AdmissionDecision) => boolean): readonly AdmissionDecision[] {
    return [...this.#waiting.values()].filter(isDue).slice(0, batchSize)
  }

  #sort(): void {
    const sorted = [...this.#waiting].sort(([, a], [, b]) => firstOf(a) - firstOf(b))
    this.#waiting.clear()
    for (const [uid, record] of sorted) this.#waiting.set(uid, record)
  }

  /** Writes one batch; tells whether to go on at once. */
  async #write(batch: readonly AdmissionDecision[]): Promise<boolean> {
    try {
      await this.#insert(batch)
    } catch (error) {
      this.#failed(error)
      return false
    }
    this.#failures = 0
    if (this.#trouble !== undefined) this.#ports.log.info({}, 'decisions are written to the history again')
    this.#trouble = undefined
    return true
  }

  /** Inserts a batch. What makes an insert fail by a fault of ours is left out alone, so that the rest gets through. */
  async #insert(batch: readonly AdmissionDecision[]): Promise<void> {
    const { store, log } = this.#ports
    try {
      const { added, changed } = await store.insert(batch)
      this.#written += added + changed
    } catch (error) {
      if (error instanceof HistoryError) throw error
      const [only, ...others] = batch
      if (only === undefined || others.length > 0) {
        const half = Math.ceil(batch.length / 2)
        for (const part of [batch.slice(0, half), batch.slice(half)]) await this.#insert(part)
        return
      }
      this.#lost++
      log.error({ err: error, decision: only.metadata.name }, 'a decision cannot be kept in the history')
    }
    // A state that came meanwhile is a newer one, and stays.
    for (const record of batch)
      if (this.#waiting.get(record.metadata.uid) === record) this.#waiting.delete(record.metadata.uid)
  }

  #failed(error: unknown): void {
    const { clock, log } = this.#ports
    this.#failures++
    const message = error instanceof Error ? error.message : String(error)
    if (this.#trouble?.message === message) return
    log.error(
      { err: error, waiting: this.#waiting.size },
      'decisions cannot be written to the history; trying again',
    )
    this.#trouble = { message, since: this.#trouble?.since ?? clock.now() }
  }
}

const firstOf = ({ status }: AdmissionDecision): number => Date.parse(status.first.time)

/**
 * Writes what was decided into AdmissionDecisions, beside the admission path: in rounds, a few records each, with backoff while
 * the API server is away. Each process writes records of its own, so that no count is ever merged.
 */
import type { Clock } from '../clock.ts'
import type { Decided } from '../core/decision/decided.ts'
import type { Log } from '../log.ts'
import { unlessAborted } from '../until.ts'
import { Ledger, type Entry, type LedgerPorts } from './ledger.ts'
import type { Metrics } from './metrics.ts'

/** A record as it is stored. */
export type DecisionBody = ReturnType<Ledger['bodyOf']>

/** What became of a write. `refused`: this record will not be taken; `away`: nothing can be written now. */
export type Write =
  | { readonly version: string }
  | {
      readonly failed: 'exists' | 'conflict' | 'gone' | 'refused' | 'away'
      readonly why: string
      readonly retryAfterMs?: number
    }

/** Where records are stored. Nothing of it throws. */
export type DecisionStore = {
  readonly create: (body: DecisionBody) => Promise<Write>
  readonly replace: (body: DecisionBody, version: string) => Promise<Write>
  /** The resourceVersion of what is stored; undefined if nothing is, or if it cannot be asked. */
  readonly versionOf: (namespace: string, name: string) => Promise<string | undefined>
}

/** What recording needs. */
export type RecorderPorts = LedgerPorts & {
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Pick<Metrics, 'decisionWrites' | 'decisionsDropped' | 'decisionsWaiting'>
  readonly store: DecisionStore
  /** Velero's namespaces: elsewhere nothing is written. */
  readonly namespaces: readonly string[]
}

/** Records the decisions of one process. */
export type Recorder = {
  /** Takes a decision in and answers its audit annotations, at once; never throws. */
  readonly record: (decided: Decided) => Readonly<Record<string, string>>
  /** Writes until the signal aborts or `close`. */
  readonly start: (signal: AbortSignal) => Promise<void>
  /** Writes what waits, for four seconds at most, and says that this replica has ended. */
  readonly close: () => Promise<void>
}

// 10 records a second at most, each at most once: what repeats is counted in memory meanwhile.
const roundMs = 1_000
const roundSize = 10
const longestWaitMs = 60_000
const mostRefusals = 5
const closeMs = 3_000
const closeRoundMs = 100
const lastWordMs = 1_000

/** A recorder; it writes nothing before `start`. */
export function createRecorder(ports: RecorderPorts): Recorder {
  const { clock, log, metrics, namespaces } = ports
  const ledger = new Ledger(ports)
  const stopping = new AbortController()
  let running: Promise<void> | undefined
  let isClosed = false
  const lose = (reason: string, count: number) => {
    if (count > 0) metrics.decisionsDropped.inc({ reason }, count)
  }
  const write = writerOf(ports, ledger, lose)
  return {
    record: (decided) => {
      // Whoever comes after the last word is in the log alone.
      if (isClosed || !namespaces.includes(decided.namespace)) return {}
      try {
        const { annotations, isLost } = ledger.take(decided)
        lose('full', isLost ? 1 : 0)
        return annotations
      } catch (err) {
        log.error({ err, request: decided.request }, 'a decision could not be recorded')
        lose('fault', 1)
        return {}
      }
    },
    start: (signal) => {
      running ??= rounds(ports, { ledger, write, signal: AbortSignal.any([signal, stopping.signal]) })
      return running
    },
    close: async () => {
      stopping.abort()
      const flush = (ms: number) => flushed(clock, { ledger, write, until: clock.now() + ms })
      const all = async () => {
        await running
        await flush(closeMs)
      }
      await within(clock, closeMs, all())
      isClosed = true
      const lost = ledger.end()
      await within(clock, lastWordMs, flush(lastWordMs))
      lose('stopped', lost)
      if (lost > 0) log.warn({ lost }, 'decisions could not be recorded before this replica ended')
    },
  }
}

type Round = { readonly away: boolean; readonly retryAfterMs: number }
type Writing = {
  readonly ledger: Ledger
  readonly write: (entries: readonly Entry[]) => Promise<Round>
}

async function rounds(
  { clock, log, metrics }: RecorderPorts,
  { ledger, write, signal }: Writing & { readonly signal: AbortSignal },
): Promise<void> {
  let failures = 0
  let waitMs = roundMs
  while (!signal.aborted) {
    await clock.sleep(waitMs, signal).catch(() => undefined)
    if (signal.aborted) return
    const { away, retryAfterMs } = await write(ledger.due(roundSize))
    metrics.decisionsWaiting.set(ledger.waiting())
    if (!away && failures > 0) log.info({ failures }, 'decisions are recorded again')
    failures = away ? failures + 1 : 0
    const backoff = Math.min(longestWaitMs, roundMs * 2 ** Math.min(failures, 10))
    // Replicas that failed together do not come back together.
    waitMs = away ? Math.max(retryAfterMs, backoff * (0.5 + clock.random() / 2)) : roundMs
  }
}

async function flushed(
  clock: Clock,
  { ledger, write, until }: Writing & { readonly until: number },
): Promise<void> {
  while (ledger.waiting() > 0 && clock.now() < until) {
    const { away } = await write(ledger.due(roundSize))
    if (away) await clock.sleep(closeRoundMs)
  }
}

/** Waits for the work, and no longer than that: it must not hold up the end of the process. */
async function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  const deadline = clock.abortAfter(ms)
  try {
    await unlessAborted(deadline.signal, work)
  } catch (error) {
    if (!deadline.signal.aborted) throw error
  } finally {
    deadline.release()
  }
}

function writerOf(
  { log, metrics, store }: RecorderPorts,
  ledger: Ledger,
  lose: (reason: string, count: number) => void,
): Writing['write'] {
  let wasAway = false
  const count = (result: string) => metrics.decisionWrites.inc({ result })
  async function one(entry: Entry): Promise<Round> {
    const { record, version } = entry
    const wrote = await stored(entry, version)
    if ('version' in wrote) {
      ledger.stored(entry, record, wrote.version)
      count('written')
      return { away: false, retryAfterMs: 0 }
    }
    count(wrote.failed)
    ledger.later(entry)
    if (wrote.failed === 'away') return { away: true, retryAfterMs: wrote.retryAfterMs ?? 0 }
    await settle(entry, wrote)
    return { away: false, retryAfterMs: 0 }
  }
  /** Nobody waits for this: a fault of ours must end neither the recording nor the process. */
  async function stored(entry: Entry, version: string | undefined): Promise<Write> {
    try {
      const body = ledger.bodyOf(entry)
      return await (version === undefined ? store.create(body) : store.replace(body, version))
    } catch (fault) {
      return { failed: 'refused', why: String(fault) }
    }
  }
  async function settle(entry: Entry, { failed, why }: Exclude<Write, { readonly version: string }>) {
    const { namespace, name } = entry.record
    if (failed === 'refused') {
      entry.refused += 1
      if (entry.refused < mostRefusals) return
      log.error({ namespace, name, why }, 'the record of a decision is not taken; it is lost')
      lose('refused', ledger.drop(entry))
      return
    }
    // Our own write whose answer was lost, or somebody who got past the guard: what we counted is written again.
    if (failed === 'conflict')
      log.warn({ namespace, name, why }, 'the record of a decision was written by another; writing it again')
    entry.version = failed === 'gone' ? undefined : await store.versionOf(namespace, name)
  }
  // One after another: the last one then says that nothing waits any more, so that one that is removed later is missed.
  return async (entries) => {
    for (const entry of entries) {
      const round = await one(entry)
      if (round.away && !wasAway)
        log.warn({ waiting: ledger.waiting() }, 'decisions cannot be recorded now; trying again')
      wasAway = round.away
      if (round.away) return round
    }
    return { away: false, retryAfterMs: 0 }
  }
}

/** The history of decisions: the store, fed from the cluster by one copy for each namespace, and kept within its limits. */
import type { AdmissionDecision } from '../api/admission-decision.ts'
import { parseAdmissionDecision } from '../api/parse.ts'
import { sentenceOf } from '../api/problems.ts'
import type { Clock } from '../clock.ts'
import { Projector, type Progress } from '../dashboard/history/projector.ts'
import { keepWithin } from '../dashboard/history/retention.ts'
import { openSqliteStore } from '../dashboard/history/sqlite-store.ts'
import type { DecisionStore } from '../dashboard/history/store.ts'
import type { KubeClient } from '../kube/client.ts'
import { createReflector } from '../kube/reflector.ts'
import type { Change } from '../kube/store.ts'
import type { Reflector } from '../kube/reflector-options.ts'
import type { Log } from '../log.ts'
import { ownPath } from './kinds.ts'

/** What a history is made of. */
export type HistoryOptions = {
  readonly client: KubeClient
  readonly clock: Clock
  readonly log: Log
  readonly namespaces: readonly string[]
  readonly file: string
  readonly maxBytes: number
  readonly maxDays: number
  /** Told of each decision that is new or counted up, once those that were there before have been read. */
  readonly onDecision?: (record: AdmissionDecision) => void
}

/** A history that follows the cluster. */
export type History = {
  readonly store: DecisionStore
  readonly progress: () => Progress
  /** What the cluster still has of a namespace. */
  readonly copies: ReadonlyMap<string, Reflector<AdmissionDecision>>
  /** Ends following and closes the file. */
  readonly stop: () => Promise<void>
}

/** Opens the file and begins to follow; rejects if the file can be neither opened nor made anew. */
export async function startHistory(options: HistoryOptions): Promise<History> {
  const { clock, log, file, maxBytes, maxDays } = options
  const stop = new AbortController()
  let projector: Projector | undefined
  const store = await openSqliteStore({
    path: file,
    maxBytes,
    clock,
    log,
    onRebuilt: () => projector?.again(),
  })
  const copies = options.namespaces.map((namespace) => {
    const copy = copyOf(namespace, options, ({ type, object }) => {
      projector?.note(object)
      if (type !== 'deleted' && copy.synced()) options.onDecision?.(object)
    })
    return copy
  })
  const followed = copies.map((copy, i) => ({ ...copy, namespace: options.namespaces[i] ?? '' }))
  const following = new Projector({ store, followed: () => followed, clock, log })
  projector = following
  const running = [
    ...copies.map((copy) => copy.start(stop.signal)),
    following.run(stop.signal),
    keepWithin({ store, limits: { maxBytes, maxDays }, clock, log }, stop.signal),
  ]
  return {
    store,
    progress: () => following.progress(),
    copies: new Map(copies.map((copy, i) => [options.namespaces[i] ?? '', copy])),
    stop: async () => {
      stop.abort()
      await Promise.all(running)
      await store.close()
    },
  }
}

function copyOf(
  namespace: string,
  { client, clock, log }: HistoryOptions,
  onChange: (change: Change<AdmissionDecision>) => void,
): Reflector<AdmissionDecision> {
  return createReflector<AdmissionDecision>({
    client,
    clock,
    log,
    path: ownPath('admissiondecisions', namespace),
    project: (raw) => {
      const parsed = parseAdmissionDecision(raw)
      if ('ok' in parsed) return parsed.ok
      throw new TypeError(parsed.problems.map(sentenceOf).join('; '))
    },
    onChange,
  })
}

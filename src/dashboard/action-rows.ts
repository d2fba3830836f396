/** The Actions as their page shows them: state, rate, time. Pure. */
import type { Action, Stage } from '../api/action.ts'
import type { ActionRun } from '../api/action-run.ts'
import { callOf } from '../core/calls.ts'
import { compareNames } from '../core/order.ts'
import { recordKey, recordsOf, type ActionRecord } from '../core/record.ts'
import { entries } from '../core/run/rows.ts'
import type { KnownAction } from './ports.ts'

/** One Action. */
export type ActionRow = {
  readonly namespace: string
  readonly name: string
  readonly stage: Stage | undefined
  readonly accepted: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  readonly lastAt: number | undefined
  readonly lastResult: string | undefined
  readonly succeeded: number
  readonly ended: number
  /** 95 % of those that ended took no longer, in milliseconds. */
  readonly p95: number | undefined
  readonly timeoutSeconds: number | undefined
  readonly onError: string | undefined
  readonly calls: string | undefined
}

/** The rows of a namespace, in the order in which they run. */
export function actionRows(
  namespace: string,
  actions: readonly KnownAction[],
  runs: readonly ActionRun[],
): readonly ActionRow[] {
  const records = recordsOf(runs)
  const took = tookOf(runs)
  return actions
    .map((known) => ({
      namespace,
      name: known.name,
      ...rateOf(records.get(recordKey(namespace, known.name))),
      p95: quantile(took.get(known.name) ?? [], 0.95),
      ...saidOf(known, records.get(recordKey(namespace, known.name))),
    }))
    .sort((a, b) => compareNames(a.name, b.name))
}

const rateOf = (record: ActionRecord | undefined) => ({
  succeeded: record?.succeeded ?? 0,
  ended: record?.ended ?? 0,
})

type Said = Omit<ActionRow, 'namespace' | 'name' | 'succeeded' | 'ended' | 'p95'>

function saidOf(known: KnownAction, record: ActionRecord | undefined): Said {
  if ('problem' in known)
    return {
      stage: undefined,
      accepted: 'False',
      reason: 'Invalid',
      message: known.problem,
      ...lastOf(record, known.status),
      timeoutSeconds: undefined,
      onError: undefined,
      calls: undefined,
    }
  const { spec, status } = known.action
  return {
    stage: spec.stage,
    ...acceptedOf(known.action),
    ...lastOf(record, status),
    timeoutSeconds: spec.timeoutSeconds,
    onError: spec.onError,
    calls: callOf(spec),
  }
}

function lastOf(record: ActionRecord | undefined, status: Action['status']) {
  const at = Date.parse(record?.lastAt ?? status?.lastRunTimestamp ?? '')
  return { lastAt: Number.isNaN(at) ? undefined : at, lastResult: record?.lastResult ?? status?.lastResult }
}

/** What the leader says of this generation; what it says of another one is about another spec. */
function acceptedOf({ metadata, status }: Action): Pick<ActionRow, 'accepted' | 'reason' | 'message'> {
  const said = status?.conditions?.find(({ type }) => type === 'Accepted')
  if (said === undefined || (said.observedGeneration ?? metadata.generation) !== metadata.generation)
    return {
      accepted: 'Unknown',
      reason: 'NotSeenYet',
      message: 'The leader has not looked at this generation yet.',
    }
  return { accepted: said.status, reason: said.reason, message: said.message }
}

/** How long each took, by its name. */
function tookOf(runs: readonly ActionRun[]): ReadonlyMap<string, readonly number[]> {
  const took = new Map<string, number[]>()
  for (const { spec, status } of runs)
    for (const { action, row } of entries(spec, status)) {
      const ms = Date.parse(row.completionTimestamp ?? '') - Date.parse(row.startTimestamp ?? '')
      if (!Number.isNaN(ms)) {
        const list = took.get(action.name)
        if (list === undefined) took.set(action.name, [ms])
        else list.push(ms)
      }
    }
  return took
}

/** The value that so many of them do not exceed (nearest rank). */
export function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
}

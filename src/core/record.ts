/** How Actions did so far, by the runs that are still kept. */
import type { ActionRun } from '../api/action-run.ts'
import { entries, specOf, type Entry } from './run/rows.ts'

/** How one Action did. */
export type ActionRecord = {
  readonly succeeded: number
  /** How often it ended in any way; what was skipped or only tried out (dryRun) is not counted. */
  readonly ended: number
  readonly lastAt: string
  readonly lastResult: string
}

const counted: ReadonlySet<string> = new Set(['Succeeded', 'Failed', 'Unknown'])

/** What a record is kept under. */
export const recordKey = (namespace: string, action: string): string => `${namespace}/${action}`

/** A record for each Action that ended in one of the runs, by `recordKey`. */
export function recordsOf(runs: readonly ActionRun[]): ReadonlyMap<string, ActionRecord> {
  const records = new Map<string, ActionRecord>()
  for (const { metadata, spec, status } of runs)
    for (const entry of entries(spec, status)) {
      const at = endOf(entry)
      const key = recordKey(metadata.namespace, entry.action.name)
      if (at !== undefined) records.set(key, withEnd(records.get(key), entry.row.phase, at))
    }
  return records
}

/** When an action ended, if that counts. */
const endOf = ({ action, row }: Entry): string | undefined =>
  counted.has(row.phase) && !specOf(action).dryRun ? row.completionTimestamp : undefined

function withEnd(old: ActionRecord | undefined, phase: string, at: string): ActionRecord {
  const isLast = old === undefined || Date.parse(at) >= Date.parse(old.lastAt)
  const good = phase === 'Succeeded' ? 1 : 0
  return {
    succeeded: (old?.succeeded ?? 0) + good,
    ended: (old?.ended ?? 0) + 1,
    ...(isLast ? { lastAt: at, lastResult: phase } : { lastAt: old.lastAt, lastResult: old.lastResult }),
  }
}

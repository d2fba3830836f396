/** What still counts of earlier findings while something cannot be found out anew. */
import type { CheckResult } from '../plugin-check/result.ts'
import type { PluginFindings } from './findings.ts'

type Results = Pick<PluginFindings, 'results' | 'digest'>

/**
 * The findings of now, and where they are undecided those of before, as long as they speak of the same digest: what a digest names
 * never changes, and a registry that is down for an hour must not make a plugin unknown. A check that says no ends that.
 */
export function withLastKnown(now: Results, before: Results | undefined): Results {
  const isSame = before !== undefined && before.digest !== undefined && before.digest === now.digest
  if (!isSame || now.results.some(({ check, ok }) => ok === false && check !== 'TagUnmoved')) return now
  return { ...now, results: now.results.map((result) => lastKnown(result, before.results)) }
}

function lastKnown(result: CheckResult, before: Results['results']): CheckResult {
  const known = before.find(({ check }) => check === result.check)
  if (result.ok !== undefined || known?.ok === undefined) return result
  if (result.reason === 'NotChecked') return known
  // That it moved stays true until it is seen to be back.
  if (result.check === 'TagUnmoved') return known.ok ? result : known
  return known.ok
    ? {
        ...known,
        reason: 'LastKnown',
        message: `${result.message}. It was right when last looked at, and counts as that until it is looked at again`,
      }
    : result
}

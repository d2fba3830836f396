/** Whether the pre actions of an object run inside its admission request, or hold it. */
import { longestInsideSeconds } from '../../api/action.ts'
import type { PlannedAction } from '../../api/action-run.ts'
import { exportedNames } from '../exported/outputs.ts'
import { secondsOf } from '../plan.ts'
import { spell } from '../refusal.ts'
import { specOf } from '../run/rows.ts'

/** Held, and why in a phrase; or not. */
export type Way = { readonly hold: false } | { readonly hold: true; readonly why: string }

/** Actions that will do something. */
const working = (actions: readonly PlannedAction[]): readonly PlannedAction[] =>
  actions.filter((action) => action.skip === undefined && !specOf(action).dryRun)

/**
 * The way that these actions ask for. Among them Hold beats Refuse beats Auto, which holds what a Schedule made (Velero
 * answers a refused one with another, for ever) and what may take longer than an admission request has. What exports outputs asks
 * to be held: they go on the Backup in the write that ends the hold, before Velero reads it.
 */
export function wayOf(actions: readonly PlannedAction[], madeBySchedule: boolean): Way {
  const work = working(actions)
  const asks = (mode: string) => work.find((action) => specOf(action).mode === mode)
  const holder = asks('Hold')
  if (holder !== undefined) return { hold: true, why: `${holder.name} says mode: Hold` }
  const exporter = work.find((action) => exportedNames(action).length > 0)
  if (exporter !== undefined) return { hold: true, why: `${exporter.name} exports outputs` }
  if (work.length === 0 || asks('Refuse') !== undefined) return { hold: false }
  if (madeBySchedule) return { hold: true, why: 'a Schedule made it' }
  const seconds = secondsOf(work)
  if (seconds <= longestInsideSeconds) return { hold: false }
  const names = work.map(({ name }) => name).join(', ')
  return {
    hold: true,
    why: `${names} may take ${spell(seconds * 1000)}, an admission request has ${spell(longestInsideSeconds * 1000)}`,
  }
}

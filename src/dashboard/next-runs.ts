/** When a Schedule runs next, as Velero reckons it, and until when its Backups are refused without running anything. Pure. */
import type { ActionRun } from '../api/action-run.ts'
import { cooldownOf, resetAnnotation, resetAtOf } from '../core/cooldown.ts'
import { cronIn } from '../core/cron.ts'
import { dueAfter } from '../core/cron-due.ts'
import { endedAt } from '../core/run/ending.ts'
import type { KnownSchedule } from './ports.ts'

/** When it runs next, milliseconds: what is past is due now. Or why it does not. */
export type NextRun = { readonly at: number } | { readonly not: 'paused' | 'not valid' | 'never' }

/** The next run: counted from the last one, or from the creation (velero pkg/controller/schedule_controller.go getNextRunTime). */
export function nextRunOf({ cron: text, paused, lastAt }: KnownSchedule): NextRun {
  const cron = cronIn(text)
  if (cron === undefined) return { not: 'not valid' }
  if (paused) return { not: 'paused' }
  const at = dueAfter(cron, lastAt)
  return at === undefined ? { not: 'never' } : { at }
}

/** What a cool-down is derived from: the runs of a namespace, and by which users Velero asks. */
export type CoolingFacts = {
  readonly runs: readonly ActionRun[]
  readonly veleroUsers: readonly string[]
  readonly now: number
}

/** Until when Backups of a Schedule are refused as the last one was, milliseconds; undefined: they are not. */
export function coolingUntil(
  schedule: string,
  { runs, veleroUsers, now }: CoolingFacts,
  reset = '',
): number | undefined {
  const own = runs.filter(
    ({ spec, status }) =>
      spec.stage === 'PreBackup' &&
      spec.scheduleName === schedule &&
      veleroUsers.includes(spec.requestedBy ?? '') &&
      status.completionTimestamp !== undefined,
  )
  const newest = own.reduce<ActionRun | undefined>(
    (newest, one) => (newest === undefined || endedAt(one) > endedAt(newest) ? one : newest),
    undefined,
  )
  if (newest === undefined) return undefined
  const { fingerprint, actionsHash, requestedBy = '' } = newest.spec
  const resetAt = resetAtOf({ [resetAnnotation]: reset }, now)
  const request = { schedule, requestedBy, fingerprint, actionsHash }
  return cooldownOf({ ...request, ...(resetAt === undefined ? {} : { resetAt }) }, own, now)?.until
}

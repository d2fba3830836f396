/** What refuses before anything starts: too little time, or the same refusal a moment ago. */
import type { PlannedAction } from '../api/action-run.ts'
import { cooldownKey, cooldownOf, resetAtOf } from '../core/cooldown.ts'
import { actionsHashOf, secondsOf, wholeSeconds } from '../core/plan.ts'
import { cooldownRefusal, refusal, spell } from '../core/refusal.ts'
import { fingerprintOf } from '../core/run/draft.ts'
import { stagesOf } from '../core/run/names.ts'
import { deny, type Verdict } from '../core/verdict.ts'
import { endOf, type Case } from './case.ts'
import type { GatePorts } from './gate-ports.ts'

/** The refusal of actions that may take longer than an admission request has, before any of them begins. */
export function overBudget(actions: readonly PlannedAction[], at: Case): Verdict | undefined {
  const { arrival, ports } = at
  const wantedMs = secondsOf(actions) * 1000
  const leftMs = Math.max(0, endOf(at) - ports.clock.now())
  if (wantedMs <= leftMs) return undefined
  const names = actions.filter(({ skip }) => skip === undefined).map(({ name }) => name)
  const why = `the actions ${names.join(', ')} may take ${spell(wantedMs)} together, an admission request has ${spell(wholeSeconds(leftMs))}`
  return deny(
    'OverBudget',
    refusal(arrival.subject, why, 'Nothing was run. Lower their timeoutSeconds, or skip some of them'),
  )
}

/** The refusal of what was refused alike a moment ago: the same answer, and nothing is run. */
export async function coolingDown(
  actions: readonly PlannedAction[],
  { arrival, request: { user }, ports }: Case & { readonly ports: GatePorts },
): Promise<Verdict | undefined> {
  // Where everything is skipped nothing would run: a skip is the way out that a refusal names.
  if (actions.every(({ skip }) => skip !== undefined)) return undefined
  const { pre } = stagesOf(arrival.kind)
  const request = {
    schedule: arrival.byVelero ? arrival.schedule : '',
    requestedBy: user.username,
    fingerprint: fingerprintOf(arrival.object, ports.hash),
    actionsHash: actionsHashOf(actions, ports.hash),
  }
  const runs = await ports.runs.recent(arrival.subject.namespace, cooldownKey(pre, request))
  const now = ports.clock.now()
  const found = cooldownOf(request, runs, now)
  if (found === undefined) return undefined
  const resetAt = await resetOf(request.schedule, { arrival, ports, now })
  const cooldown = resetAt === undefined ? found : cooldownOf({ ...request, resetAt }, runs, now)
  if (cooldown === undefined) return undefined
  const waits = { waitMs: cooldown.until - now, schedule: request.schedule }
  return deny('CoolDown', cooldownRefusal(arrival.subject, cooldown, waits))
}

type Asked = Pick<Case, 'arrival'> & { readonly ports: GatePorts; readonly now: number }

/** When somebody ended the wait of a Schedule; asked for only while there is one. What cannot be asked leaves it as it is. */
async function resetOf(schedule: string, { arrival, ports, now }: Asked): Promise<number | undefined> {
  if (schedule === '') return undefined
  const { namespace } = arrival.subject
  try {
    return resetAtOf(await ports.annotationsOfSchedule(namespace, schedule), now)
  } catch (err) {
    ports.log.warn({ err, namespace, schedule }, 'whether a cool-down was reset could not be asked')
    return undefined
  }
}

/** Admits an object that is to be held: what should be held is marked so, guarded, and recorded; nothing is run here. */
import type { PlannedAction } from '../api/action-run.ts'
import { holdAnnotation } from '../core/hold/patches.ts'
import { wayOf, type Way } from '../core/hold/way.ts'
import { breakGlass, refusal } from '../core/refusal.ts'
import { allow, deny, type Verdict } from '../core/verdict.ts'
import { startsWork } from '../core/velero.ts'
import type { Case } from './case.ts'
import type { Arrival } from './facts.ts'
import type { GatePorts } from './gate-ports.ts'
import type { Planned } from './stage.ts'

/** The way of an object. */
export const wayFor = (actions: readonly PlannedAction[], arrival: Arrival): Way =>
  wayOf(actions, arrival.kind === 'Backup' && arrival.byVelero && arrival.schedule !== '')

const isMarked = ({ annotations }: Arrival): boolean => holdAnnotation in annotations

/** The refusal of an object that is marked to be held although it should not be, or is not although it should. */
export function mismatchOf(way: Way, { arrival }: Pick<Case, 'arrival'>): Verdict | undefined {
  if (way.hold === isMarked(arrival)) return undefined
  const why = way.hold
    ? `it must be held (${way.why}), and is not marked so: the mutating webhook of tidewaiter was not asked, or an Action changed in between`
    : `it carries the annotation ${holdAnnotation}, which tidewaiter did not set, or an Action changed in between`
  const next = way.hold
    ? `Try again. ${breakGlass(arrival.subject.namespace)}`
    : 'Leave it out, and try again'
  return deny('HoldMismatch', refusal(arrival.subject, why, next), { code: way.hold ? 500 : 403 })
}

/** The same for an object that is let pass because there is nothing to run. */
export const heldInVain = (verdict: Verdict, { arrival }: Pick<Case, 'arrival'>): Verdict | undefined =>
  verdict.allowed && isMarked(arrival) && startsWork(arrival.object)
    ? mismatchOf({ hold: false }, { arrival })
    : undefined

/** The refusal where nothing would keep Velero from starting what is held. */
export async function guardOpen({
  arrival,
  ports,
}: Case & { readonly ports: GatePorts }): Promise<Verdict | undefined> {
  const { namespace } = arrival.subject
  if (await ports.guardClosed(namespace)) return undefined
  const why =
    'it must be held, and the policy hold.tidewaiter.io was not seen in force, so nothing would keep Velero from starting it'
  const next = `Apply the policies of tidewaiter (deploy/base/guard.yaml), or wait until they act. ${breakGlass(namespace)}`
  return deny('GuardOpen', refusal(arrival.subject, why, next), { code: 500 })
}

/** Writes down what is to be done, and admits the object. A repeated question finds it written. */
export async function hold(
  { pre, post, why }: Planned & { readonly why: string },
  { runs }: GatePorts,
): Promise<Verdict> {
  for (const run of [pre, post]) if (run !== undefined) await runs.create(run)
  const warning = `tidewaiter: held: ${why}; Velero starts it when its actions have ended`
  const run = pre?.metadata.name
  return { ...allow('Held', `held: ${why}`, [warning]), audit: run === undefined ? {} : { run } }
}

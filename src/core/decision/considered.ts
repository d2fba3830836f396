/** What the record of a decision says of each Action of a stage: whether it was for the object, and why not. */
import type { Stage } from '../../api/action.ts'
import type { Considered } from '../../api/admission-decision.ts'
import type { LeftOut, StagePlan } from '../plan.ts'

const words: Readonly<Record<LeftOut['reason'], Considered['found']>> = {
  Suspended: 'Suspended',
  NotMatched: 'NotMatched',
  Unadopted: 'NotAdopted',
  MatchFailed: 'MatchFailed',
}

// Each costs some microseconds of every request, and a record has room for about as many.
const mostPassedOver = 16

/** What was found of the Actions of the stage; of those that were passed over only where they are few. */
export const consideredIn = (stage: Stage, plan: StagePlan): readonly Considered[] => [
  ...plan.actions.map(({ name, skip }): Considered =>
    skip === undefined
      ? { action: name, stage, found: 'Matched' }
      : { action: name, stage, found: 'Skipped', because: skip },
  ),
  ...[...plan.leftOut, ...(unconsideredIn(plan) > 0 ? [] : plan.passedOver.first(mostPassedOver))].map(
    ({ name, reason, because }): Considered => ({ action: name, stage, found: words[reason], because }),
  ),
]

/** How many Actions of the stage are not among them. */
export const unconsideredIn = ({ passedOver }: StagePlan): number =>
  passedOver.count > mostPassedOver ? passedOver.count : 0

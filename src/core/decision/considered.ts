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

/** Every Action of the stage. */
export const consideredIn = (stage: Stage, { actions, leftOut }: StagePlan): readonly Considered[] => [
  ...actions.map(({ name, skip }): Considered =>
    skip === undefined
      ? { action: name, stage, found: 'Matched' }
      : { action: name, stage, found: 'Skipped', because: skip },
  ),
  ...leftOut.map(({ name, reason, because }): Considered => ({
    action: name,
    stage,
    found: words[reason],
    because,
  })),
]

/** All that can be told beforehand of one Backup or Restore: the same as its dry run would be answered, with every reason. */
import type { Stage } from '../api/action.ts'
import type { AdmissionRequest } from '../core/admission-request.ts'
import type { KeptExported } from '../core/exported/use.ts'
import type { Way } from '../core/hold/way.ts'
import type { LeftOut, StagePlan } from '../core/plan.ts'
import { allLeftOut, secondsOf } from '../core/plan.ts'
import { stagesOf } from '../core/run/names.ts'
import { time } from '../core/run/ending.ts'
import { skipsIn } from '../core/skip.ts'
import { objectAt, startsWork, type VeleroKind } from '../core/velero.ts'
import type { Verdict } from '../core/verdict.ts'
import { endOf, withExported, type Case } from './case.ts'
import { foreseen, type Foreseen } from './foreseen.ts'
import type { ForesightPorts } from './gate-ports.ts'
import { wayFor } from './held.ts'
import { foreignIn, withoutForeign } from './hold.ts'
import { overBudget } from './limits.ts'
import { previewed } from './preview.ts'
import { weigh } from './weigh.ts'

/** What would become of it. */
export type Foresight = {
  readonly verdict: Verdict
  /** Whether it came so far that the Actions were looked at. */
  readonly planned: boolean
  readonly before: readonly Foreseen[]
  /** As if it had ended as Completed: what a post action sees of the end is known only then. */
  readonly after: readonly Foreseen[]
  readonly leftOut: readonly (LeftOut & { readonly stage: Stage })[]
  /** Whether it would be held, and why. */
  readonly way: Way
  /** How long the actions before it may take together, and how long an admission request has; milliseconds. */
  readonly budget: { readonly wantedMs: number; readonly leftMs: number }
  /** What the Backup of a Restore exported, where an action refers to it. */
  readonly exported: KeptExported | undefined
  /** Annotations that only tidewaiter may write: they are taken off. */
  readonly takenOff: readonly string[]
  /** The skip annotations that it carries, `key=value`, whether they count or not. */
  readonly skips: readonly string[]
}

/** Foresees one CREATE. */
export async function foresee(
  kind: VeleroKind,
  asked: AdmissionRequest,
  ports: ForesightPorts,
): Promise<Foresight> {
  const starts = startsWork(asked.object)
  // The mutating webhook comes first.
  const weighed = await weigh(kind, starts ? withoutForeign(asked) : asked, ports)
  const { plans = { pre: nothing, post: nothing } } = weighed
  const at = await withExported(weighed.at, plans)
  const { pre, post } = stagesOf(kind)
  const { actions } = plans.pre
  const leftMs = Math.max(0, endOf(at) - ports.clock.now())
  // Judged first: rendering takes time of its own.
  const way = wayFor(actions, at.arrival)
  const refused = way.hold ? undefined : overBudget(actions, at)
  const before = await all(foreseen(actions, pre, at))
  return {
    verdict: weighed.verdict ?? withWarnings(refused ?? previewed(before, plans, at), weighed.warnings),
    planned: weighed.plans !== undefined || isWithoutActions(weighed.verdict),
    before,
    after: await all(foreseen(plans.post.actions, post, ended(at))),
    leftOut: [...inStage(plans.pre, pre), ...inStage(plans.post, post)],
    way,
    budget: { wantedMs: secondsOf(actions) * 1000, leftMs },
    skips: skipsIn(at.arrival.annotations),
    exported: at.exported,
    takenOff: starts ? foreignIn(asked, way.hold) : [],
  }
}

// Where there are no Actions at all, there is nothing to plan.
const isWithoutActions = (verdict: Verdict | undefined): boolean => verdict?.reason === 'NoActionMatches'

const nothing: StagePlan = {
  actions: [],
  problems: [],
  unadopted: [],
  leftOut: [],
  passedOver: { count: 0, first: () => [] },
}

const inStage = (plan: StagePlan, stage: Stage): Foresight['leftOut'] =>
  allLeftOut(plan).map((one) => ({ stage, ...one }))

const withWarnings = (verdict: Verdict, warnings: readonly string[]): Verdict => ({
  ...verdict,
  warnings: [...warnings, ...verdict.warnings],
})

async function all(rows: AsyncIterable<Foreseen>): Promise<readonly Foreseen[]> {
  const found: Foreseen[] = []
  for await (const row of rows) found.push(row)
  return found
}

/** The case once Velero is through. */
function ended(at: Case): Case {
  const { object } = at.arrival
  const now = time(at.ports.clock.now())
  const status = {
    ...objectAt(object, 'status'),
    phase: 'Completed',
    startTimestamp: now,
    completionTimestamp: now,
  }
  return { ...at, arrival: { ...at.arrival, object: { ...object, status } } }
}

/** The gate: decides about the CREATE of one Backup or Restore, and runs its pre actions inside the admission request. */
import type { AdmissionRequest } from '../core/admission-request.ts'
import { consideredIn, unconsideredIn } from '../core/decision/considered.ts'
import { refusal, type Subject } from '../core/refusal.ts'
import { isTooLarge, tooLarge } from '../core/run/draft.ts'
import { stagesOf } from '../core/run/names.ts'
import type { VeleroKind } from '../core/velero.ts'
import { deny, type Verdict } from '../core/verdict.ts'
import { draftOf, endOf, withExported, type Case, type Plans } from './case.ts'
import type { GatePorts } from './gate-ports.ts'
import { guardOpen, heldInVain, hold, mismatchOf, wayFor } from './held.ts'
import { coolingDown, overBudget } from './limits.ts'
import { preview } from './preview.ts'
import { nameTaken, runStage, type Planned } from './stage.ts'
import { weigh } from './weigh.ts'

type Gate = (request: AdmissionRequest) => Promise<Verdict>

/** The gate of one kind. */
export function createGate(kind: VeleroKind, ports: GatePorts): Gate {
  const stage = runStage(ports)
  return async (request) => {
    const weighed = await weigh(kind, request, ports)
    const considered = weighed.plans === undefined ? {} : allOf(kind, weighed.plans)
    const { at } = weighed
    const { uid, subject } = at.arrival
    if (weighed.verdict !== undefined)
      return { ...(heldInVain(weighed.verdict, at) ?? weighed.verdict), ...considered }
    const { plans, warnings } = weighed
    if (uid === '') return { ...noUid(subject), ...considered }
    const whole = await withExported({ ...at, ports }, plans)
    const verdict = await (request.dryRun ? tried(plans, whole) : decide(plans, { ...whole, stage }))
    return { ...verdict, warnings: [...warnings, ...verdict.warnings], ...considered }
  }
}

function allOf(kind: VeleroKind, plans: Plans): Pick<Verdict, 'considered' | 'unconsidered'> {
  const { pre, post } = stagesOf(kind)
  return {
    considered: [...consideredIn(pre, plans.pre), ...consideredIn(post, plans.post)],
    unconsidered: unconsideredIn(plans.pre) + unconsideredIn(plans.post),
  }
}

const noUid = (subject: Subject): Verdict =>
  deny('NoUid', refusal(subject, 'the request carries no metadata.uid', ''), { code: 422 })

/** The answer to a dry run: refused where nothing would keep Velero from what must be held, as it would be. */
async function tried(plans: Plans, at: Case & { readonly ports: GatePorts }): Promise<Verdict> {
  const way = wayFor(plans.pre.actions, at.arrival)
  return (way.hold ? await guardOpen(at) : undefined) ?? preview(plans, at)
}

type Deciding = Case & { readonly ports: GatePorts; readonly stage: ReturnType<typeof runStage> }

async function decide(plans: Plans, at: Deciding): Promise<Verdict> {
  const { arrival, ports } = at
  if (await ports.exists(arrival.subject)) return nameTaken(arrival.subject)
  const way = wayFor(plans.pre.actions, arrival)
  const refused = mismatchOf(way, at) ?? (await (way.hold ? guardOpen(at) : tooMuch(plans, at)))
  if (refused !== undefined) return refused
  const planned = plannedOf(plans, { ...at, holdMaxMs: way.hold ? ports.holdMaxMs : undefined })
  const large = [planned.pre, planned.post].some((run) => run !== undefined && isTooLarge(run))
  if (large) return deny('RunTooLarge', refusal(arrival.subject, tooLarge, 'Nothing was run'))
  return way.hold ? hold({ ...planned, why: way.why }, ports) : at.stage(planned)
}

/** The runs of both stages, as they will be written; there is none where no action matches. */
function plannedOf({ pre, post }: Plans, at: Case & { readonly holdMaxMs: number | undefined }): Planned {
  const { arrival, request } = at
  const stages = stagesOf(arrival.kind)
  return {
    arrival,
    endsAt: endOf(at),
    signal: request.signal(),
    ...(pre.actions.length === 0 ? {} : { pre: draftOf(at, stages.pre, pre.actions) }),
    ...(post.actions.length === 0
      ? {}
      : { post: draftOf({ ...at, holdMaxMs: undefined }, stages.post, post.actions) }),
  }
}

const tooMuch = async (
  plans: Plans,
  at: Case & { readonly ports: GatePorts },
): Promise<Verdict | undefined> =>
  overBudget(plans.pre.actions, at) ?? (await coolingDown(plans.pre.actions, at))

/** The gate: decides about the CREATE of one Backup or Restore, and runs its pre actions inside the admission request. */
import type { Considered } from '../api/admission-decision.ts'
import type { AdmissionRequest } from '../core/admission-request.ts'
import { consideredIn } from '../core/decision/considered.ts'
import { refusal } from '../core/refusal.ts'
import { isTooLarge, tooLarge } from '../core/run/draft.ts'
import { stagesOf } from '../core/run/names.ts'
import type { VeleroKind } from '../core/velero.ts'
import { deny, type Verdict } from '../core/verdict.ts'
import { draftOf, endOf, type Case, type Plans } from './case.ts'
import type { GatePorts } from './gate-ports.ts'
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
    const considered = weighed.plans === undefined ? [] : allOf(kind, weighed.plans)
    if (weighed.verdict !== undefined) return { ...weighed.verdict, considered }
    const { at, plans, warnings } = weighed
    const verdict = await (request.dryRun ? preview(plans, at) : decide(plans, { ...at, ports, stage }))
    return { ...verdict, warnings: [...warnings, ...verdict.warnings], considered }
  }
}

function allOf(kind: VeleroKind, plans: Plans): readonly Considered[] {
  const { pre, post } = stagesOf(kind)
  return [...consideredIn(pre, plans.pre), ...consideredIn(post, plans.post)]
}

async function decide(
  plans: Plans,
  at: Case & { readonly ports: GatePorts; readonly stage: ReturnType<typeof runStage> },
): Promise<Verdict> {
  const { arrival, request, ports } = at
  if (await ports.exists(arrival.subject)) return nameTaken(arrival.subject)
  const refused = overBudget(plans.pre.actions, at) ?? (await coolingDown(plans.pre.actions, at))
  if (refused !== undefined) return refused
  const stages = stagesOf(arrival.kind)
  const pre = plans.pre.actions.length === 0 ? undefined : draftOf(at, stages.pre, plans.pre.actions)
  const post = plans.post.actions.length === 0 ? undefined : draftOf(at, stages.post, plans.post.actions)
  const large = [pre, post].some((run) => run !== undefined && isTooLarge(run))
  if (large) return deny('RunTooLarge', refusal(arrival.subject, tooLarge, 'Nothing was run'))
  const planned: Planned = {
    arrival,
    endsAt: endOf(at),
    signal: request.signal,
    ...(pre === undefined ? {} : { pre }),
    ...(post === undefined ? {} : { post }),
  }
  return at.stage(planned)
}

/** The gate: decides about the CREATE of one Backup or Restore, and runs its pre actions inside the admission request. */
import type { Stage } from '../api/action.ts'
import type { AdmissionRequest } from '../core/admission-request.ts'
import { matchFactsOf } from '../core/match.ts'
import { planStage } from '../core/plan.ts'
import { breakGlass, refusal, unadoptedWarning } from '../core/refusal.ts'
import { isTooLarge, tooLarge } from '../core/run/draft.ts'
import { stagesOf } from '../core/run/names.ts'
import { startsWork, type VeleroKind } from '../core/velero.ts'
import { allow, deny, type Verdict } from '../core/verdict.ts'
import { draftOf, endOf, type Case, type Plans } from './case.ts'
import { arrivalOf, skipsOf, type Arrival } from './facts.ts'
import type { GatePorts } from './gate-ports.ts'
import { coolingDown, overBudget } from './limits.ts'
import { preview } from './preview.ts'
import { nameTaken, runStage, type Planned } from './stage.ts'

type Gate = (request: AdmissionRequest) => Promise<Verdict>

/** The gate of one kind. */
export function createGate(kind: VeleroKind, ports: GatePorts): Gate {
  const stage = runStage(ports)
  return async (request) => {
    // Backup sync creates finished Backups (backup_sync_controller.go): leave them alone.
    if (request.operation !== 'CREATE' || !startsWork(request.object)) return allow('NotStarting')
    const arrival = arrivalOf(kind, request, ports)
    if (arrival.uid === '')
      return deny('NoUid', refusal(arrival.subject, 'the request carries no metadata.uid', ''), { code: 422 })
    const planned = await plan(arrival, request, ports)
    if ('verdict' in planned) return planned.verdict
    const { pre, post } = planned
    const considered = consideredIn(planned)
    const warnings =
      pre.unadopted.length + post.unadopted.length > 0
        ? [unadoptedWarning(arrival.subject.namespace, [...pre.unadopted, ...post.unadopted])]
        : []
    if (pre.actions.length === 0 && post.actions.length === 0) return allow('NoActionMatches', '', warnings)
    const at = { arrival, request, ports }
    const verdict = await (request.dryRun ? preview(planned, at) : decide(planned, { ...at, stage }))
    return { ...verdict, warnings: [...warnings, ...verdict.warnings], considered }
  }
}

async function plan(
  arrival: Arrival,
  request: AdmissionRequest,
  ports: GatePorts,
): Promise<Plans | { readonly verdict: Verdict }> {
  const { subject } = arrival
  const actions = await ports.actionsOf(subject.namespace)
  if ('unknown' in actions) {
    const why = `it is not known which Actions there are: ${actions.unknown}`
    return {
      verdict: deny('ActionsUnknown', refusal(subject, why, `Try again. ${breakGlass(subject.namespace)}`), {
        code: 500,
      }),
    }
  }
  if (actions.ok.length === 0) return { verdict: allow('NoActionMatches') }
  const skips = await skipsOf(arrival, request, ports)
  if ('refused' in skips) return { verdict: skips.refused }
  const facts = await matchFactsOf(arrival.kind, arrival.object, ports)
  const stages = stagesOf(arrival.kind)
  const of = (stage: Stage) =>
    planStage({
      stage,
      actions: actions.ok,
      facts,
      skips: skips.ok,
      authorOf: ports.authorOf,
      evaluate: ports.evaluate,
    })
  const [pre, post] = [of(stages.pre), of(stages.post)]
  const problems = [...pre.problems, ...post.problems]
  if (problems.length === 0) return { pre, post }
  const next = 'Mend or suspend each Action that is named, or skip it'
  const verdict = deny('MatchFailed', refusal(subject, problems.join('; '), next))
  return { verdict: { ...verdict, considered: consideredIn({ pre, post }) } }
}

const consideredIn = ({ pre, post }: Plans) => [...pre.considered, ...post.considered]

async function decide(
  plans: Plans,
  at: Case & { readonly stage: ReturnType<typeof runStage> },
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

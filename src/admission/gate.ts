/** The gate: decides about the CREATE of one Backup or Restore, and runs its pre actions inside the admission request. */
import type { Stage } from '../api/action.ts'
import type { PlannedAction } from '../api/action-run.ts'
import type { AdmissionRequest } from '../core/admission-request.ts'
import { cooldownOf } from '../core/cooldown.ts'
import type { MatchFacts } from '../core/match.ts'
import { actionsHashOf, planStage, secondsOf, type StagePlan } from '../core/plan.ts'
import { breakGlass, cooldownRefusal, refusal, spell, unadoptedWarning } from '../core/refusal.ts'
import { draftRun, fingerprintOf } from '../core/run/draft.ts'
import { stagesOf } from '../core/run/names.ts'
import { startsWork, type VeleroKind } from '../core/velero.ts'
import { allow, deny, type Verdict } from '../core/verdict.ts'
import { arrivalOf, factsOf, skipsOf, type Arrival } from './facts.ts'
import type { GatePorts } from './gate-ports.ts'
import { preview } from './preview.ts'
import { nameTaken, runStage, type Planned } from './stage.ts'

/** The API server's timeout is rounded up, and the answer must travel: this much of it is not ours. */
export const reserveMs = 1_500

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
    const warnings =
      pre.unadopted.length + post.unadopted.length > 0
        ? [unadoptedWarning([...pre.unadopted, ...post.unadopted])]
        : []
    if (pre.actions.length === 0 && post.actions.length === 0) return allow('NoActionMatches', '', warnings)
    if (request.dryRun) return preview(planned, { arrival, request, ports })
    const verdict = await decide(planned, { arrival, request, ports, stage })
    return { ...verdict, warnings: [...verdict.warnings, ...warnings] }
  }
}

/** What every step of the gate works on. */
export type Case = {
  readonly arrival: Arrival
  readonly request: AdmissionRequest
  readonly ports: GatePorts
}
/** Both stages of an object, planned. */
export type Plans = { readonly pre: StagePlan; readonly post: StagePlan; readonly facts: MatchFacts }

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
  const skips = await skipsOf(arrival, request, ports)
  if ('refused' in skips) return { verdict: skips.refused }
  if (actions.ok.length === 0) return { verdict: allow('NoActionMatches') }
  const facts = await factsOf(arrival, ports)
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
  const [problem] = [...pre.problems, ...post.problems]
  if (problem === undefined) return { pre, post, facts }
  return {
    verdict: deny('MatchFailed', refusal(subject, problem, 'Mend or suspend that Action, or skip it')),
  }
}

async function decide(
  plans: Plans,
  at: Case & { readonly stage: ReturnType<typeof runStage> },
): Promise<Verdict> {
  const { arrival, request, ports } = at
  if (await ports.exists(arrival.subject)) return nameTaken
  const endsAt = request.receivedAt + request.timeoutMs - reserveMs
  const refused = overBudget(plans.pre.actions, endsAt, at) ?? coolingDown(plans.pre.actions, at)
  if (refused !== undefined) return refused
  const draft = (stage: Stage, actions: readonly PlannedAction[]) =>
    draftRun({
      stage,
      kind: arrival.kind,
      object: arrival.object,
      cluster: ports.cluster,
      requestedBy: request.user.username,
      scheduleName: arrival.schedule,
      actions,
      hash: ports.hash,
    })
  const stages = stagesOf(arrival.kind)
  const planned: Planned = {
    arrival,
    endsAt,
    signal: request.signal,
    ...(plans.pre.actions.length === 0 ? {} : { pre: draft(stages.pre, plans.pre.actions) }),
    ...(plans.post.actions.length === 0 ? {} : { post: draft(stages.post, plans.post.actions) }),
  }
  return at.stage(planned)
}

function overBudget(
  actions: readonly PlannedAction[],
  endsAt: number,
  { arrival, ports }: Case,
): Verdict | undefined {
  const wantedMs = secondsOf(actions) * 1000
  const leftMs = Math.max(0, endsAt - ports.clock.now())
  if (wantedMs <= leftMs) return undefined
  const names = actions.filter(({ skip }) => skip === undefined).map(({ name }) => name)
  const why = `the actions ${names.join(', ')} may take ${spell(wantedMs)} together, an admission request has ${spell(leftMs)}`
  return deny(
    'OverBudget',
    refusal(arrival.subject, why, 'Nothing was run. Lower their timeoutSeconds, or skip some of them'),
  )
}

function coolingDown(actions: readonly PlannedAction[], { arrival, ports }: Case): Verdict | undefined {
  if (actions.length === 0) return undefined
  const { pre } = stagesOf(arrival.kind)
  const runs = ports.runs.known(arrival.subject.namespace).filter(({ spec }) => spec.stage === pre)
  const request = {
    schedule: arrival.byVelero ? arrival.schedule : '',
    fingerprint: fingerprintOf(arrival.object, ports.hash),
    actionsHash: actionsHashOf(actions, ports.hash),
  }
  const now = ports.clock.now()
  const cooldown = cooldownOf(request, runs, now)
  return cooldown && deny('CoolDown', cooldownRefusal(arrival.subject, cooldown.run, cooldown.until - now))
}

/** What the CREATE of one Backup or Restore sets in motion: all that is decided before anything is written or called. */
import type { Stage } from '../api/action.ts'
import type { AdmissionRequest } from '../core/admission-request.ts'
import { matchFactsOf } from '../core/match.ts'
import { planStage } from '../core/plan.ts'
import { breakGlass, refusal, unadoptedWarning } from '../core/refusal.ts'
import { stagesOf } from '../core/run/names.ts'
import { startsWork, type VeleroKind } from '../core/velero.ts'
import { allow, deny, type Verdict } from '../core/verdict.ts'
import type { Case, Plans } from './case.ts'
import { arrivalOf, skipsOf } from './facts.ts'
import type { ForesightPorts } from './gate-ports.ts'

/** A request that was weighed: decided already (its plans are there if it came so far), or with plans to be carried out. */
export type Weighed = { readonly at: Case; readonly warnings: readonly string[] } & Judged

type Judged =
  | { readonly verdict: Verdict; readonly plans?: Plans }
  | { readonly verdict?: undefined; readonly plans: Plans }

/** Weighs one request. */
export async function weigh(
  kind: VeleroKind,
  request: AdmissionRequest,
  ports: ForesightPorts,
): Promise<Weighed> {
  const arrival = arrivalOf(kind, request, ports)
  const at: Case = { arrival, request, ports }
  const decided = (verdict: Verdict): Weighed => ({ at, verdict, warnings: [] })
  // Backup sync creates finished Backups (backup_sync_controller.go): leave them alone.
  if (request.operation !== 'CREATE' || !startsWork(request.object)) return decided(allow('NotStarting'))
  const planned = await plan(at)
  return 'verdict' in planned ? decided(planned.verdict) : judged(planned, at)
}

type Planned = {
  readonly plans: Plans
  /** The names of Actions that cannot be understood, and that nobody adopted. */
  readonly unread: readonly string[]
}

function judged({ plans, unread }: Planned, at: Case): Weighed {
  const { subject } = at.arrival
  const { pre, post } = plans
  const problems = [...pre.problems, ...post.problems]
  if (problems.length > 0) {
    const next = 'Mend or suspend each Action that is named, or skip it'
    const verdict = deny('MatchFailed', refusal(subject, problems.join('; '), next))
    return { at, plans, warnings: [], verdict }
  }
  const warnings = warningsOf(subject.namespace, [...pre.unadopted, ...post.unadopted, ...unread])
  if (pre.actions.length > 0 || post.actions.length > 0) return { at, plans, warnings }
  return { at, plans, warnings, verdict: allow('NoActionMatches', '', warnings) }
}

const warningsOf = (namespace: string, unadopted: readonly string[]): readonly string[] =>
  unadopted.length > 0 ? [unadoptedWarning(namespace, unadopted)] : []

async function plan({ arrival, request, ports }: Case): Promise<Planned | { readonly verdict: Verdict }> {
  const { subject } = arrival
  const actions = await ports.actionsOf(subject.namespace)
  if ('unknown' in actions) {
    const why = `it is not known which Actions there are: ${actions.unknown}`
    const next = `Try again. ${breakGlass(subject.namespace)}`
    return { verdict: deny('ActionsUnknown', refusal(subject, why, next), { code: 500 }) }
  }
  const { unadopted: unread = [] } = actions
  if (actions.ok.length === 0)
    return { verdict: allow('NoActionMatches', '', warningsOf(subject.namespace, unread)) }
  const skips = await skipsOf(arrival, request, ports)
  if ('refused' in skips) return { verdict: skips.refused }
  const facts = await matchFactsOf(arrival.kind, arrival.object, ports)
  const { authorOf, evaluate } = ports
  const of = (stage: Stage) =>
    planStage({ stage, actions: actions.ok, facts, skips: skips.ok, authorOf, evaluate })
  const stages = stagesOf(arrival.kind)
  return { plans: { pre: of(stages.pre), post: of(stages.post) }, unread }
}

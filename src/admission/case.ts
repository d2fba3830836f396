/** One Backup or Restore that is about to be created, and what is planned for it. */
import type { Stage } from '../api/action.ts'
import type { PlannedAction } from '../api/action-run.ts'
import type { AdmissionRequest } from '../core/admission-request.ts'
import type { KeptExported } from '../core/exported/use.ts'
import type { StagePlan } from '../core/plan.ts'
import { draftRun, type NewRun } from '../core/run/draft.ts'
import { specOf } from '../core/run/rows.ts'
import type { Arrival } from './facts.ts'
import type { ForesightPorts } from './gate-ports.ts'

/** What every step of the gate works on. */
export type Case = {
  readonly arrival: Arrival
  readonly request: AdmissionRequest
  readonly ports: ForesightPorts
  /** What the Backup of a Restore exported, where an action refers to it. */
  readonly exported?: KeptExported | undefined
}

/** Both stages of an object, planned. */
export type Plans = { readonly pre: StagePlan; readonly post: StagePlan }

/** The API server's timeout is rounded up, and the answer must travel: this much of it is not ours. */
const reserveMs = 1_500

/** When the pre stage must have ended, milliseconds since the epoch. */
export const endOf = ({ request }: Case): number => request.receivedAt + request.timeoutMs - reserveMs

/** The case with what the Backup of a Restore exported: looked for once, and the same for both stages. */
export async function withExported<C extends Case>(at: C, { pre, post }: Plans): Promise<C> {
  const { arrival, ports } = at
  if (arrival.kind === 'Backup') return at
  const specs = [...pre.actions, ...post.actions].map(specOf)
  const exported = await ports.exportedFor(arrival.subject.namespace, { object: arrival.object, specs })
  return { ...at, exported }
}

/** The run of one stage, as it would be created. */
export const draftOf = (
  { arrival, request, ports, exported, holdMaxMs }: Case & { readonly holdMaxMs?: number | undefined },
  stage: Stage,
  actions: readonly PlannedAction[],
): NewRun =>
  draftRun({
    stage,
    kind: arrival.kind,
    object: arrival.object,
    cluster: ports.cluster,
    requestedBy: request.user.username,
    scheduleName: arrival.schedule,
    actions,
    exported,
    holdMaxMs,
    hash: ports.hash,
  })

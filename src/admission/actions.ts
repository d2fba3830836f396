/** The validating webhook on Actions: one that cannot work is refused when it is applied, with every problem and its field path. */
import type { ActionSpec } from '../api/action.ts'
import { sentenceOf, type FieldProblem } from '../api/problems.ts'
import { usernameOf } from '../core/author.ts'
import { checkAction, doubtsOf, secretsOf } from '../core/action-check.ts'
import type { AdmissionRequest } from '../core/admission-request.ts'
import { allow, deny, type Verdict } from '../core/verdict.ts'
import type { ActionPorts } from './action-ports.ts'
import { adopts, isStamped, specChanged } from './author.ts'

/** The label without which a Secret is not given to actions. */
export const forActionsLabel = 'tidewaiter.io/for-actions'

/** Decides whether an Action may be written. */
export function createActionCheck(ports: ActionPorts): (request: AdmissionRequest) => Promise<Verdict> {
  return async (request) => {
    if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return allow('NotOurs')
    // What comes out of a Restore is suspended until somebody adopts it; a disaster is no time to refuse it.
    if (ports.isVelero(request.user, request.namespace)) return allow('Restored')
    if (request.operation === 'UPDATE' && !specChanged(request, ports) && !adopts(request))
      return allow('SpecUnchanged')
    if (!isStamped(request, ports)) return deny('Unstamped', unstamped(request), { code: 422 })
    const parsed = ports.parse(request.object)
    if ('problems' in parsed) return invalid(request, parsed.problems)
    const problems = [
      ...checkAction(parsed.ok.spec, ports.tools),
      ...(await checkAccount(parsed.ok.spec, request, ports)),
      ...(await checkSecrets(parsed.ok.spec, request, ports)),
    ]
    if (problems.length > 0) return invalid(request, problems)
    return allow(
      'ActionAccepted',
      '',
      doubtsOf(parsed.ok.spec, ports.tools).map((doubt) => `tidewaiter: ${doubt}`),
    )
  }
}

// Without a name the stamp was made for another Action: generateName is filled in after the mutating webhooks.
const unstamped = (request: AdmissionRequest): string =>
  `Action ${request.namespace}/${request.name} does not carry the stamp of its author, and would never run. ` +
  'Give it a metadata.name instead of a generateName; if it has one, look whether the MutatingWebhookConfiguration tidewaiter is there'

function invalid(request: AdmissionRequest, problems: readonly FieldProblem[]): Verdict {
  const lines = problems.map((problem) => `- ${sentenceOf(problem)}`)
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
  return deny(
    'ActionInvalid',
    `Action ${request.namespace}/${request.name} has ${count}:\n${lines.join('\n')}`,
    { code: 422 },
  )
}

/** Whoever writes what an account does must hold the verb use on it: else writing Actions would be a way to the rights of every account. */
async function checkAccount(
  { serviceAccountName: name }: ActionSpec,
  { user, namespace }: AdmissionRequest,
  ports: ActionPorts,
): Promise<readonly FieldProblem[]> {
  if (name === undefined) return []
  const problem = (want: string) => [{ path: 'spec.serviceAccountName', want, got: name }]
  const account = { username: usernameOf(namespace, name) }
  if (ports.isVelero({ ...user, ...account }, namespace))
    return problem('not name the account of Velero, which may do everything: name an account of its own')
  // Asked first: who may not use an account does not learn whether the install knows it.
  if (!(await ports.mayUseAccount(user, namespace, name)))
    return problem(
      `name a ServiceAccount of namespace ${namespace} that ${user.username} may act for (verb use on serviceaccounts)`,
    )
  return (await ports.mayBecome(namespace, name))
    ? []
    : problem(
        `name a ServiceAccount that the install lets tidewaiter act for (verb impersonate on serviceaccounts/${name} in namespace ${namespace}: deploy/components/actors)`,
      )
}

async function checkSecrets(
  spec: ActionSpec,
  request: AdmissionRequest,
  ports: ActionPorts,
): Promise<readonly FieldProblem[]> {
  const problems: FieldProblem[] = []
  for (const ref of secretsOf(spec)) {
    const problem = await checkSecret(ref, request, ports)
    if (problem !== undefined) problems.push({ path: `${ref.path}.name`, want: problem, got: ref.name })
  }
  return problems
}

async function checkSecret(
  ref: { readonly name: string; readonly key: string },
  request: AdmissionRequest,
  ports: ActionPorts,
) {
  const { user, namespace } = request
  // Asked first: who may not get the Secret does not learn whether it exists.
  if (!(await ports.mayGetSecret(user, namespace, ref.name)))
    return `name a Secret that ${user.username} may get in namespace ${namespace}`
  const secret = await ports.secret(namespace, ref.name)
  if (secret === undefined) return `name a Secret that exists in namespace ${namespace}`
  if (!secret.labelled) return `name a Secret with the label ${forActionsLabel}: "true"`
  return secret.keys.includes(ref.key) ? undefined : `name a Secret with the key ${ref.key}`
}

/** Whether a cluster has what an install needs, a line for each thing. */
import { group, version } from '../api/schema.ts'
import type { PreflightCheck } from '../core/plugin/preflight.ts'
import { at, textAt } from '../core/velero.ts'
import { createAccessReview, type Deed } from '../kube/access-review.ts'
import { isKubeError } from '../kube/errors.ts'
import type { Clock } from '../clock.ts'
import { cannotAsk, isUnanswered, type Reached } from './reach.ts'

/** Which cluster, and whose Velero. */
export type ClusterPlace = {
  readonly reached: Reached
  readonly namespace: string
  readonly clock: Clock
  readonly signal: AbortSignal
}

type Said = Pick<PreflightCheck, 'ok' | 'reason' | 'message'>

const checks: Readonly<Record<string, (place: ClusterPlace) => Promise<Said>>> = {
  KubernetesVersion: kubernetesVersion,
  PoliciesServed: policiesServed,
  NamespaceExists: namespaceExists,
  VeleroInstalled: veleroInstalled,
  KindsServed: kindsServed,
  RightsToInstall: rightsToInstall,
}

/** Makes all checks. Throws StartError where the cluster does not answer at all. */
export async function clusterChecks(place: ClusterPlace): Promise<readonly PreflightCheck[]> {
  const made = Object.entries(checks).map(async ([check, make]) => ({
    subject: { kind: 'Cluster', name: place.reached.server } as const,
    check,
    ...(await judged(make, place)),
  }))
  return Promise.all(made)
}

async function judged(make: (place: ClusterPlace) => Promise<Said>, place: ClusterPlace): Promise<Said> {
  try {
    return await make(place)
  } catch (error) {
    if (place.signal.aborted) throw error
    // Who may look at one thing and not at another still wants the rest.
    if (isKubeError(error, 'FORBIDDEN'))
      return { ok: undefined, reason: 'Forbidden', message: `it could not be looked at: ${error.message}` }
    throw isUnanswered(error) || isKubeError(error, 'UNAUTHORIZED')
      ? cannotAsk(error, place.reached.server)
      : error
  }
}

// 1.30: ValidatingAdmissionPolicy is GA, and on unless switched off (kubernetes.io/docs/reference/command-line-tools-reference/feature-gates).
const oldestMinor = 30

async function kubernetesVersion({ reached, signal }: ClusterPlace): Promise<Said> {
  const answer = await reached.client.request<unknown>({ method: 'GET', path: '/version', signal })
  const name = textAt(answer, 'gitVersion')
  // Some providers write `30+`.
  const [major, minor] = [textAt(answer, 'major'), textAt(answer, 'minor')].map((text) =>
    Number.parseInt(text, 10),
  )
  if (major === 1 && minor !== undefined && minor >= oldestMinor)
    return { ok: true, reason: 'NewEnough', message: `it is ${name}` }
  return {
    ok: false,
    reason: 'TooOld',
    message: `wanted Kubernetes 1.${oldestMinor} or newer, got ${name}. Upgrade the cluster`,
  }
}

/** The plurals that an API server serves of a group; undefined: it does not serve that version. */
async function served(
  { reached, signal }: ClusterPlace,
  groupVersion: string,
): Promise<readonly string[] | undefined> {
  try {
    const answer = await reached.client.request<unknown>({
      method: 'GET',
      path: `/apis/${groupVersion}`,
      signal,
    })
    const list = at(answer, 'resources')
    return Array.isArray(list) ? list.map((one) => textAt(one, 'name')) : []
  } catch (error) {
    if (isKubeError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

async function policiesServed(place: ClusterPlace): Promise<Said> {
  const found = await served(place, 'admissionregistration.k8s.io/v1')
  return found?.includes('validatingadmissionpolicies') === true
    ? { ok: true, reason: 'Served', message: 'ValidatingAdmissionPolicy v1 is served: the guard can stand' }
    : {
        ok: false,
        reason: 'NotServed',
        message:
          'wanted ValidatingAdmissionPolicy v1 for the guard, got an API server without it. Upgrade the cluster, or switch it on',
      }
}

async function namespaceExists({ reached, namespace, signal }: ClusterPlace): Promise<Said> {
  const found = await reached.calls.namespaces().find(namespace, { signal })
  return found === undefined
    ? {
        ok: false,
        reason: 'NotFound',
        message: `wanted the namespace ${namespace}, got none. Install Velero first, or name its namespace with -n`,
      }
    : { ok: true, reason: 'Found', message: `the namespace ${namespace} is there` }
}

const ofVelero = ['backups', 'restores', 'schedules', 'backupstoragelocations']

async function veleroInstalled(place: ClusterPlace): Promise<Said> {
  const found = await served(place, 'velero.io/v1')
  const lacking = ofVelero.filter((plural) => found?.includes(plural) !== true)
  return lacking.length === 0
    ? { ok: true, reason: 'Served', message: 'the kinds of Velero are served' }
    : {
        ok: false,
        reason: 'NotServed',
        message: `wanted the kinds of Velero, got none of ${lacking.join(', ')}. Install Velero first: its CRDs at least`,
      }
}

async function kindsServed(place: ClusterPlace): Promise<Said> {
  if ((await served(place, `${group}/${version}`)) !== undefined)
    return { ok: true, reason: 'Served', message: `${group}/${version} is served` }
  const other = await served(place, group)
  return other === undefined
    ? { ok: true, reason: 'NotYet', message: `${group} is not served yet: deploy/crds brings it` }
    : {
        ok: false,
        reason: 'OtherVersion',
        message: `wanted ${group}/${version}, got the group without it. Apply deploy/crds of this version`,
      }
}

/** What deploy/overlays/default writes outside namespaces, and the roles in them. */
const written: readonly (readonly [group: string, resource: string])[] = [
  ['', 'namespaces'],
  ['apiextensions.k8s.io', 'customresourcedefinitions'],
  ['rbac.authorization.k8s.io', 'clusterroles'],
  ['rbac.authorization.k8s.io', 'clusterrolebindings'],
  ['rbac.authorization.k8s.io', 'roles'],
  ['rbac.authorization.k8s.io', 'rolebindings'],
  ['admissionregistration.k8s.io', 'mutatingwebhookconfigurations'],
  ['admissionregistration.k8s.io', 'validatingwebhookconfigurations'],
  ['admissionregistration.k8s.io', 'validatingadmissionpolicies'],
  ['admissionregistration.k8s.io', 'validatingadmissionpolicybindings'],
  ['scheduling.k8s.io', 'priorityclasses'],
  ['apps', 'deployments'],
]

async function rightsToInstall({ reached, clock, signal }: ClusterPlace): Promise<Said> {
  const review = createAccessReview({ client: reached.client, clock })
  const deeds = written.flatMap(([group, resource]) =>
    ['create', 'patch'].map((verb): Deed => ({ verb, group, resource })),
  )
  const answers = await Promise.all(deeds.map((deed) => review.mayI(deed, signal)))
  const lacking = deeds.filter((_, index) => answers[index] !== true)
  if (lacking.length === 0)
    return { ok: true, reason: 'Granted', message: 'this user may write what an install writes' }
  const names = lacking.map(({ verb, resource }) => `${verb} ${resource}`).join(', ')
  const message = `wanted the rights of an install, got a user who may not: ${names}. Let somebody with the rights install it`
  return { ok: false, reason: 'NotGranted', message }
}

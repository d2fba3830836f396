/** What the server itself writes into objects, and what it lets nobody change (apiserver pkg/registry/rest). */
import { randomUUID, randomInt } from 'node:crypto'
import { at, objectAt, own, same, setAt, textAt, without, type JsonObject } from '../json.ts'
import type { Resource } from '../resources/resource.ts'

// apiserver pkg/storage/names: five characters without vowels, so that no words come out.
const alphabet = 'bcdfghjklmnpqrstvwxz2456789'

/** A name from metadata.generateName. */
export function generatedName(base: string): string {
  const tail = Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join('')
  return `${base.slice(0, 58)}${tail}`
}

/** An object that is to be created without what only the server may say of it (apiserver pkg/registry/rest/meta.go). */
export function withoutSystemFields(object: JsonObject): JsonObject {
  const metadata = without(
    objectAt(object, 'metadata'),
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'selfLink',
    'uid',
  )
  return { ...object, metadata }
}

/** The object as it is about to be created: identity, times and generation are the server's. */
export function forCreate(resource: Resource, given: JsonObject, now: string): JsonObject {
  const object = withoutSystemFields(given)
  const metadata = without(objectAt(object, 'metadata'), 'generation', 'resourceVersion')
  const filled = {
    ...metadata,
    uid: randomUUID(),
    creationTimestamp: now,
    ...(hasGeneration(resource) ? { generation: 1 } : {}),
  }
  const cleaned = resource.status && !keepsStatus(resource) ? without(object, 'status') : object
  return initialStatus(resource, { ...cleaned, metadata: filled })
}

// A CRD's own status is set by the server; a Namespace's too.
const keepsStatus = (resource: Resource): boolean => resource.kind === 'CustomResourceDefinition'

function initialStatus(resource: Resource, object: JsonObject): JsonObject {
  if (resource.custom) return object
  if (resource.kind === 'Namespace')
    return { ...object, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } }
  if (resource.kind === 'Pod') return { ...object, status: { phase: 'Pending', qosClass: 'BestEffort' } }
  if (resource.kind === 'PersistentVolumeClaim') return { ...object, status: { phase: 'Pending' } }
  return [
    'Deployment',
    'ReplicaSet',
    'StatefulSet',
    'DaemonSet',
    'Job',
    'CronJob',
    'Service',
    'ValidatingAdmissionPolicy',
  ].includes(resource.kind)
    ? { ...object, status: emptyStatus[resource.kind] ?? {} }
    : object
}

const emptyStatus: Readonly<Record<string, JsonObject>> = {
  Service: { loadBalancer: {} },
  ReplicaSet: { replicas: 0 },
  StatefulSet: { replicas: 0, availableReplicas: 0 },
  DaemonSet: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
}

const generationKinds = new Set([
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Job',
  'CronJob',
  'Pod',
  'Ingress',
  'NetworkPolicy',
  'PodDisruptionBudget',
  'CustomResourceDefinition',
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
])

/** Whether objects of a resource count the changes of what is wanted of them. */
export function hasGeneration(resource: Resource): boolean {
  return resource.custom || generationKinds.has(resource.kind)
}

const kept = [
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'selfLink',
] as const

/** The object as it is about to replace another: what is the server's stays, and the part that is not addressed too. */
export function forUpdate(
  resource: Resource,
  { before, after }: { readonly before: JsonObject; readonly after: JsonObject },
  subresource: string,
): JsonObject {
  const parts =
    subresource === 'status' ? statusOnly(resource, before, after) : specOnly(resource, before, after)
  const former = objectAt(before, 'metadata')
  const metadata = kept.reduce<JsonObject>(
    (all, name) => {
      const value = own(former, name)
      return value === undefined ? without(all, name) : { ...all, [name]: value }
    },
    objectAt(parts, 'metadata'),
  )
  const updated = { ...parts, metadata }
  if (!hasGeneration(resource) || !wantsOther(resource, before, updated)) return updated
  const generation = at(before, 'metadata', 'generation')
  return setAt(updated, ['metadata', 'generation'], (typeof generation === 'number' ? generation : 0) + 1)
}

// A status update of a custom resource changes nothing but status and managedFields; of a built-in one nothing but status and metadata.
function statusOnly(resource: Resource, before: JsonObject, after: JsonObject): JsonObject {
  const status = own(after, 'status')
  const rest = without(before, 'status')
  const metadata = resource.custom ? objectAt(before, 'metadata') : objectAt(after, 'metadata')
  const managedFields = at(after, 'metadata', 'managedFields')
  const held = setAt({ metadata }, ['metadata', 'managedFields'], managedFields)
  return { ...rest, ...held, ...(status === undefined ? {} : { status }) }
}

function specOnly(resource: Resource, before: JsonObject, after: JsonObject): JsonObject {
  if (!resource.status) return after
  const status = own(before, 'status')
  return { ...without(after, 'status'), ...(status === undefined ? {} : { status }) }
}

// Without a status subresource every change outside metadata counts, status too.
function wantsOther(resource: Resource, before: JsonObject, after: JsonObject): boolean {
  const wanted = (object: JsonObject): JsonObject => {
    if (!resource.custom && Object.hasOwn(object, 'spec')) return objectAt(object, 'spec')
    return without(object, 'metadata', 'apiVersion', 'kind', ...(resource.status ? ['status'] : []))
  }
  return !same(wanted(before), wanted(after))
}

/** The uid of an object. */
export function uidOf(object: JsonObject): string {
  return textAt(object, 'metadata', 'uid')
}

/** Objects that are there without having been asked for: the first ones, and those of tests. */
import { assign } from './builtin/assign.ts'
import { stamp } from './clock.ts'
import { at, isObject, setAt, textAt, type JsonObject } from './json.ts'
import { groupVersion, type Resource } from './resources/resource.ts'
import { shape } from './rest/decode.ts'
import { forCreate, generatedName } from './rest/metadata.ts'
import { keyOfObject } from './storage/store.ts'
import type { World } from './world.ts'

const namespace = (name: string): JsonObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
const everything = [
  { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
  { nonResourceURLs: ['*'], verbs: ['*'] },
]

/** What every cluster begins with. */
export const firstObjects: readonly JsonObject[] = [
  ...['default', 'kube-node-lease', 'kube-public', 'kube-system'].map(namespace),
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'cluster-admin' },
    rules: everything,
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'cluster-admin' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:masters' }],
  },
]

/** Stores objects without admission or validation; one that is there already is replaced. Given identity and status are kept. */
export function plant(world: World, objects: readonly JsonObject[]): void {
  for (const object of objects) plantOne(world, object)
}

function plantOne(world: World, given: JsonObject): void {
  const resource = resourceOf(world, given)
  const named =
    textAt(given, 'metadata', 'name') === ''
      ? setAt(given, ['metadata', 'name'], generatedName(textAt(given, 'metadata', 'generateName')))
      : given
  const placed =
    resource.namespaced && textAt(named, 'metadata', 'namespace') === ''
      ? setAt(named, ['metadata', 'namespace'], 'default')
      : named
  const home = textAt(placed, 'metadata', 'namespace')
  if (home !== '' && world.store.get('/namespaces', home) === undefined) plantOne(world, namespace(home))
  const object = resource.stored(filled(world, resource, placed))
  const key = keyOfObject(object)
  const before = world.store.get(resource.storage, key)
  const result =
    before === undefined
      ? world.store.create(resource.storage, key, object)
      : world.store.replace(resource.storage, key, { before, object })
  if (typeof result === 'string')
    throw new Error(`${resource.kind} ${key.replace('\0', '/')} could not be seeded: the store is ${result}`)
}

function filled(world: World, resource: Resource, given: JsonObject): JsonObject {
  const shaped = shape(resource, given)
  const made = assign(world, resource, forCreate(resource, shaped, stamp(world.clock.now())))
  const identity = [
    'uid',
    'creationTimestamp',
    'generation',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'managedFields',
  ].reduce((object, name) => {
    const value = at(given, 'metadata', name)
    return value === undefined ? object : setAt(object, ['metadata', name], value)
  }, made)
  const status = at(given, 'status')
  return isObject(status) && resource.kind !== 'CustomResourceDefinition'
    ? setAt(identity, ['status'], status)
    : identity
}

function resourceOf(world: World, object: JsonObject): Resource {
  const [apiVersion, kind] = [textAt(object, 'apiVersion'), textAt(object, 'kind')]
  const found = world.catalog.ofKind(apiVersion, kind)
  if (found !== undefined) return found
  const known = [...new Set(world.catalog.all().map((one) => `${groupVersion(one)} ${one.kind}`))]
  throw new Error(
    `there is no kind ${apiVersion} ${kind} to seed; install its CRD first. Known: ${known.join(', ')}`,
  )
}

/** POST: an object comes to be. */
import { admit, review } from '../admission/chain.ts'
import type { Call } from '../admission/call.ts'
import { checkEscalation } from '../authz/escalation.ts'
import { stamp } from '../clock.ts'
import { alreadyExists, ApiError, badRequest, notFound, stillLeaving, terminating } from '../errors/status.ts'
import { afterUpdate } from '../fields/ownership.ts'
import { setAt, textAt, type JsonObject } from '../json.ts'
import { groupVersion, nameOfResource, type Resource } from '../resources/resource.ts'
import { keyOf } from '../storage/store.ts'
import type { World } from '../world.ts'
import { assign } from '../builtin/assign.ts'
import { parseBody } from './body.ts'
import { decode, duplicatesOf, shape } from './decode.ts'
import { viewOf } from './list.ts'
import { forCreate, generatedName, withoutSystemFields } from './metadata.ts'
import { json, type Answer, type Request } from './request.ts'
import { withoutTwins } from './owner-twins.ts'
import { storeError } from './store-errors.ts'
import { showObject } from './table.ts'
import { checkObject, warnOf } from './validate.ts'
import { writeOptions, type WriteOptions } from './write-options.ts'

// apiserver pkg/registry/generic/registry/store.go: how often a generated name that is taken is tried anew.
const nameAttempts = 8

/** Answers a POST. */
export async function create(world: World, request: Request, resource: Resource): Promise<Answer> {
  const view = viewOf(world, request)
  const options = writeOptions(request, 'create')
  const body = await parseBody(request.body, request.contentType)
  const duplicates = duplicatesOf(request, options)
  const decoded = decode(resource, body, { options, warn: request.warn, duplicates })
  const object = withoutTwins(inNamespace(resource, decoded, request.info.namespace), 'sent', request.warn)
  // "0" counts as unset (etcd3 store Create); the velero CLI sends it.
  if (!options.dryRun && !['', '0'].includes(textAt(object, 'metadata', 'resourceVersion'))) {
    throw new ApiError({
      code: 500,
      reason: '',
      message: 'resourceVersion should not be set on objects to be created',
    })
  }
  const created = await createObject(world, request, { resource, object, options })
  return json(showObject(resource, created, view), 201)
}

/** Puts the namespace of the URL into an object; throws 400 if it names another. */
export function inNamespace(resource: Resource, object: JsonObject, namespace: string): JsonObject {
  const own = textAt(object, 'metadata', 'namespace')
  if (!resource.namespaced) {
    return own === '' ? object : setAt(object, ['metadata', 'namespace'], undefined)
  }
  if (namespace === '') throw badRequest('an empty namespace may not be set during creation')
  if (own !== '' && own !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
  return setAt(object, ['metadata', 'namespace'], namespace)
}

type What = {
  readonly resource: Resource
  readonly object: JsonObject
  readonly options: WriteOptions
  readonly applied?: boolean
}

/** Runs an object through admission and validation, and stores it. */
export async function createObject(world: World, request: Request, what: What): Promise<JsonObject> {
  const { resource, options } = what
  const { namespace } = request.info
  checkNamespace(world, resource, what.object)
  const object = what.applied === true ? what.object : managedBy(world, what)
  const call: Call = {
    operation: 'CREATE',
    resource,
    subresource: '',
    namespace: resource.namespaced ? namespace : '',
    name: textAt(object, 'metadata', 'name'),
    object,
    oldObject: undefined,
    // Whatever made it: POST, an apply, or a PUT of what was not there.
    options: { ...options.asSent, kind: 'CreateOptions' },
    dryRun: options.dryRun,
    user: request.user,
    signal: request.signal,
    endsAt: request.endsAt,
    warn: request.warn,
  }
  const mutated = await admit(world, call)
  const shaped = withoutTwins(
    mutated === object ? mutated : shape(resource, mutated),
    'admitted',
    request.warn,
  )
  for (let attempt = 1; ; attempt += 1) {
    const prepared = prepare(world, resource, shaped)
    checkEscalation(world, request.user, { resource, object: prepared, before: undefined })
    checkObject(resource, {
      object: prepared,
      before: undefined,
      subresource: '',
      kind: textAt(prepared, 'kind'),
    })
    warnOf(resource, { object: prepared, before: undefined }, request.warn)
    const name = textAt(prepared, 'metadata', 'name')
    await review(world, { ...call, name, object: prepared })
    const stored = store(world, what, prepared)
    if (stored !== 'exists') return stored
    const generated = textAt(shaped, 'metadata', 'name') === ''
    if (!generated || attempt === nameAttempts) throw taken(world, resource, prepared)
  }
}

function prepare(world: World, resource: Resource, object: JsonObject): JsonObject {
  return assign(world, resource, forCreate(resource, withName(object), stamp(world.clock.now())))
}

// What admission and the server add belongs to nobody.
function managedBy(world: World, { resource, object, options }: What): JsonObject {
  const time = stamp(world.clock.now())
  const writer = { manager: options.manager, apiVersion: groupVersion(resource), subresource: '', time }
  return afterUpdate(resource, { before: undefined, after: withoutSystemFields(object) }, writer)
}

function withName(object: JsonObject): JsonObject {
  const base = textAt(object, 'metadata', 'generateName')
  if (textAt(object, 'metadata', 'name') !== '' || base === '') return object
  return setAt(object, ['metadata', 'name'], generatedName(base))
}

function store(
  world: World,
  { resource, options, object: sent }: What,
  object: JsonObject,
): JsonObject | 'exists' {
  const name = textAt(object, 'metadata', 'name')
  const version = textAt(sent, 'metadata', 'resourceVersion')
  const key = keyOf(textAt(object, 'metadata', 'namespace'), name)
  if (options.dryRun) {
    if (world.store.get(resource.storage, key) !== undefined) throw taken(world, resource, object)
    // Nobody looks at the version that was sent, and nobody gives another.
    return version === '' ? object : setAt(object, ['metadata', 'resourceVersion'], version)
  }
  const stored = world.store.create(resource.storage, key, resource.stored(object))
  if (stored === 'exists') return 'exists'
  if (typeof stored === 'string') throw storeError(resource, name, stored)
  return resource.shown(stored)
}

function taken(world: World, resource: Resource, object: JsonObject): ApiError {
  const name = textAt(object, 'metadata', 'name')
  const there = world.store.get(resource.storage, keyOf(textAt(object, 'metadata', 'namespace'), name))
  const leaving = textAt(there, 'metadata', 'deletionTimestamp') !== ''
  return (leaving ? stillLeaving : alreadyExists)(nameOfResource(resource), name)
}

// The NamespaceLifecycle admission plugin.
function checkNamespace(world: World, resource: Resource, object: JsonObject): void {
  if (!resource.namespaced) return
  const namespace = textAt(object, 'metadata', 'namespace')
  const found = world.store.get('/namespaces', namespace)
  if (found === undefined) throw notFound({ group: '', resource: 'namespaces' }, namespace)
  if (textAt(found, 'metadata', 'deletionTimestamp') === '') return
  throw terminating(nameOfResource(resource), textAt(object, 'metadata', 'name'), namespace)
}

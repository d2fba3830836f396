/** PUT and everything else that replaces an object: read, change, admit, compare and set. */
import { admit, review } from '../admission/chain.ts'
import type { Call } from '../admission/call.ts'
import { establish } from '../builtin/assign.ts'
import { stamp } from '../clock.ts'
import { forbiddenBy } from '../authz/attributes.ts'
import { checkEscalation } from '../authz/escalation.ts'
import { wrong } from '../errors/field.ts'
import { badRequest, conflict, invalid, modified, notFound } from '../errors/status.ts'
import { sameBut } from '../fields/managed.ts'
import { afterUpdate } from '../fields/ownership.ts'
import { at, listAt, setAt, textAt, type JsonObject } from '../json.ts'
import { groupVersion, nameOfResource, type Resource } from '../resources/resource.ts'
import { keyOf, type Missed } from '../storage/store.ts'
import type { World } from '../world.ts'
import { parseBody } from './body.ts'
import { decode, duplicatesOf, shape } from './decode.ts'
import { createObject, inNamespace } from './create.ts'
import { viewOf } from './list.ts'
import { forUpdate, uidOf } from './metadata.ts'
import { attributesOf } from './request-info.ts'
import { json, type Answer, type Request } from './request.ts'
import { withoutTwins } from './owner-twins.ts'
import { storeError } from './store-errors.ts'
import { showObject } from './table.ts'
import { checkObject, warnOf } from './validate.ts'
import { writeOptions, type WriteOptions } from './write-options.ts'

/** Which object is to be changed, and how. */
export type Change = {
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
  readonly subresource: string
  readonly options: WriteOptions
  /** What the object should become; called again when somebody else wrote in between. */
  readonly desired: (current: JsonObject) => JsonObject
  /** An apply brings its own managers. */
  readonly applied?: boolean
}

// apiserver pkg/endpoints/handlers/patch.go: MaxRetryWhenPatchConflicts.
const attempts = 5

/** Answers a PUT. */
export async function update(world: World, request: Request, resource: Resource): Promise<Answer> {
  const view = viewOf(world, request)
  const options = writeOptions(request, 'update')
  const body = await parseBody(request.body, request.contentType)
  const duplicates = duplicatesOf(request, options)
  const decoded = decode(resource, body, { options, warn: request.warn, duplicates })
  const { namespace, name, subresource } = request.info
  const given = inNamespace(resource, decoded, namespace)
  const named = textAt(given, 'metadata', 'name')
  if (named !== name) {
    throw badRequest(
      named === ''
        ? `the name of the object (${name} based on URL) was undeterminable: name must be provided`
        : `the name of the object (${named}) does not match the name on the URL (${name})`,
    )
  }
  const object = withoutTwins(given, 'sent', request.warn)
  if (makesAnew(world, request, resource)) {
    checkUid(resource, { current: {}, object, dryRun: options.dryRun })
    const made = await createObject(world, request, { resource, object, options })
    return json(showObject(resource, made, view), 201)
  }
  const desired = (current: JsonObject): JsonObject =>
    replacing(resource, { current, object, dryRun: options.dryRun })
  const updated = await changeObject(world, request, {
    resource,
    namespace,
    name,
    subresource,
    options,
    desired,
  })
  return json(showObject(resource, updated, view))
}

// A PUT that creates needs the right to create.
function makesAnew(world: World, { info, user }: Request, resource: Resource): boolean {
  const key = keyOf(resource.namespaced ? info.namespace : '', info.name)
  if (!resource.putCreates || info.subresource !== '' || world.store.get(resource.storage, key) !== undefined)
    return false
  const what = { ...attributesOf(info), verb: 'create' }
  const { allowed, reason } = world.authorize(user, what)
  if (!allowed) throw forbiddenBy(user, what, reason)
  return true
}

/** The object that replaces another, if it may: it must be the same one, and some kinds want its version named. */
function replacing(
  resource: Resource,
  { current, object, dryRun }: { current: JsonObject; object: JsonObject; dryRun: boolean },
): JsonObject {
  checkUid(resource, { current, object, dryRun })
  if (resource.needsVersion && textAt(object, 'metadata', 'resourceVersion') === '') {
    throw invalid({ group: resource.group, kind: resource.plural }, textAt(object, 'metadata', 'name'), [
      wrong('metadata.resourceVersion', 0, 'must be specified for an update'),
    ])
  }
  return object
}

function checkUid(
  resource: Resource,
  { current, object, dryRun }: { current: JsonObject; object: JsonObject; dryRun: boolean },
): void {
  const [name, uid] = [textAt(object, 'metadata', 'name'), uidOf(object)]
  if (uid !== '' && uid !== uidOf(current)) {
    const key = `${dryRun ? '' : '/registry'}${storageKey(resource, object)}`
    const why = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${uidOf(current)}`
    throw conflict(nameOfResource(resource), name, why)
  }
}

// Where the real server keeps an object in etcd below its prefix, which a dry run does not know; custom kinds have their group in front.
function storageKey({ custom, group, plural }: Resource, object: JsonObject): string {
  const path = [textAt(object, 'metadata', 'namespace'), textAt(object, 'metadata', 'name')].filter(Boolean)
  return ['', ...(custom ? [group] : []), plural, ...path].join('/')
}

/** Changes an object; throws 404, 409, 422 and what admission says. */
export async function changeObject(world: World, request: Request, change: Change): Promise<JsonObject> {
  const { resource, name } = change
  const key = keyOf(resource.namespaced ? change.namespace : '', name)
  for (let attempt = 1; ; attempt += 1) {
    const stored = world.store.get(resource.storage, key)
    if (stored === undefined) throw notFound(nameOfResource(resource), name)
    const current = resource.shown(stored)
    const desired = change.desired(current)
    const next = await admitted(world, request, { ...change, current, wanted: desired })
    const result = write(world, { ...change, key, stored, current, next })
    if (typeof result !== 'string') return result
    // Tried anew on what is there now; whoever named a version is refused by the comparison above.
    if (result !== 'conflict' || attempt === attempts) throw storeError(resource, name, result)
  }
}

// Only what came through admission is compared.
function checkVersion({ resource, name, current, wanted }: Admitting): void {
  const version = textAt(wanted, 'metadata', 'resourceVersion')
  const explicit = version !== '' && version !== '0'
  if (explicit && version !== textAt(current, 'metadata', 'resourceVersion'))
    throw conflict(nameOfResource(resource), name, modified)
}

type Admitting = Change & { readonly current: JsonObject; readonly wanted: JsonObject }

async function admitted(world: World, request: Request, change: Admitting): Promise<JsonObject> {
  const { resource, subresource, current, options, wanted } = change
  // What admission changes belongs to nobody.
  const object = completed(current, change.applied === true ? wanted : managedBy(world, change))
  const call: Call = {
    operation: 'UPDATE',
    resource,
    subresource,
    namespace: resource.namespaced ? change.namespace : '',
    name: change.name,
    object,
    oldObject: current,
    options: options.asSent,
    dryRun: options.dryRun,
    user: request.user,
    signal: request.signal,
    endsAt: request.endsAt,
    warn: request.warn,
  }
  const mutated = await admit(world, call)
  const shaped = withoutTwins(
    mutated === object ? object : shape(resource, mutated),
    'admitted',
    request.warn,
  )
  checkVersion(change)
  const prepared = derived(
    world,
    resource,
    forUpdate(resource, { before: current, after: shaped }, subresource),
  )
  checkEscalation(world, request.user, { resource, object: prepared, before: current })
  checkObject(resource, {
    object: withIdentity(shaped, prepared),
    before: current,
    subresource,
    kind: textAt(wanted, 'kind'),
  })
  warnOf(resource, { object: prepared, before: current }, request.warn)
  await review(world, { ...call, object: prepared })
  return prepared
}

// A PUT may leave out what only the server writes.
function completed(current: JsonObject, wanted: JsonObject): JsonObject {
  return ['uid', 'creationTimestamp', 'resourceVersion'].reduce((object, name) => {
    const value = at(current, 'metadata', name)
    return textAt(object, 'metadata', name) === '' && value !== undefined
      ? setAt(object, ['metadata', name], value)
      : object
  }, wanted)
}

// What the client asked for is judged, with its own uid and names, not what the server would make of it.
function withIdentity(asked: JsonObject, prepared: JsonObject): JsonObject {
  return setAt(prepared, ['metadata', 'uid'], at(asked, 'metadata', 'uid'))
}

function derived(world: World, resource: Resource, object: JsonObject): JsonObject {
  return !resource.custom && resource.kind === 'CustomResourceDefinition'
    ? establish(object, stamp(world.clock.now()))
    : object
}

function managedBy(world: World, { resource, current, wanted, options, subresource }: Admitting): JsonObject {
  const time = stamp(world.clock.now())
  const writer = { manager: options.manager, apiVersion: groupVersion(resource), subresource, time }
  return afterUpdate(resource, { before: current, after: wanted }, writer)
}

type Writing = Change & {
  readonly key: string
  readonly stored: JsonObject
  readonly current: JsonObject
  readonly next: JsonObject
}

function write(
  world: World,
  { resource, key, stored, current, next, options }: Writing,
): JsonObject | Missed {
  if (options.dryRun || sameBut(current, next)) return options.dryRun ? next : current
  // An object that is being deleted goes with its last finalizer.
  const going =
    textAt(current, 'metadata', 'deletionTimestamp') !== '' &&
    listAt(next, 'metadata', 'finalizers').length === 0
  if (going && !stillHeld(resource, next)) {
    const removed = world.store.remove(resource.storage, key, stored)
    return typeof removed === 'string' ? removed : next
  }
  const result = world.store.replace(resource.storage, key, { before: stored, object: resource.stored(next) })
  return typeof result === 'string' ? result : resource.shown(result)
}

// A namespace has finalizers of its own in its spec.
const stillHeld = (resource: Resource, object: JsonObject): boolean =>
  resource.kind === 'Namespace' && !resource.custom && listAt(object, 'spec', 'finalizers').length > 0

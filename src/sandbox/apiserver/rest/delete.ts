/** DELETE: at once, or after finalizers and dependents. */
import { admit, review } from '../admission/chain.ts'
import type { Call } from '../admission/call.ts'
import { stamp } from '../clock.ts'
import { ApiError, conflict, forbidden, notFound } from '../errors/status.ts'
import { at, listAt, objectAt, same, setAt, textAt, textsAt, type JsonObject } from '../json.ts'
import { nameOfResource, type Resource } from '../resources/resource.ts'
import { keyOf } from '../storage/store.ts'
import type { World } from '../world.ts'
import { deleteOptions, type DeleteOptions, type Policy } from './delete-options.ts'
import { listOptions } from './list-options.ts'
import { pageOf, viewOf } from './list.ts'
import { uidOf } from './metadata.ts'
import { json, type Answer, type Request } from './request.ts'
import { showList, showObject } from './table.ts'

/** What became of an object. */
type Outcome = { readonly gone: boolean; readonly object: JsonObject }

/** Answers a DELETE of one object. */
export async function remove(world: World, request: Request, resource: Resource): Promise<Answer> {
  const view = viewOf(world, request)
  const options = await deleteOptions(request)
  const { gone, object } = await removeObject(world, request, {
    resource,
    namespace: request.info.namespace,
    name: request.info.name,
    options,
  })
  const status = !gone && options.cascading ? 202 : 200
  if (!gone || view.wanted !== 'object') return json(showObject(resource, object, view), status)
  const group = resource.group === '' ? {} : { group: resource.group }
  const details = { name: request.info.name, ...group, kind: resource.plural, uid: uidOf(object) }
  return json({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details })
}

/** Answers a DELETE of a collection. */
export async function removeCollection(world: World, request: Request, resource: Resource): Promise<Answer> {
  const view = viewOf(world, request)
  const options = await deleteOptions(request)
  const { namespace } = request.info
  const page = pageOf(world.store, {
    resource,
    namespace: resource.namespaced ? namespace : '',
    options: listOptions(request.query, resource, false),
  })
  for (const object of page.items) {
    const [name, own] = [textAt(object, 'metadata', 'name'), textAt(object, 'metadata', 'namespace')]
    try {
      await removeObject(world, request, { resource, namespace: own, name, options })
    } catch (error) {
      // Somebody else deleted it meanwhile: that is what was wanted.
      if (!(error instanceof ApiError) || error.code !== 404) throw error
    }
  }
  // What was there, as it was.
  return json(showList(resource, page, view))
}

type What = {
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
  readonly options: DeleteOptions
}

async function removeObject(world: World, request: Request, what: What): Promise<Outcome> {
  const { resource, name, options } = what
  const key = keyOf(resource.namespaced ? what.namespace : '', name)
  // Admission takes time; whoever writes meanwhile makes us look again.
  for (;;) {
    const stored = world.store.get(resource.storage, key)
    if (stored === undefined) throw notFound(nameOfResource(resource), name)
    const current = resource.shown(stored)
    checkPreconditions(resource, current, options)
    checkSystem(resource, name)
    const call = callOf(request, what, current)
    await admit(world, call)
    await review(world, call)
    const outcome =
      world.store.get(resource.storage, key) === stored
        ? takeAway(world, { ...what, key, stored, current })
        : undefined
    if (outcome !== undefined) return outcome
  }
}

// The NamespaceLifecycle admission plugin.
const immortal: ReadonlySet<string> = new Set(['default', 'kube-public', 'kube-system'])

function checkSystem(resource: Resource, name: string): void {
  if (!resource.custom && resource.kind === 'Namespace' && immortal.has(name))
    throw forbidden(nameOfResource(resource), name, 'this namespace may not be deleted')
}

function callOf(request: Request, { resource, namespace, name, options }: What, current: JsonObject): Call {
  return {
    operation: 'DELETE',
    resource,
    subresource: '',
    namespace: resource.namespaced ? namespace : '',
    name,
    object: undefined,
    oldObject: current,
    options: options.asSent,
    dryRun: options.dryRun,
    user: request.user,
    signal: request.signal,
    endsAt: request.endsAt,
    warn: request.warn,
  }
}

// apiserver pkg/registry/rest/delete.go: BeforeDelete names the kind where others name the resource.
function checkPreconditions(
  { group, kind }: Resource,
  current: JsonObject,
  { uid, resourceVersion }: DeleteOptions,
): void {
  const name = textAt(current, 'metadata', 'name')
  const version = textAt(current, 'metadata', 'resourceVersion')
  const [what, wanted, found, perhaps] =
    uid !== '' && uid !== uidOf(current)
      ? ['UID', uid, uidOf(current), 'deleted and then recreated']
      : ['ResourceVersion', resourceVersion, version, 'modified']
  if (wanted === '' || wanted === found) return
  const why = `the ${what} in the precondition (${wanted}) does not match the ${what} in record (${found}). The object might have been ${perhaps}`
  throw conflict({ group, resource: kind }, name, why)
}

type Taking = What & { readonly key: string; readonly stored: JsonObject; readonly current: JsonObject }

function takeAway(world: World, { resource, key, stored, current, options }: Taking): Outcome | undefined {
  const finalizers = withPolicy(textsAt(current, 'metadata', 'finalizers'), options.policy)
  const namespace =
    resource.kind === 'Namespace' && !resource.custom && listAt(current, 'spec', 'finalizers').length > 0
  if (finalizers.length === 0 && !namespace) {
    if (options.dryRun) return wouldGo(resource, current)
    const removed = world.store.remove(resource.storage, key, stored)
    return typeof removed === 'string' ? undefined : { gone: true, object: resource.shown(removed) }
  }
  const marked = mark(resource, current, { finalizers, now: stamp(world.clock.now()) })
  if (options.dryRun || marked === current) return { gone: false, object: marked }
  const result = world.store.replace(resource.storage, key, {
    before: stored,
    object: resource.stored(marked),
  })
  return typeof result === 'string' ? undefined : { gone: false, object: resource.shown(result) }
}

// Of an object whose last finalizer the deletion itself would take away, a dry run shows the Go type without anything in it.
function wouldGo(resource: Resource, current: JsonObject): Outcome {
  if (textsAt(current, 'metadata', 'finalizers').length === 0) return { gone: true, object: current }
  const { node, custom } = resource
  const structs = custom ? [] : node.fieldNames.filter((name) => node.field(name)?.always === true)
  const object: JsonObject = {
    apiVersion: at(current, 'apiVersion') ?? '',
    kind: resource.kind,
    ...Object.fromEntries(structs.map((name) => [name, {}])),
  }
  return { gone: false, object }
}

const policyFinalizers: Readonly<Record<Policy, readonly string[]>> = {
  Orphan: ['orphan'],
  Foreground: ['foregroundDeletion'],
  Background: [],
}

// apiserver pkg/registry/generic/registry/store.go: deletionFinalizersForGarbageCollection.
function withPolicy(finalizers: readonly string[], policy: Policy | undefined): readonly string[] {
  if (policy === undefined) return finalizers
  const others = finalizers.filter((one) => one !== 'orphan' && one !== 'foregroundDeletion')
  return [...others, ...policyFinalizers[policy]]
}

const held = (object: JsonObject, finalizers: readonly string[]): JsonObject =>
  setAt(object, ['metadata', 'finalizers'], finalizers.length === 0 ? undefined : finalizers)

function mark(
  resource: Resource,
  current: JsonObject,
  { finalizers, now }: { readonly finalizers: readonly string[]; readonly now: string },
): JsonObject {
  if (textAt(current, 'metadata', 'deletionTimestamp') !== '') {
    const isSame = same(finalizers, textsAt(current, 'metadata', 'finalizers'))
    return isSame ? current : held(current, finalizers)
  }
  const generation = at(current, 'metadata', 'generation')
  const metadata = {
    ...objectAt(held(current, finalizers), 'metadata'),
    deletionTimestamp: now,
    deletionGracePeriodSeconds: 0,
    ...(typeof generation === 'number' ? { generation: generation + 1 } : {}),
  }
  const marked = { ...current, metadata }
  const namespace = resource.kind === 'Namespace' && !resource.custom
  return namespace ? setAt(marked, ['status', 'phase'], 'Terminating') : marked
}

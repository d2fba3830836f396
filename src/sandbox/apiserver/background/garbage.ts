/** The garbage collector: what is owned goes with its last owner, and at once if no owner was ever there. */
import { at, listAt, setAt, textAt, textsAt, type Json, type JsonObject } from '../json.ts'
import { keyOf } from '../storage/store.ts'
import type { World } from '../world.ts'
import { makeLater } from './later.ts'
import { release, takeAway } from './removal.ts'

type Place = { readonly resource: string; readonly key: string }

/** Starts it; the returned function stops it. */
export function watchOwners(world: World): () => void {
  const later = makeLater()
  const dependents = new Map<string, Map<string, Place>>()
  const leaving = new Map<string, Place>()
  const look = (place: Place): void => later.soon(`${place.resource} ${place.key}`, () => judge(world, place))
  const follow = (uid: string): void => {
    for (const place of dependents.get(uid)?.values() ?? []) look(place)
  }
  const note = (place: Place, object: JsonObject, add: boolean): void => {
    for (const uid of ownersOf(object)) {
      const known = dependents.get(uid) ?? new Map<string, Place>()
      if (add) known.set(`${place.resource} ${place.key}`, place)
      else known.delete(`${place.resource} ${place.key}`)
      if (known.size === 0) dependents.delete(uid)
      else dependents.set(uid, known)
    }
  }
  const lookAtPolicy = (place: Place): void =>
    later.soon(`policy ${place.resource} ${place.key}`, () => enforce(world, place, dependents))
  const lookAgain = (uid: string): void => {
    const owner = leaving.get(uid)
    if (owner !== undefined) lookAtPolicy(owner)
  }
  const changed = (place: Place, object: JsonObject): void => {
    if (ownersOf(object).length > 0) look(place)
    if (policyOf(object) === undefined) return
    leaving.set(textAt(object, 'metadata', 'uid'), place)
    lookAtPolicy(place)
  }
  const stop = world.store.listen((resource, { type, key, object, before }) => {
    const place = { resource, key }
    if (before !== undefined) note(place, before, false)
    if (type === 'DELETED') {
      follow(textAt(object, 'metadata', 'uid'))
      leaving.delete(textAt(object, 'metadata', 'uid'))
      // An owner in foreground deletion waits for its dependents: each that goes makes it look again.
      for (const uid of ownersOf(object)) lookAgain(uid)
      return
    }
    note(place, object, true)
    changed(place, object)
  })
  for (const resource of world.store.resources())
    for (const [key, object] of world.store.objects(resource)) note({ resource, key }, object, true)
  return () => {
    stop()
    later.stop()
  }
}

const ownersOf = (object: JsonObject): readonly string[] =>
  listAt(object, 'metadata', 'ownerReferences').map((one) => textAt(one, 'uid'))

function policyOf(object: JsonObject): 'orphan' | 'foregroundDeletion' | undefined {
  if (textAt(object, 'metadata', 'deletionTimestamp') === '') return undefined
  const finalizers = textsAt(object, 'metadata', 'finalizers')
  if (finalizers.includes('orphan')) return 'orphan'
  return finalizers.includes('foregroundDeletion') ? 'foregroundDeletion' : undefined
}

/** Whether the owner that a reference means exists with that uid; in the same namespace, or without one. */
function ownerOf(
  world: World,
  reference: Json,
  namespace: string,
): { readonly place: Place; readonly object: JsonObject } | undefined {
  const resource = world.catalog.ofKind(textAt(reference, 'apiVersion'), textAt(reference, 'kind'))
  if (resource === undefined) return undefined
  const key = keyOf(resource.namespaced ? namespace : '', textAt(reference, 'name'))
  const object = world.store.get(resource.storage, key)
  if (object === undefined || textAt(object, 'metadata', 'uid') !== textAt(reference, 'uid')) return undefined
  return { place: { resource: resource.storage, key }, object }
}

function judge(world: World, place: Place): void {
  const object = world.store.get(place.resource, place.key)
  if (object === undefined) return
  const references = listAt(object, 'metadata', 'ownerReferences')
  if (references.length === 0) return
  const namespace = textAt(object, 'metadata', 'namespace')
  const living = references.filter((one) => ownerOf(world, one, namespace) !== undefined)
  if (living.length === references.length) return
  if (living.length === 0) {
    takeAway(world, place.resource, place.key)
    return
  }
  const kept = setAt(object, ['metadata', 'ownerReferences'], living)
  world.store.replace(place.resource, place.key, { before: object, object: kept })
}

function enforce(
  world: World,
  place: Place,
  dependents: ReadonlyMap<string, ReadonlyMap<string, Place>>,
): void {
  const owner = world.store.get(place.resource, place.key)
  const policy = owner === undefined ? undefined : policyOf(owner)
  if (owner === undefined || policy === undefined) return
  const uid = textAt(owner, 'metadata', 'uid')
  const owned = [...(dependents.get(uid)?.values() ?? [])]
  const waits = policy === 'foregroundDeletion' && takeOwned(world, owned, uid)
  if (policy === 'orphan') for (const one of owned) orphan(world, one, uid)
  if (!waits) release(world, { ...place, finalizer: policy })
}

/** Deletes dependents; says whether one that blocks is still there. */
function takeOwned(world: World, owned: readonly Place[], uid: string): boolean {
  const blocking = owned.filter((one) => blocks(world, one, uid))
  const left = owned.filter((one) => !takeAway(world, one.resource, one.key))
  return left.some((one) => blocking.includes(one))
}

function orphan(world: World, { resource, key }: Place, uid: string): void {
  const object = world.store.get(resource, key)
  if (object === undefined) return
  const left = listAt(object, 'metadata', 'ownerReferences').filter((one) => textAt(one, 'uid') !== uid)
  world.store.replace(resource, key, {
    before: object,
    object: setAt(object, ['metadata', 'ownerReferences'], left.length === 0 ? undefined : left),
  })
}

function blocks(world: World, { resource, key }: Place, uid: string): boolean {
  return listAt(world.store.get(resource, key), 'metadata', 'ownerReferences').some(
    (one) => textAt(one, 'uid') === uid && at(one, 'blockOwnerDeletion') === true,
  )
}

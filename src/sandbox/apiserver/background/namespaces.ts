/** The namespace controller: a namespace that is being deleted is emptied, and goes when it is empty. */
import { setAt, textAt, textsAt } from '../json.ts'
import type { World } from '../world.ts'
import { makeLater } from './later.ts'
import { takeAway } from './removal.ts'

const namespaces = '/namespaces'

/** Starts it; the returned function stops it. */
export function watchNamespaces(world: World): () => void {
  const later = makeLater()
  const look = (name: string): void => later.soon(name, () => empty(world, name))
  const stop = world.store.listen((resource, change) => {
    if (resource === namespaces) {
      if (change.type !== 'DELETED' && isGoing(change.object)) look(change.key)
      return
    }
    const home = textAt(change.object, 'metadata', 'namespace')
    const owner = home === '' ? undefined : world.store.get(namespaces, home)
    if (owner !== undefined && isGoing(owner)) look(home)
  })
  for (const [name, object] of world.store.objects(namespaces)) if (isGoing(object)) look(name)
  return () => {
    stop()
    later.stop()
  }
}

const isGoing = (object: Parameters<typeof textAt>[0]): boolean =>
  textAt(object, 'metadata', 'deletionTimestamp') !== ''

function empty(world: World, name: string): void {
  const object = world.store.get(namespaces, name)
  if (object === undefined || !isGoing(object)) return
  let left = 0
  for (const { storage, namespaced } of world.catalog.all()) {
    if (!namespaced) continue
    const keys = world.store.keys(storage).filter((key) => key.startsWith(`${name}\0`))
    left += keys.filter((key) => !takeAway(world, storage, key)).length
  }
  if (left > 0) return
  const finalizers = textsAt(object, 'metadata', 'finalizers')
  if (finalizers.length === 0) {
    world.store.remove(namespaces, name, object)
    return
  }
  const freed = setAt(object, ['spec', 'finalizers'], undefined)
  if (textsAt(object, 'spec', 'finalizers').length > 0)
    world.store.replace(namespaces, name, { before: object, object: freed })
}

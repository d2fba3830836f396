/** The CRD finalizer: when a CRD is deleted, its objects go first. */
import { textAt, textsAt } from '../json.ts'
import { crdStorage } from '../resources/catalog.ts'
import type { World } from '../world.ts'
import { makeLater } from './later.ts'
import { release, takeAway } from './removal.ts'

const cleanup = 'customresourcecleanup.apiextensions.k8s.io'

/** Starts it; the returned function stops it. */
export function watchDefinitions(world: World): () => void {
  const later = makeLater()
  const look = (key: string): void => later.soon(key, () => clean(world, key))
  const stop = world.store.listen((resource, change) => {
    if (resource === crdStorage) {
      if (change.type !== 'DELETED') look(change.key)
      return
    }
    if (change.type !== 'DELETED') return
    const [group = '', plural = ''] = resource.split('/')
    if (group !== '') look(`${plural}.${group}`)
  })
  return () => {
    stop()
    later.stop()
  }
}

function clean(world: World, key: string): void {
  const crd = world.store.get(crdStorage, key)
  if (crd === undefined || textAt(crd, 'metadata', 'deletionTimestamp') === '') return
  if (!textsAt(crd, 'metadata', 'finalizers').includes(cleanup)) return
  const storage = `${textAt(crd, 'spec', 'group')}/${textAt(crd, 'spec', 'names', 'plural')}`
  const left = world.store.keys(storage).filter((one) => !takeAway(world, storage, one))
  if (left.length === 0) release(world, { resource: crdStorage, key, finalizer: cleanup })
}

/** Deletion as controllers do it: without admission, with respect for finalizers. */
import { stamp } from '../clock.ts'
import { listAt, setAt, textAt } from '../json.ts'
import type { World } from '../world.ts'

/** Deletes an object: at once, or by marking it where finalizers hold it. Says whether it is gone. */
export function takeAway(world: World, resource: string, key: string): boolean {
  const object = world.store.get(resource, key)
  if (object === undefined) return true
  if (listAt(object, 'metadata', 'finalizers').length === 0) {
    world.store.remove(resource, key, object)
    return true
  }
  if (textAt(object, 'metadata', 'deletionTimestamp') === '') {
    const now = stamp(world.clock.now())
    const marked = setAt(
      setAt(object, ['metadata', 'deletionTimestamp'], now),
      ['metadata', 'deletionGracePeriodSeconds'],
      0,
    )
    world.store.replace(resource, key, { before: object, object: marked })
  }
  return false
}

/** Takes one finalizer from an object; it goes with its last one if it is being deleted. */
export function release(
  world: World,
  {
    resource,
    key,
    finalizer,
  }: { readonly resource: string; readonly key: string; readonly finalizer: string },
): void {
  const object = world.store.get(resource, key)
  if (object === undefined) return
  const left = listAt(object, 'metadata', 'finalizers').filter((one) => one !== finalizer)
  const freed = setAt(object, ['metadata', 'finalizers'], left.length === 0 ? undefined : left)
  if (left.length > 0 || textAt(object, 'metadata', 'deletionTimestamp') === '') {
    world.store.replace(resource, key, { before: object, object: freed })
    return
  }
  world.store.remove(resource, key, object)
}

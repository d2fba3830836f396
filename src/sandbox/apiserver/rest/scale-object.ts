/** An object as autoscaling/v1 Scale. */
import { at, isObject, objectAt, textAt, type JsonObject } from '../json.ts'
import type { Resource } from '../resources/resource.ts'
import { selectorText } from './label-selector.ts'

const steps = (path: string | undefined): readonly string[] => (path ?? '').split('.').filter(Boolean)

/** The Scale of an object. */
export function autoscaleObject(resource: Resource, object: JsonObject): JsonObject {
  const number = (path: string | undefined): number => {
    const value = at(object, ...steps(path))
    return typeof value === 'number' ? value : 0
  }
  const replicas = number(resource.scale?.spec)
  const selector = at(object, ...steps(resource.scale?.selector))
  const metadata = objectAt(object, 'metadata')
  const kept = ['name', 'namespace', 'uid', 'resourceVersion', 'creationTimestamp'].flatMap((key) =>
    textAt(metadata, key) === '' ? [] : [[key, textAt(metadata, key)] as const],
  )
  const text = isObject(selector) ? selectorText(selector) : typeof selector === 'string' ? selector : ''
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: Object.fromEntries(kept),
    // omitempty: 0 is not written, unlike in the status.
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: number(resource.scale?.status), ...(text === '' ? {} : { selector: text }) },
  }
}

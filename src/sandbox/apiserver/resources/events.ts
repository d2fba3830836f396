/** Events have two faces on one storage: core/v1, in which they are stored, and events.k8s.io/v1. */
import { own, without, type JsonObject } from '../json.ts'

// kubernetes pkg/apis/events/v1/conversion.go: core name, events.k8s.io name.
const names: readonly (readonly [string, string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
]

function renamed(
  object: JsonObject,
  pairs: readonly (readonly [string, string])[],
  apiVersion: string,
): JsonObject {
  const moved = pairs.flatMap(([from, to]) => {
    const value = own(object, from)
    return value === undefined ? [] : [[to, value] as const]
  })
  const rest = without(object, ...pairs.map(([from]) => from))
  return { ...rest, ...Object.fromEntries(moved), apiVersion }
}

/** A stored event as events.k8s.io/v1. */
export function eventShown(stored: JsonObject): JsonObject {
  return renamed(stored, names, 'events.k8s.io/v1')
}

/** An event of events.k8s.io/v1 as it is stored. */
export function eventStored(object: JsonObject): JsonObject {
  return renamed(
    object,
    names.map(([core, other]) => [other, core] as const),
    'v1',
  )
}

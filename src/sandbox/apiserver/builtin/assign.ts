/** What the server assigns to new built-in objects beside their metadata: cluster addresses, CRD status. */
import { stamp } from '../clock.ts'
import { at, listAt, objectAt, own, setAt, textAt, textsAt, type Json, type JsonObject } from '../json.ts'
import type { Resource } from '../resources/resource.ts'
import type { World } from '../world.ts'

/** The object with what is assigned at creation. */
export function assign(world: World, resource: Resource, object: JsonObject): JsonObject {
  if (resource.custom) return object
  if (resource.kind === 'Service') return withAddress(world, object)
  if (resource.kind === 'CustomResourceDefinition')
    return establish(withCleanup(object), stamp(world.clock.now()))
  return object
}

// The first free address of 10.96.0.0/16, in the order of creation.
function withAddress(world: World, service: JsonObject): JsonObject {
  const wanted = textAt(service, 'spec', 'clusterIP')
  if (textAt(service, 'spec', 'type') === 'ExternalName' || wanted !== '') {
    return wanted === '' ? service : setAt(service, ['spec', 'clusterIPs'], [wanted])
  }
  const taken = new Set(
    [...world.store.objects('/services').values()].map((one) => textAt(one, 'spec', 'clusterIP')),
  )
  for (let next = 10; next < 65_535; next += 1) {
    const address = `10.96.${next >> 8}.${next & 0xff}`
    if (taken.has(address)) continue
    const spec = {
      ...objectAt(service, 'spec'),
      clusterIP: address,
      clusterIPs: [address],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
    }
    return { ...service, spec }
  }
  return service
}

const cleanup = 'customresourcecleanup.apiextensions.k8s.io'

// The objects of a CRD go before it does.
function withCleanup(crd: JsonObject): JsonObject {
  const finalizers = textsAt(crd, 'metadata', 'finalizers')
  return finalizers.includes(cleanup) ? crd : setAt(crd, ['metadata', 'finalizers'], [...finalizers, cleanup])
}

/** A CRD whose status says what is true of it: its names are accepted and it is served. */
export function establish(crd: JsonObject, now: string): JsonObject {
  const versions = listAt(crd, 'spec', 'versions')
  const current = versions.filter((one) => at(one, 'storage') === true).map((one) => textAt(one, 'name'))
  const stored = new Set([...textsAt(crd, 'status', 'storedVersions'), ...current])
  const since = (type: string): Json => {
    const found = listAt(crd, 'status', 'conditions').find((one) => textAt(one, 'type') === type)
    return textAt(found, 'lastTransitionTime') || now
  }
  const condition = (type: string, reason: string, message: string): JsonObject => ({
    lastTransitionTime: since(type),
    message,
    reason,
    status: 'True',
    type,
  })
  const conditions = [
    condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
    condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
  ]
  const terminating =
    textAt(crd, 'metadata', 'deletionTimestamp') === ''
      ? []
      : [condition('Terminating', 'InstanceDeletionInProgress', 'CustomResource deletion is in progress')]
  const names = own(objectAt(crd, 'spec'), 'names') ?? {}
  return setAt(crd, ['status'], {
    conditions: [...conditions, ...terminating],
    acceptedNames: names,
    storedVersions: [...stored],
  })
}

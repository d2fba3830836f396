/** The addresses of the API server: what the ClusterIP of the Service kubernetes leads to. */
import { listAt } from '../core/velero.ts'
import type { Calls } from './kinds.ts'

// API servers keep an EndpointSlice of this name, unless they are told not to (--endpoint-reconciler-type=none): then somebody else
// keeps some with this label. For those our manifests give no right.
const name = 'kubernetes'
const labelSelector = `kubernetes.io/service-name=${name}`

/** Asks for them. In a cluster there is at least one: none found is thrown, as not known. */
export async function apiAddresses(calls: Calls, inCluster: boolean): Promise<readonly string[]> {
  const slices = calls.of('discovery.k8s.io', 'endpointslices', 'default')
  const found = addressesOf(await slices.find(name))
  if (found.length > 0 || !inCluster) return found
  const { items } = await slices.list({ labelSelector }).catch((cause: unknown) => {
    throw new Error(notFound, { cause })
  })
  const others = items.flatMap(addressesOf)
  if (others.length === 0) throw new Error(notFound)
  return others
}

const notFound =
  'the namespace default must have an EndpointSlice kubernetes with the addresses of the API server, or ones labelled kubernetes.io/service-name=kubernetes that tidewaiter may list; see docs/egress.md'

const addressesOf = (slice: unknown): readonly string[] =>
  listAt(slice, 'endpoints').flatMap((endpoint) => listAt(endpoint, 'addresses').map(String))

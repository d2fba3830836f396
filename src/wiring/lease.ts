/** The leader's Lease, as the election needs it. */
import type { Lease, LeasePort, LeaseWrite } from '../control/lease-claim.ts'
import { ownLabels } from '../core/registration.ts'
import { at, textAt, type Json } from '../core/velero.ts'
import { isKubeError } from '../kube/errors.ts'
import type { Calls } from './kinds.ts'

/** The Lease of one name. */
export function leasePort(calls: Calls, where: { readonly namespace: string; readonly name: string }): LeasePort {
  const leases = calls.leases(where.namespace)
  const written = async (write: () => Promise<Json>): Promise<LeaseWrite> => {
    try {
      return { ok: leaseOf(await write()) }
    } catch (error) {
      if (isKubeError(error, 'CONFLICT', 'ALREADY_EXISTS', 'NOT_FOUND')) return { conflict: true }
      throw error
    }
  }
  return {
    read: async (signal) => {
      const found = await leases.find(where.name, { signal })
      return found === undefined ? undefined : leaseOf(found)
    },
    create: (lease, signal) => written(() => leases.create(bodyOf(lease, where), { signal })),
    update: (lease, signal) => written(() => leases.replace(where.name, bodyOf(lease, where), { signal })),
  }
}

function leaseOf(raw: Json): Lease {
  const number = (key: string) => Number(at(raw, 'spec', key) ?? 0)
  return {
    holder: textAt(raw, 'spec', 'holderIdentity'),
    durationSeconds: number('leaseDurationSeconds'),
    acquiredAt: Date.parse(textAt(raw, 'spec', 'acquireTime')) || 0,
    renewedAt: Date.parse(textAt(raw, 'spec', 'renewTime')) || 0,
    transitions: number('leaseTransitions'),
    resourceVersion: textAt(raw, 'metadata', 'resourceVersion'),
  }
}

// MicroTime has six digits (k8s.io/apimachinery meta/v1 micro_time.go).
const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z')

function bodyOf(lease: Lease, where: { readonly namespace: string; readonly name: string }) {
  const resourceVersion = lease.resourceVersion === '' ? {} : { resourceVersion: lease.resourceVersion }
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { ...where, labels: ownLabels, ...resourceVersion },
    spec: {
      holderIdentity: lease.holder,
      leaseDurationSeconds: lease.durationSeconds,
      acquireTime: microTime(lease.acquiredAt),
      renewTime: microTime(lease.renewedAt),
      leaseTransitions: lease.transitions,
    },
  }
}

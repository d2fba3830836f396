/** Claims on names, kept in Leases. */
import { claimName, claimSeconds, claimStep, type ClaimLease } from '../core/claim.ts'
import type { Subject } from '../core/refusal.ts'
import { ownLabels } from '../core/registration.ts'
import { textAt, type Json } from '../core/velero.ts'
import type { Clock } from '../clock.ts'
import { isKubeError } from '../kube/errors.ts'
import type { Calls } from './kinds.ts'

/** Claims by these calls. */
export type Claims = {
  readonly claim: (
    subject: Subject,
    uid: string,
  ) => Promise<{ readonly ok: true } | { readonly heldBy: string }>
  readonly release: (subject: Subject, uid: string) => Promise<void>
}

/** What claiming needs. */
export type ClaimWorld = {
  readonly calls: Calls
  readonly clock: Clock
  readonly hash: (text: string) => string
}

const mostTries = 3

/** Claims in the namespace of the object. */
export function claimsBy(world: ClaimWorld): Claims {
  const nameOf = (subject: Subject) => claimName(subject.kind, subject.name, world.hash)
  return {
    claim: async (subject, uid) => {
      for (let tries = 0; tries < mostTries; tries++) {
        const result = await claimOnce(subject, uid, world)
        if (result !== 'again') return result
      }
      return { heldBy: 'somebody who was quicker' }
    },
    release: async (subject, uid) => {
      const leases = world.calls.leases(subject.namespace)
      const lease = await leases.find(nameOf(subject))
      if (lease === undefined || textAt(lease, 'spec', 'holderIdentity') !== uid) return
      try {
        await leases.delete(nameOf(subject), {
          resourceVersion: textAt(lease, 'metadata', 'resourceVersion'),
        })
      } catch (error) {
        if (!isKubeError(error, 'CONFLICT', 'NOT_FOUND')) throw error
      }
    },
  }

  async function claimOnce(subject: Subject, uid: string, { calls, clock }: ClaimWorld) {
    const leases = calls.leases(subject.namespace)
    const name = nameOf(subject)
    try {
      await leases.create(leaseOf(name, subject, { uid, now: clock.now() }))
      return { ok: true } as const
    } catch (error) {
      if (!isKubeError(error, 'ALREADY_EXISTS')) throw error
    }
    const found = await leases.find(name)
    if (found === undefined) return 'again'
    const step = claimStep(readLease(found), uid, clock.now())
    if (step.do === 'own') return { ok: true } as const
    if (step.do === 'held') return { heldBy: step.by }
    try {
      const taken = leaseOf(name, subject, { uid, now: clock.now() })
      const metadata = { ...taken.metadata, resourceVersion: textAt(found, 'metadata', 'resourceVersion') }
      await leases.replace(name, { ...taken, metadata })
      return { ok: true } as const
    } catch (error) {
      if (isKubeError(error, 'CONFLICT', 'NOT_FOUND')) return 'again'
      throw error
    }
  }
}

const readLease = (lease: Json): ClaimLease => ({
  holder: textAt(lease, 'spec', 'holderIdentity'),
  resourceVersion: textAt(lease, 'metadata', 'resourceVersion'),
  acquiredAt: Date.parse(textAt(lease, 'spec', 'acquireTime')),
})

function leaseOf(
  name: string,
  subject: Subject,
  { uid, now }: { readonly uid: string; readonly now: number },
) {
  // A Lease's times are MicroTime: six digits (k8s.io/apimachinery meta/v1 micro_time.go).
  const time = new Date(now).toISOString().replace('Z', '000Z')
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name,
      namespace: subject.namespace,
      labels: { ...ownLabels, 'tidewaiter.io/claim': 'name' },
      annotations: { 'tidewaiter.io/claimed-for': `${subject.kind}/${subject.name}` },
    },
    spec: { holderIdentity: uid, acquireTime: time, renewTime: time, leaseDurationSeconds: claimSeconds },
  }
}

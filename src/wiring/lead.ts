/** What one replica does while it leads: the controller, and keeping the registrations. */
import { createLeader } from '../control/leader.ts'
import { keepRegistrations } from '../control/registrar.ts'
import { missingWebhooks, ownLabels, registrationPatch } from '../core/registration.ts'
import { leaseAccess, type LeaseAccess } from '../kube/lease.ts'
import { allOf } from './caches.ts'
import { controlPorts } from './control.ts'
import type { createController } from './controller.ts'
import type { Install } from './install.ts'
import { installedAt } from './marker.ts'
import type { performerOf } from './perform.ts'
import type { Refused } from './refused.ts'
import { registrationsFor, type RegistrationWorld } from './registrations.ts'
import type { World } from './world.ts'

/** What leading needs. */
export type Leading = {
  readonly install: Install
  readonly registration: RegistrationWorld
  readonly controller: ReturnType<typeof createController>
  readonly perform: ReturnType<typeof performerOf>
  /** Until the addresses that actions may not call are known, no post action could do more than fail. */
  readonly refused: Pick<Refused, 'whenKnown'>
  readonly signal: AbortSignal
  /** Aborts before the registrations are taken away. */
  readonly keeping: AbortSignal
}

// A leader may have died with something seen and not yet looked at, and clocks differ.
const marginMs = 60_000

/** The Lease, and when it was last renewed as far as was read: 0 if there was none. */
function signsOfLife(access: LeaseAccess): { readonly lease: LeaseAccess; readonly last: () => number } {
  let last = 0
  const read: LeaseAccess['read'] = async (signal) => {
    const found = await access.read(signal)
    last = found?.renewedAt ?? last
    return found
  }
  return { lease: { ...access, read }, last: () => last }
}

/** Takes part in the election until the signal aborts. */
export function lead(
  world: World,
  { install, registration, controller, perform, refused, signal, keeping }: Leading,
): Promise<void> {
  const { clock, log, metrics } = world
  const { namespace } = install
  const signs = signsOfLife(
    leaseAccess(world.client, { namespace, name: `${install.name}-leader`, labels: ownLabels }),
  )
  const leader = createLeader({
    lease: signs.lease,
    identity: world.owner,
    clock,
    log,
    onLead: async (leading) => {
      // Read before our own renewals: the former leader's last sign of life.
      const unwatchedSince = signs.last() - marginMs
      metrics.leader.set(1)
      const registrar = keepRegistrations(
        {
          clock,
          log,
          registrations: registrationsFor(registration),
          patchOf: registrationPatch,
          missing: missingWebhooks,
          onKept: (configuration, inSync) => {
            // A look that ends after the lead must not bring back what was reset.
            if (!leading.aborted) metrics.caBundle.set({ configuration }, inSync ? 1 : 0)
          },
        },
        AbortSignal.any([leading, keeping]),
      )
      try {
        for (const caches of world.caches.values())
          await Promise.all(allOf(caches).map((reflector) => reflector.whenSynced(leading)))
        const since = await installedAt(world.calls, { namespace, name: `${install.name}-install` })
        const term = { installedAt: since, unwatchedSince, leading }
        await Promise.all([
          refused.whenKnown(leading).then(() => controller.lead(controlPorts(world, term, perform), leading)),
          registrar,
        ])
      } finally {
        metrics.leader.set(0)
        // Who does not lead knows nothing of these any more.
        metrics.caBundle.reset()
        metrics.pending.set(0)
      }
    },
  })
  return leader.start(signal)
}

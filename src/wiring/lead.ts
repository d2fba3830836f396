/** What one replica does while it leads: the controller, and keeping the registrations. */
import { createLeader } from '../control/leader.ts'
import { createLooked, type Looked } from '../control/looked.ts'
import { keepRegistrations } from '../control/registrar.ts'
import { missingWebhooks, ownLabels, registrationPatch } from '../core/registration.ts'
import { leaseAccess, type LeaseAccess, type LeaseObject } from '../kube/lease.ts'
import { allOf } from './caches.ts'
import { controlPorts } from './control.ts'
import type { createController } from './controller.ts'
import type { Install } from './install.ts'
import type { ExclusiveKeys } from './exclusive.ts'
import { installedAt } from './marker.ts'
import type { performerOf } from './perform.ts'
import { keepPublished, publishedName } from './published-keys.ts'
import type { Refused } from './refused.ts'
import { registrationsFor, type RegistrationWorld } from './registrations.ts'
import { createSlots } from './slots.ts'
import type { World } from './world.ts'

/** What leading needs. */
export type Leading = {
  readonly install: Install
  readonly registration: RegistrationWorld
  /** Makes the registrations anew; undefined: they are those of the manifests. */
  readonly remake: (() => Promise<void>) | undefined
  readonly controller: ReturnType<typeof createController>
  readonly perform: ReturnType<typeof performerOf>
  readonly keys: ExclusiveKeys
  /** Until the addresses that actions may not call are known, no post action could do more than fail. */
  readonly refused: Pick<Refused, 'whenKnown'>
  /** Writes the status of VeleroPlugins. */
  readonly plugins: { readonly lead: (signal: AbortSignal) => Promise<void> }
  /** What is told in the Lease of the certificates that are served. */
  readonly certificates: () => string | undefined
  readonly signal: AbortSignal
  /** Aborts before the registrations are taken away. */
  readonly keeping: AbortSignal
}

// A leader may have died with something seen and not yet looked at, and clocks differ.
const marginMs = 60_000

type Signs = {
  /** When the Lease was last renewed as far as was read: 0 if there was none. */
  readonly renewedAt: () => number
  /** Until when its holder had looked at everything; when it renewed, if it does not say; 0 if there was none. */
  readonly lookedUntil: () => number
  /** What to write into the Lease from now on; undefined: nothing. */
  readonly tell: (looked: Looked | undefined) => void
}

/** The Lease, and what it says of the leader before. */
function signsOfLife(
  access: LeaseAccess,
  certificates: Leading['certificates'],
): Signs & { readonly lease: LeaseAccess } {
  let found: LeaseObject | undefined
  let looked: Looked | undefined
  let hasSaid = false
  const read: LeaseAccess['read'] = async (signal) => {
    const now = await access.read(signal)
    found = now ?? found
    return now
  }
  const renewedAt = () => found?.renewedAt ?? 0
  const lookedUntil = () => Math.min(found?.lookedUntil ?? renewedAt(), renewedAt())
  const told = (lease: LeaseObject): LeaseObject => {
    const { lookedUntil: _before, ...own } = lease
    const served = certificates()
    // Where nobody said it the Lease would say that we looked as long as we renew it, also before we did.
    const isUnsaid = found?.lookedUntil === undefined && !hasSaid
    const until = looked?.until() ?? (isUnsaid ? lookedUntil() : undefined)
    hasSaid ||= until !== undefined
    return {
      ...own,
      ...(until === undefined ? {} : { lookedUntil: until }),
      ...(served === undefined ? {} : { certificates: served }),
    }
  }
  return {
    lease: {
      read,
      create: (lease, signal) => access.create(told(lease), signal),
      update: (lease, signal) => access.update(told(lease), signal),
    },
    renewedAt,
    lookedUntil,
    tell: (now) => {
      looked = now
    },
  }
}

/** Takes part in the election until the signal aborts. */
export function lead(
  world: World,
  {
    install,
    registration,
    remake,
    controller,
    perform,
    keys,
    refused,
    plugins,
    certificates,
    signal,
    keeping,
  }: Leading,
): Promise<void> {
  const { clock, log, metrics } = world
  const { namespace } = install
  const { calls, cluster, outputsKeys } = world
  const published = {
    calls,
    clock,
    log,
    cluster,
    outputsKeys,
    at: { namespace, name: publishedName(install.name) },
  }
  const signs = signsOfLife(
    leaseAccess(world.client, { namespace, name: `${install.name}-leader`, labels: ownLabels }),
    certificates,
  )
  const leader = createLeader({
    lease: signs.lease,
    identity: world.owner,
    clock,
    log,
    onLead: async (leading, lost) => {
      // Read before our own renewals: the former leader's last sign of life.
      const unwatchedSince = signs.renewedAt() - marginMs
      const before = signs.lookedUntil()
      metrics.leader.set(1)
      const slots = createSlots(world)
      const registrar = keepRegistrations(
        {
          clock,
          log,
          registrations: registrationsFor(registration),
          patchOf: registrationPatch,
          missing: missingWebhooks,
          remake,
          holds: leader.holds,
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
        const term = {
          installedAt: since,
          unwatchedSince,
          lookedUntil: before - marginMs,
          leading,
          holds: leader.holds,
          formers: leader.formers,
        }
        const work = async () => {
          await refused.whenKnown(leading)
          const looked = createLooked({ before, now: world.serverTime, silentMs: () => silentMs(world) })
          signs.tell(looked)
          await controller.lead(controlPorts(world, term, { perform, keys, slots }), looked, {
            signal: leading,
            lost,
          })
        }
        await Promise.all([
          work(),
          slots.start(leading),
          registrar,
          plugins.lead(leading),
          keepPublished(published, leading),
        ])
      } finally {
        signs.tell(undefined)
        metrics.leader.set(0)
        // Who does not lead knows nothing of these any more.
        metrics.caBundle.reset()
        metrics.pending.set(0)
      }
    },
  })
  return leader.start(signal)
}

/** How far the copies may be behind: since when the most silent of them was last known to be current. */
const silentMs = (world: World): number =>
  Math.max(0, ...[...world.caches.values()].flatMap(allOf).map((copy) => copy.silentMs()))

/** A process outside the cluster: it registers itself, and the last one takes the registrations away on a clean stop. */
import type { Clock } from '../clock.ts'
import type { Manifest } from '../core/registration.ts'
import { leaseAccess } from '../kube/lease.ts'
import type { Log } from '../log.ts'
import { textAt } from '../core/velero.ts'
import { StartError } from '../start-error.ts'
import type { Connection } from './connect.ts'
import type { Install } from './install.ts'
import { coveredBy, register, registered, unregister, type RegistrationWorld } from './registrations.ts'

/** Refuses to start beside another install for the same namespace, before anything is written. */
export async function refuseIfCovered(
  connection: Connection,
  install: Install,
  namespaces: readonly string[],
): Promise<void> {
  const other = await coveredBy(connection.calls, install.name, namespaces)
  if (other === undefined) return
  throw new StartError(
    4,
    `the install ${other} looks after namespace ${namespaces.join(', ')} already: take it away first, or choose another --velero-namespace`,
  )
}

// Whoever stops is in a hurry.
const leaseMs = 5_000

// Another that began together with one that fails leads by then, and what it found made is its own.
const othersMs = 3_000

/** What a process outside the cluster registers with. */
export type Outdoors = {
  readonly connection: Connection
  readonly install: Install
  readonly registration: RegistrationWorld
  readonly owner: string
  readonly clock: Clock
  readonly log: Log
}

/**
 * Makes the registrations, or finds them made by another process of the same `--webhook-url`. They are taken away when the last of these
 * stops; where this one fails to start, only what was not there before it, and after a moment. Gives what makes them again.
 */
export async function goOutside(
  at: Outdoors,
  undo: (() => Promise<unknown>)[],
): Promise<() => Promise<void>> {
  const { connection, registration } = at
  const me = await connection.client.request<unknown>({
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    safe: true,
  })
  const account = textAt(me, 'status', 'userInfo', 'username')
  const made: Manifest[] = []
  let isRegistered = false
  undo.push(async () => {
    if (!isRegistered && made.length > 0) await at.clock.sleep(othersMs)
    await goInside(at, isRegistered ? registered(registration) : made.toReversed())
  })
  await register(registration, account, (manifest) => made.push(manifest))
  isRegistered = true
  return () => register(registration, account)
}

/**
 * Takes registrations away, unless another process leads and answers for them. Where this one led itself, nobody knows yet whether there is
 * another: who leads next makes them again.
 */
async function goInside(at: Outdoors, manifests: readonly Manifest[]): Promise<void> {
  const other = await leaderBeside(at)
  if (other === undefined) return unregister(at.registration, manifests)
  at.log.info({ leader: other }, 'the registrations stay: another process of this install leads')
}

/** Who leads this install beside this process, if its Lease is in force; by the API server's time. */
async function leaderBeside({ connection, install, owner, clock }: Outdoors): Promise<string | undefined> {
  const { namespace, name } = install
  const lease = leaseAccess(connection.client, { namespace, name: `${name}-leader` })
  const deadline = clock.abortAfter(leaseMs)
  const found = await lease.read(deadline.signal).finally(deadline.release)
  const { holder = '', renewedAt = 0, durationSeconds = 0 } = found ?? {}
  const isInForce = renewedAt + durationSeconds * 1000 > connection.serverTime()
  return holder !== '' && holder !== owner && isInForce ? holder : undefined
}

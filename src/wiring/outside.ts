/** A process outside the cluster: it registers itself, and takes the registrations away on a clean stop. */
import { textAt } from '../core/velero.ts'
import { StartError } from '../start-error.ts'
import type { Connection } from './connect.ts'
import type { Install } from './install.ts'
import { coveredBy, register, unregister, type RegistrationWorld } from './registrations.ts'

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

/** Makes the registrations of this process; they are taken away when it stops. */
export async function goOutside(
  connection: Connection,
  registration: RegistrationWorld,
  undo: (() => Promise<unknown>)[],
): Promise<void> {
  const me = await connection.client.request<unknown>({
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    safe: true,
  })
  undo.push(() => unregister(registration))
  await register(registration, textAt(me, 'status', 'userInfo', 'username'))
}

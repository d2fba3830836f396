/** A process outside the cluster: it registers itself, and takes the registrations away on a clean stop. */
import { textAt } from '../core/velero.ts'
import { StartError } from '../start-error.ts'
import type { Connection } from './connect.ts'
import type { Install } from './install.ts'
import { coveredBy, register, unregister, type RegistrationWorld } from './registrations.ts'

/** Outside a cluster this process makes its own registrations, and takes them away. */
export async function goOutside(
  connection: Connection,
  install: Install,
  {
    registration,
    undo,
  }: { readonly registration: RegistrationWorld; readonly undo: (() => Promise<unknown>)[] },
): Promise<void> {
  const other = await coveredBy(connection.calls, install.name, registration.namespaces)
  if (other !== undefined) {
    throw new StartError(
      4,
      `the install ${other} looks after namespace ${registration.namespaces.join(', ')} already: take it away first, or choose another --velero-namespace`,
    )
  }
  const me = await connection.client.request<unknown>({
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    safe: true,
  })
  undo.push(() => unregister(registration))
  await register(registration, textAt(me, 'status', 'userInfo', 'username'))
}

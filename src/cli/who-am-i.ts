/** Who the user of the kubeconfig is, by the API server's own word. */
import type { RequestUser } from '../core/admission-request.ts'
import { textAt } from '../core/velero.ts'
import type { Reached } from '../wiring/reach.ts'

/** Asks. */
export async function whoAmI({ client }: Reached): Promise<RequestUser> {
  const me = await client.request<unknown>({
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    safe: true,
  })
  return { username: textAt(me, 'status', 'userInfo', 'username') || 'this user', groups: [], extra: {} }
}

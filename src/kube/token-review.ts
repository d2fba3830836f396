/** Asks the API server whose token this is: TokenReview. */
import type { KubeClient } from './client.ts'
import type { Subject } from './access-review.ts'
import { KubeError, objectIn } from './errors.ts'

/** Whose token it is, if it is good and for our audience; throws KubeError when there is no answer. */
export type TokenReview = (token: string) => Promise<Subject | undefined>

const path = '/apis/authentication.k8s.io/v1/tokenreviews'
const timeoutMs = 5_000

/** Reviews of tokens for an audience. */
export function createTokenReview(client: KubeClient, audience: string): TokenReview {
  return async (token) => {
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token, audiences: [audience] },
    }
    const answer = await client.request<unknown>({ method: 'POST', path, body, safe: true, timeoutMs })
    const status = objectIn(objectIn(answer)?.['status'])
    if (status === undefined)
      throw new KubeError('BAD_ANSWER', `POST ${path} must answer with a status, got none`)
    // A server that knows nothing of audiences takes tokens for itself (TokenReviewStatus.audiences in the API reference).
    if (status['authenticated'] !== true || !textsIn(status['audiences']).includes(audience)) return undefined
    return subjectIn(status['user'])
  }
}

function subjectIn(value: unknown): Subject | undefined {
  const user = objectIn(value)
  const name = user?.['username']
  if (user === undefined || typeof name !== 'string' || name === '') return undefined
  const uid = user['uid']
  const extra = Object.entries(objectIn(user['extra']) ?? {}).map(
    ([key, texts]) => [key, textsIn(texts)] as const,
  )
  return {
    user: name,
    groups: textsIn(user['groups']),
    ...(typeof uid === 'string' && uid !== '' ? { uid } : {}),
    ...(extra.length === 0 ? {} : { extra: Object.fromEntries(extra) }),
  }
}

const textsIn = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []

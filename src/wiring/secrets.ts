/** Secrets for actions: only labelled ones, and only if the author of the Action may get them, asked anew each time. */
import type { Author } from '../core/plan.ts'
import { objectAt, textAt, textMapAt } from '../core/velero.ts'
import { isKubeError } from '../kube/errors.ts'
import type { AccessReview } from '../kube/access-review.ts'
import type { SecretFacts } from '../admission/action-ports.ts'
import { forActionsLabel } from '../admission/actions.ts'
import { authorMay } from './author-may.ts'
import type { Calls } from './kinds.ts'

/** What reading needs. */
export type SecretWorld = { readonly calls: Calls; readonly review: AccessReview }

/** A value, or why it may not be used. */
export type SecretAnswer = { readonly ok: string } | { readonly refused: string }

/** Whether somebody may get a Secret. */
export const mayGet = (
  review: AccessReview,
  author: Author,
  at: { readonly namespace: string; readonly name: string },
): Promise<boolean> => authorMay(review, author, { verb: 'get', group: '', resource: 'secrets', ...at })

/** The value of one key for an Action by this author. */
export async function secretFor(
  ref: { readonly name: string; readonly key: string },
  by: { readonly author: Author | undefined; readonly namespace: string },
  { calls, review }: SecretWorld,
): Promise<SecretAnswer> {
  const { namespace, author } = by
  const { name, key } = ref
  if (author === undefined)
    return { refused: `nobody is known as the author of this Action, so it may not use the Secret ${name}` }
  if (!(await mayGet(review, author, { namespace, name })))
    return { refused: `${author.username}, the author of this Action, may not get the Secret ${name}` }
  const secret = await find(calls, namespace, name)
  if (secret === undefined) return { refused: `the Secret ${name} does not exist` }
  if (!isLabelled(secret))
    return { refused: `the Secret ${name} does not carry the label ${forActionsLabel}: "true"` }
  const encoded = objectAt(secret, 'data')[key]
  if (typeof encoded !== 'string') return { refused: `the Secret ${name} has no key ${key}` }
  return { ok: Buffer.from(encoded, 'base64').toString('utf8') }
}

/** What a check at apply time may know of a Secret. */
export async function secretFacts(
  calls: Calls,
  namespace: string,
  name: string,
): Promise<SecretFacts | undefined> {
  const secret = await find(calls, namespace, name)
  return secret === undefined
    ? undefined
    : { labelled: isLabelled(secret), keys: Object.keys(objectAt(secret, 'data')) }
}

const isLabelled = (secret: unknown): boolean =>
  textMapAt(secret, 'metadata', 'labels')[forActionsLabel] === 'true'

async function find(calls: Calls, namespace: string, name: string): Promise<unknown> {
  try {
    return await calls.secrets(namespace).find(name)
  } catch (error) {
    if (isKubeError(error, 'FORBIDDEN'))
      throw new Error(`tidewaiter may not get Secrets in ${namespace}: ${textAt(error, 'message')}`, {
        cause: error,
      })
    throw error
  }
}

/** Asks the API server whether somebody may do something: SubjectAccessReview, and about ourselves SelfSubjectAccessReview. */
import { createHash } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { KubeClient } from './client.ts'
import { KubeError, objectIn } from './errors.ts'

/** Who is asked about. */
export type Subject = {
  readonly user: string
  readonly groups: readonly string[]
  readonly uid?: string
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

/** What is to be done to what. */
export type Deed = {
  readonly verb: string
  /** Empty for the core group. */
  readonly group: string
  readonly resource: string
  readonly subresource?: string
  /** Absent: cluster-scoped, or all namespaces. */
  readonly namespace?: string
  /** Absent: all names. */
  readonly name?: string
}

/** The two questions. Both throw KubeError when there is no answer; what that means is for the caller: no. */
export type AccessReview = {
  readonly may: (subject: Subject, deed: Deed, signal?: AbortSignal) => Promise<boolean>
  readonly mayI: (deed: Deed, signal?: AbortSignal) => Promise<boolean>
}

// A right that was taken away must not outlive this; a person who was given one waits no longer.
const keepMs = 10_000
const mostKept = 1024
const timeoutMs = 5_000

const api = '/apis/authorization.k8s.io/v1'

type Kept = { readonly allowed: boolean; readonly until: number }

/** Access reviews with a small memory. */
export function createAccessReview({
  client,
  clock,
}: {
  readonly client: KubeClient
  readonly clock: Clock
}): AccessReview {
  const kept = new Map<string, Kept>()
  const answer = async (question: Question, signal: AbortSignal | undefined) => {
    const key = keyOf(question)
    const former = kept.get(key)
    // A clock that was set back makes an answer older than it looks: then `until` is too far away to be believed.
    if (former !== undefined && former.until > clock.now() && former.until - clock.now() <= keepMs)
      return former.allowed
    const allowed = await ask(client, question, signal)
    kept.delete(key)
    kept.set(key, { allowed, until: clock.now() + keepMs })
    // The oldest goes first: a Map keeps the order in which keys were set.
    if (kept.size > mostKept) for (const oldest of kept.keys()) if (kept.size > mostKept) kept.delete(oldest)
    return allowed
  }
  return {
    may: (subject, deed, signal) => {
      if (subject.user === '' && subject.groups.length === 0) return Promise.resolve(false)
      return answer(
        { path: `${api}/subjectaccessreviews`, kind: 'SubjectAccessReview', subject, deed },
        signal,
      )
    },
    mayI: (deed, signal) =>
      answer({ path: `${api}/selfsubjectaccessreviews`, kind: 'SelfSubjectAccessReview', deed }, signal),
  }
}

type Question = {
  readonly path: string
  readonly kind: string
  readonly subject?: Subject
  readonly deed: Deed
}

/** A hash, because groups and extra of a hostile token may be long. */
function keyOf({ kind, subject, deed }: Question): string {
  const extra = Object.entries(subject?.extra ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  const { verb, group, resource, subresource, namespace, name } = deed
  const parts = [kind, subject?.user, [...(subject?.groups ?? [])].sort(), subject?.uid, extra]
  const text = JSON.stringify([...parts, verb, group, resource, subresource, namespace, name])
  return createHash('sha256').update(text).digest('base64')
}

async function ask(
  client: KubeClient,
  question: Question,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { path, kind, subject, deed } = question
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind,
    spec: { ...subject, resourceAttributes: { ...deed, version: '*' } },
  }
  const answer = await client.request<unknown>({ method: 'POST', path, body, safe: true, timeoutMs, signal })
  const status = objectIn(objectIn(answer)?.['status'])
  if (typeof status?.['allowed'] !== 'boolean') {
    throw new KubeError('BAD_ANSWER', `POST ${path} must answer with status.allowed, got none`)
  }
  return status['allowed'] && status['denied'] !== true
}

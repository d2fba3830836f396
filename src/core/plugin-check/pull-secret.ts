/** Whether a pull secret is one that the kubelet can use. */
import type { CheckResult } from './result.ts'

/** What somebody who wrote a pull secret should know. */
export type PullSecretNote = {
  readonly reason: 'CredentialHelper' | 'EntryLeftOut' | 'EntryEmpty' | 'IdentityTokenOnly'
  readonly message: string
}

/** What reading it came to; undefined: there is no such Secret. */
export type PullSecretSeen =
  { readonly ok: { readonly notes: readonly PullSecretNote[] } } | { readonly problem: string } | undefined

// With these the kubelet would ask without the credentials that the author meant, also where our own request succeeds.
const fatal: ReadonlySet<PullSecretNote['reason']> = new Set(['IdentityTokenOnly'])

/** Where no pull secret is named. */
export const noPullSecret = (): CheckResult => ({
  check: 'PullSecretValid',
  ok: true,
  reason: 'NoneNamed',
  message: 'no pull secret is named: the registry is asked without credentials',
})

/** Where it could not be found out whether there is one. */
export const pullSecretUnread = (name: string, why: string): CheckResult => ({
  check: 'PullSecretValid',
  ok: undefined,
  reason: 'SecretUnread',
  message: `wanted to read the Secret ${name}, got: ${why}. It is read again later`,
})

/** Judges a pull secret; notes that do no harm are told with a yes. */
export function pullSecretValid(name: string, seen: PullSecretSeen): CheckResult {
  const check = 'PullSecretValid'
  if (seen === undefined)
    return {
      check,
      ok: false,
      reason: 'SecretNotFound',
      message: `wanted the Secret ${name}, got none. Create it, or name another`,
    }
  if ('problem' in seen)
    return {
      check,
      ok: false,
      reason: 'SecretUnusable',
      message: `${seen.problem}. The kubelet cannot use it`,
    }
  const worst = seen.ok.notes.find(({ reason }) => fatal.has(reason))
  if (worst !== undefined) return { check, ok: false, ...worst }
  const notes = seen.ok.notes.map(({ message }) => message).join('; ')
  return {
    check,
    ok: true,
    reason: 'SecretUsable',
    message: notes === '' ? `the Secret ${name} can be read` : notes,
  }
}

/** Whether a pull secret is one that the kubelet can use. */
import { registryCodes } from './failure.ts'
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

/** Where no pull secret is named; the kubelet then has those of Velero's pod alone. */
export const noPullSecret = (ofPod: readonly string[]): CheckResult => ({
  check: 'PullSecretValid',
  ok: true,
  reason: 'NoneNamed',
  message:
    ofPod.length === 0
      ? 'no pull secret is named: the registry is asked without credentials'
      : `no pull secret is named: the registry is asked with what Velero's pod has (${ofPod.join(', ')})`,
})

/** Where one that Velero's pod has anyway stops the kubelet (MakeDockerKeyring of Kubernetes gives up at the first it cannot parse). */
export const podSecretUnusable = (problem: string): CheckResult => ({
  check: 'PullSecretValid',
  ok: false,
  reason: 'SecretUnusable',
  message: `${problem}. Velero's pod has it too, and with it the kubelet pulls none of its images. Mend it`,
})

const aboutCredentials: ReadonlySet<string> = new Set(
  (['UNAUTHORIZED', 'DENIED', 'NOT_FOUND'] as const).map((code) => registryCodes[code].reason),
)

/** Where the pull secrets of Velero's pod are not known: a no that others of them might have turned into a yes is none. */
export const podSecretsUnread = (result: CheckResult, why: string): CheckResult =>
  result.check === 'ManifestReachable' && result.ok === false && aboutCredentials.has(result.reason)
    ? {
        ...result,
        ok: undefined,
        reason: 'PullSecretsUnread',
        message: `${result.message}. Velero's pod may have other pull secrets: ${why}`,
      }
    : result

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

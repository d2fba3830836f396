/** Pull secrets as the API server gives them: one by name, those of a ServiceAccount, those that Velero's pod has. */
import type { PodCredentials } from '../core/plugin/pod-credentials.ts'
import { at, textAt, textMapAt } from '../core/velero.ts'
import type { PullSecret } from '../plugins/ports.ts'
import { unlessAborted } from '../until.ts'
import type { Calls } from './kinds.ts'

type Named = { readonly namespace: string; readonly name: string }

const callMs = 5_000
// A pod has one or two. More would hold up every look.
const mostOfPod = 32

/** One Secret; undefined: there is none. */
export async function pullSecret(
  calls: Calls,
  { namespace, name }: Named,
  signal: AbortSignal,
): Promise<PullSecret | undefined> {
  const found = await unlessAborted(
    signal,
    calls.secrets(namespace).find(name, { signal, timeoutMs: callMs }),
  )
  return found === undefined
    ? undefined
    : { name: `${namespace}/${name}`, type: textAt(found, 'type'), data: textMapAt(found, 'data') }
}

/** The names of the pull secrets of a ServiceAccount; one that is not there has none. */
export async function accountSecrets(
  calls: Calls,
  { namespace, name }: Named,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const accounts = calls.of('', 'serviceaccounts', namespace)
  const found = await unlessAborted(signal, accounts.find(name, { signal, timeoutMs: callMs }))
  const listed = at(found, 'imagePullSecrets')
  return Array.isArray(listed) ? listed.map((one) => textAt(one, 'name')).filter((one) => one !== '') : []
}

/** Velero's pods: what they have, and in which namespace. */
export type PodsOf = { readonly namespace: string; readonly credentials: readonly PodCredentials[] }

/** Those of Velero's pods that are there; the kubelet passes over what is missing too. */
export async function podSecrets(
  calls: Calls,
  { namespace, credentials }: PodsOf,
  signal: AbortSignal,
): Promise<readonly PullSecret[]> {
  const named = await Promise.all(
    credentials.map(async (one) =>
      'secrets' in one ? one.secrets : accountSecrets(calls, { namespace, name: one.account }, signal),
    ),
  )
  const names = [...new Set(named.flat())].slice(0, mostOfPod)
  const found = await Promise.all(names.map((name) => pullSecret(calls, { namespace, name }, signal)))
  return found.flatMap((one) => one ?? [])
}

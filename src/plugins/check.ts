/** All checks of one declared plugin, in their order, within one deadline. */
import { imageText } from '../core/image.ts'
import { registryAllowed } from '../core/plugin-check/allowed.ts'
import {
  noPullSecret,
  podSecretsUnread,
  podSecretUnusable,
  pullSecretUnread,
  pullSecretValid,
} from '../core/plugin-check/pull-secret.ts'
import { inOrder, referenceValid, type CheckResult } from '../core/plugin-check/result.ts'
import type { DeclaredPlugin } from '../core/plugin/declared.ts'
import type { PluginFindings } from '../core/plugin/findings.ts'
import { signatureVerified } from '../core/trust/signature.ts'
import { unlessAborted } from '../until.ts'
import { lookAt } from './look.ts'
import type { CheckPorts, PullSecret, RegistryView, Within } from './ports.ts'

/** What is to be checked. */
export type Checking = {
  readonly plugin: DeclaredPlugin
  /** The digest that its tag was pinned to before, if it was: it stays what is used, even if the tag moved. */
  readonly pinnedBefore: string | undefined
  /** Stops the checks; what was not found out by then is undecided. */
  readonly signal: AbortSignal
  /** For all checks together. */
  readonly timeoutMs: number
}

/** Makes all checks. Rejects only for a bug: what could not be found out is an undecided result. */
export async function checkPlugin(checking: Checking, ports: CheckPorts): Promise<PluginFindings> {
  const { clock } = ports
  const { plugin, pinnedBefore, signal, timeoutMs } = checking
  const limit = clock.abortAfter(timeoutMs)
  const within = { signal: AbortSignal.any([signal, limit.signal]), endsAt: clock.now() + timeoutMs }
  try {
    return await checked({ plugin, pinnedBefore, within }, ports)
  } finally {
    limit.release()
  }
}

type Visit = Pick<Checking, 'plugin' | 'pinnedBefore'> & { readonly within: Within }

async function checked(visit: Visit, ports: CheckPorts): Promise<PluginFindings> {
  const { plugin, pinnedBefore, within } = visit
  const { reference } = plugin
  const digest = reference.digest ?? pinnedBefore
  const allowed = registryAllowed(reference, ports.allowed)
  const first = [referenceValid(imageText(reference)), allowed, signatureVerified('NotRequired')]
  // A registry that is not allowed is not called, and no Secret is read for it.
  if (allowed.ok !== true) return { plugin, results: inOrder(first), digest }
  const door = await doorOf(visit, ports)
  const before = [...first, door.result]
  if (door.view === undefined) return { plugin, results: inOrder(before), digest }
  const found = await lookAt({ reference, pinnedBefore, within }, door.view, ports)
  const { unread } = door
  const results =
    unread === undefined ? found.results : found.results.map((one) => podSecretsUnread(one, unread))
  return { plugin, results: inOrder([...before, ...results]), digest: found.digest }
}

type Door = {
  readonly result: CheckResult
  readonly view?: RegistryView
  /** Why not all credentials are known. */
  readonly unread?: string | undefined
}

/** How the registry is asked. With a pull secret that cannot be used it is not: its answer would say nothing of what the kubelet gets. */
async function doorOf({ plugin, within }: Visit, ports: CheckPorts): Promise<Door> {
  const name = plugin.imagePullSecret
  const [named, pod] = await Promise.all([namedSecret(name, within, ports), podSecrets(within, ports)])
  if ('result' in named) return named
  const read = ports.registries({ named: named.secret, ofPod: pod.secrets })
  if (!('ok' in read) && read.of === 'ofPod') return { result: podSecretUnusable(read.problem) }
  const result =
    name === undefined
      ? noPullSecret(pod.secrets.map((secret) => secret.name))
      : pullSecretValid(name, 'ok' in read ? { ok: { notes: read.ok.notes } } : read)
  return result.ok === true && 'ok' in read ? { result, view: read.ok, unread: pod.unread } : { result }
}

type Named = { readonly secret: PullSecret | undefined } | { readonly result: CheckResult }

async function namedSecret(name: string | undefined, within: Within, ports: CheckPorts): Promise<Named> {
  if (name === undefined) return { secret: undefined }
  try {
    const secret = await unlessAborted(within.signal, ports.secretOf(name, within.signal))
    return secret === undefined ? { result: pullSecretValid(name, undefined) } : { secret }
  } catch (error) {
    return { result: pullSecretUnread(name, messageOf(error)) }
  }
}

type OfPod = { readonly secrets: readonly PullSecret[]; readonly unread?: string }

async function podSecrets({ signal }: Within, ports: CheckPorts): Promise<OfPod> {
  try {
    return { secrets: await unlessAborted(signal, ports.podSecretsOf(signal)) }
  } catch (error) {
    return { secrets: [], unread: messageOf(error) }
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

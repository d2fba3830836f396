/** Which resource a kind is: kubernetes.io/docs/concepts/overview/kubernetes-api, "Discovery API". Answers are kept, bounded in number, size and time. */
import type { Clock } from '../clock.ts'
import type { KubeClient } from './client.ts'
import { isKubeError, KubeError, objectIn, textIn } from './errors.ts'

/** A kind as the API server serves it. */
export type ServedKind = {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly namespaced: boolean
}

/** Asks as this client; the answer is the same for all that may ask. */
export type Discovery = (
  client: KubeClient,
  of: { readonly apiVersion: string; readonly kind: string },
  signal: AbortSignal,
) => Promise<ServedKind>

// A CRD may come, go or change its names; one that was installed a moment ago is found after some seconds.
const keepMs = 10 * 60_000
const keepMissingMs = 5_000
const mostKept = 64
const mostBytes = 4 * 1024 * 1024
const timeoutMs = 5_000

type Kept = { readonly kinds: ReadonlyMap<string, ServedKind>; readonly askedAt: number }

/** Finds kinds, and remembers what it found. Throws KubeError: NOT_FOUND for a kind that is not served. */
export function createDiscovery(clock: Clock): Discovery {
  const kept = new Map<string, Kept>()
  const isYoung = ({ askedAt }: Kept, ms: number) => clock.now() >= askedAt && clock.now() - askedAt < ms
  const ask = async (client: KubeClient, apiVersion: string, signal: AbortSignal): Promise<Kept> => {
    const kinds = await kindsOf(client, apiVersion, signal)
    const found = { kinds, askedAt: clock.now() }
    kept.delete(apiVersion)
    kept.set(apiVersion, found)
    // The oldest goes first: a Map keeps the order in which keys were set.
    for (const oldest of kept.keys()) if (kept.size > mostKept) kept.delete(oldest)
    return found
  }
  return async (client, { apiVersion, kind }, signal) => {
    const former = kept.get(apiVersion)
    const known =
      former !== undefined && isYoung(former, keepMs) ? former : await ask(client, apiVersion, signal)
    const found = known.kinds.get(kind)
    if (found !== undefined) return found
    const again = isYoung(known, keepMissingMs) ? known : await ask(client, apiVersion, signal)
    return again.kinds.get(kind) ?? notServed(apiVersion, `has no kind ${kind} there`)
  }
}

function notServed(apiVersion: string, what: string): never {
  throw new KubeError('NOT_FOUND', `the API server ${what} (${apiVersion})`, { sent: false })
}

async function kindsOf(
  client: KubeClient,
  apiVersion: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ServedKind>> {
  const [version = '', group = ''] = apiVersion.split('/').reverse()
  const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  try {
    const list = await client.request<unknown>({
      method: 'GET',
      path,
      signal,
      timeoutMs,
      maxBytes: mostBytes,
      retry: false,
    })
    return kindsIn(list, { group, version })
  } catch (error) {
    if (isKubeError(error, 'NOT_FOUND')) return notServed(apiVersion, 'does not serve this apiVersion')
    throw error
  }
}

function kindsIn(
  list: unknown,
  of: { readonly group: string; readonly version: string },
): ReadonlyMap<string, ServedKind> {
  const resources = objectIn(list)?.['resources']
  const kinds = new Map<string, ServedKind>()
  for (const raw of Array.isArray(resources) ? resources : []) {
    const one = objectIn(raw) ?? {}
    const [kind, plural] = [textIn(one['kind']), textIn(one['name'])]
    if (kind === undefined || plural === undefined || kinds.has(kind)) continue
    // A name with a slash is a part of another (`deployments/scale`).
    if (/^[a-z0-9.-]+$/.test(plural))
      kinds.set(kind, { ...of, plural, namespaced: one['namespaced'] === true })
  }
  return kinds
}

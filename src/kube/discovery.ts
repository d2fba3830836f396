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
  /** What it has beside the object itself: `scale`, `status`. */
  readonly subresources: readonly string[]
}

/** As RBAC and `kubectl auth can-i` name it: `deployments/scale.apps`. */
export const resourceText = (
  { plural, group }: Pick<ServedKind, 'plural' | 'group'>,
  subresource: string | undefined,
): string =>
  `${plural}${subresource === undefined ? '' : `/${subresource}`}${group === '' ? '' : `.${group}`}`

/** Asks as this client; the answer is the same for all that may ask. */
export type Discovery = (
  client: KubeClient,
  of: { readonly apiVersion: string; readonly kind: string; readonly subresource?: string | undefined },
  signal: AbortSignal,
) => Promise<ServedKind>

// A CRD may come, go or change its names; one that was installed a moment ago is found after some seconds.
const keepMs = 10 * 60_000
const keepMissingMs = 5_000
const mostKept = 64
const mostBytes = 4 * 1024 * 1024
const timeoutMs = 5_000

type Kept = { readonly kinds: ReadonlyMap<string, ServedKind>; readonly askedAt: number }

/** Finds kinds, and remembers what it found. Throws KubeError: NOT_FOUND for a kind, or a subresource of it, that is not served. */
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
  return async (client, { apiVersion, kind, subresource }, signal) => {
    const has = (found: ServedKind | undefined) =>
      found !== undefined && (subresource === undefined || found.subresources.includes(subresource))
    const former = kept.get(apiVersion)
    const known =
      former !== undefined && isYoung(former, keepMs) ? former : await ask(client, apiVersion, signal)
    const young =
      has(known.kinds.get(kind)) || isYoung(known, keepMissingMs)
        ? known
        : await ask(client, apiVersion, signal)
    const found = young.kinds.get(kind) ?? notServed(apiVersion, `has no kind ${kind} there`)
    return has(found) ? found : notServed(apiVersion, `serves no ${subresource} of ${kind}`)
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
  const listed = objectIn(list)?.['resources']
  const resources = (Array.isArray(listed) ? listed : []).map((one: unknown) => objectIn(one) ?? {})
  const parts = partsOf(resources)
  const kinds = new Map<string, ServedKind>()
  for (const one of resources) {
    const [kind, plural] = [textIn(one['kind']), textIn(one['name'])]
    if (kind === undefined || plural === undefined || kinds.has(kind)) continue
    if (!/^[a-z0-9.-]+$/.test(plural)) continue
    kinds.set(kind, {
      ...of,
      plural,
      namespaced: one['namespaced'] === true,
      subresources: parts.get(plural) ?? [],
    })
  }
  return kinds
}

/** The subresources of each plural: a name with a slash is a part of another (`deployments/scale`). */
function partsOf(resources: readonly Readonly<Record<string, unknown>>[]): ReadonlyMap<string, string[]> {
  const parts = new Map<string, string[]>()
  for (const one of resources) {
    const [plural = '', part] = (textIn(one['name']) ?? '').split('/')
    if (part !== undefined) parts.set(plural, [...(parts.get(plural) ?? []), part])
  }
  return parts
}

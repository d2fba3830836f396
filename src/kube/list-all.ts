/** A whole list as one value, page by page, bounded in count. For what is looked at again and again there is the reflector. */
import type { KubeClient } from './client.ts'
import { isKubeError, KubeError } from './errors.ts'

/** Which objects, and how many at most. */
export type ListOptions = {
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly pageSize?: number
  readonly maxItems?: number
  readonly signal?: AbortSignal
  /** For each page. */
  readonly timeoutMs?: number
}
/** A whole list, and the version of the store that it shows. */
export type Listed<T> = { readonly items: readonly T[]; readonly resourceVersion: string }

type Listing<T> = {
  readonly path: string
  readonly parse: (raw: unknown) => T
  readonly options: ListOptions
}

type RawList = {
  readonly items?: readonly unknown[] | null
  readonly metadata?: { readonly continue?: string; readonly resourceVersion?: string }
}

/** Every object of a collection. */
export async function listAll<T>(client: KubeClient, listing: Listing<T>): Promise<Listed<T>> {
  try {
    return await listPages(client, listing)
  } catch (error) {
    // The continue token expired in between (5 minutes): from the beginning, once; a second time is the caller's matter.
    if (isKubeError(error, 'GONE')) return listPages(client, listing)
    throw error
  }
}

async function listPages<T>(client: KubeClient, listing: Listing<T>): Promise<Listed<T>> {
  const { path, parse, options } = listing
  const most = options.maxItems ?? 10_000
  const items: T[] = []
  for (let next: string | undefined; ;) {
    const page = await pageAt(client, listing, next)
    for (const item of page.items) items.push(parse(item))
    if (items.length > most) {
      throw new KubeError(
        'TOO_LARGE',
        `GET ${path} must list at most ${most} objects, got more; select fewer`,
      )
    }
    if (page.next === '') return { items, resourceVersion: page.resourceVersion }
    next = page.next
  }
}

async function pageAt<T>(client: KubeClient, { path, options }: Listing<T>, next: string | undefined) {
  const { labelSelector, fieldSelector, pageSize = 500, signal, timeoutMs } = options
  const page = await client.request<RawList>({
    method: 'GET',
    path,
    query: { labelSelector, fieldSelector, limit: pageSize, continue: next },
    signal,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  })
  const { continue: more = '', resourceVersion = '' } = page.metadata ?? {}
  return { items: page.items ?? [], next: more, resourceVersion }
}

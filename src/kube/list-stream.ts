/** A whole list, page by page, each object handed on as soon as it has arrived and kept by nobody here. */
import type { Clock } from '../clock.ts'
import type { KubeClient, Query } from './client.ts'
import { isKubeError, KubeError } from './errors.ts'
import { createListScanner } from './list-scanner.ts'
import type { PageEnd } from './list-scanner.ts'
import { createSlices } from './slices.ts'

/** One list. */
export type ListOnce = {
  readonly client: KubeClient
  readonly clock: Clock
  readonly path: string
  readonly query: Query
  readonly pageSize: number
  readonly signal: AbortSignal
  /** A list began, or began again because the pages of the former one expired: forget what `onObject` was told. */
  readonly onBegin: () => void
  readonly onObject: (raw: unknown) => void
}

const largestItem = 16 * 1024 * 1024
const pageMs = 60_000
// Pages expire when the list takes longer than etcd keeps history (5 minutes): larger pages take fewer turns.
const mostRestarts = 3

/** Lists everything; gives the version of the store that the list shows. */
export async function listOnce(list: ListOnce): Promise<string> {
  for (let restarts = 0; ; restarts++) {
    try {
      return await listPages({ ...list, pageSize: list.pageSize * 4 ** restarts })
    } catch (error) {
      if (restarts === mostRestarts || !isKubeError(error, 'GONE')) throw error
    }
  }
}

async function listPages(list: ListOnce): Promise<string> {
  list.onBegin()
  for (let next = ''; ;) {
    const page = await readPage(list, next)
    if (page.next === '') return page.resourceVersion
    next = page.next
  }
}

async function readPage(list: ListOnce, next: string): Promise<PageEnd> {
  const deadline = list.clock.abortAfter(pageMs)
  const signal = AbortSignal.any([list.signal, deadline.signal])
  const query = { ...list.query, limit: list.pageSize, ...(next === '' ? {} : { continue: next }) }
  try {
    const chunks = await list.client.stream({
      path: list.path,
      query,
      signal,
      timeoutMs: pageMs,
      retry: true,
    })
    return await readItems(chunks, list)
  } catch (error) {
    if (list.signal.aborted || !deadline.signal.aborted) throw error
    throw new KubeError(
      'TIMEOUT',
      `GET ${list.path} must give a page of ${list.pageSize} within ${pageMs / 1000} s, got a part`,
    )
  } finally {
    deadline.release()
  }
}

async function readItems(chunks: AsyncIterable<Uint8Array>, list: ListOnce): Promise<PageEnd> {
  const scanner = createListScanner(largestItem)
  const slice = createSlices()
  for await (const chunk of chunks) {
    for (const item of scanner.push(chunk)) list.onObject(objectIn(item))
    await slice(chunk.length)
    list.signal.throwIfAborted()
  }
  return scanner.end()
}

function objectIn(item: string): unknown {
  try {
    return JSON.parse(item)
  } catch (cause) {
    throw new KubeError(
      'BAD_ANSWER',
      `an item of a list must be JSON, got ${JSON.stringify(item.slice(0, 100))}`,
      { cause },
    )
  }
}

/** Looks names up as everything else on the machine does: /etc/hosts and the search domains of a pod count. */
import { lookup as nodeLookup } from 'node:dns/promises'
import { unlessAborted } from '../until.ts'
import type { Lookup } from './ports.ts'
import { semaphore } from './semaphore.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * How many names are looked up at once: getaddrinfo cannot be given up and holds a thread, and libuv gives it half of its threads. Those
 * are four, or as many as `UV_THREADPOOL_SIZE` says (docs.libuv.org/en/v1.x/threadpool.html, src/threadpool.c).
 */
export function mostLookups(env: Environment): number {
  const threads = Number.parseInt(env['UV_THREADPOOL_SIZE'] ?? '4', 10)
  return Math.floor((Math.min(Math.max(threads || 1, 1), 1024) + 1) / 2)
}

type UnderWay = {
  readonly found: Promise<readonly string[]>
  readonly stop: AbortController
  begun: boolean
  callers: number
}

/**
 * At most `most` at once, and one for each name: whoever asks for a name that is being looked up gets the same answer, so
 * that a name server that is silent about one name holds one thread. What nobody waits for any more is not begun.
 */
export function createLookup(resolve: (host: string) => Promise<readonly string[]>, most: number): Lookup {
  const limited = semaphore(most)
  const all = new Map<string, UnderWay>()
  const begin = (host: string): UnderWay => {
    const stop = new AbortController()
    const work = () => {
      one.begun = true
      return resolve(host)
    }
    const found = limited(work, stop.signal).finally(() => forget(host, one))
    const one: UnderWay = { found, stop, begun: false, callers: 0 }
    all.set(host, one)
    return one
  }
  const forget = (host: string, one: UnderWay) => {
    if (all.get(host) === one) all.delete(host)
  }
  return async (host, signal) => {
    const one = all.get(host) ?? begin(host)
    one.callers += 1
    try {
      return await unlessAborted(signal, one.found)
    } finally {
      one.callers -= 1
      if (one.callers === 0 && !one.begun) {
        forget(host, one)
        one.stop.abort()
      }
    }
  }
}

/** getaddrinfo: one question, every address of the answer, whatever names it went through. One of them is for a whole process. */
export const systemLookup = (env: Environment = {}): Lookup => createLookup(addressesOf, mostLookups(env))

async function addressesOf(host: string): Promise<readonly string[]> {
  const found = await nodeLookup(host, { all: true, order: 'verbatim' })
  return [...new Set(found.map(({ address }) => address))]
}

/**
 * An informer and a reflector follow writers while their watches are dropped, cut and refused. In the first half no past is
 * forgotten: each must be told every single event once and in order. In the second half it is: then both must see everything
 * anew, and be told of nothing twice. At the end of each half both copies are what the server lists.
 */
import assert from 'node:assert/strict'
import { startApiServer, type ApiServer } from '../../../src/sandbox/apiserver/server.ts'
import { eventually } from '../../support/asking.ts'
import { aReflector, anInformer, stateOf, type Copy, type Follower } from './followers.ts'
import { makeWriters } from './writers.ts'

/** How many events, from which seed, and who hears of the progress. */
export type Run = {
  readonly events: number
  readonly seed: number
  /** After how many writes something goes wrong. */
  readonly troubleEvery?: number
  readonly onProgress?: (written: number) => void
}
/** What came of it. */
export type Outcome = {
  readonly written: number
  readonly troubles: number
  readonly compactions: number
  readonly followers: readonly { readonly who: string; readonly told: number; readonly lists: number }[]
}

const namespace = 'default'
const watches = { verb: 'watch', resource: 'configmaps' } as const

/** Runs it; throws what is wrong. */
export async function follow({
  events,
  seed,
  troubleEvery = 100,
  onProgress = () => undefined,
}: Run): Promise<Outcome> {
  // Only `compact` forgets: a follower whose backoff takes longer than the usual history lasts would have to see everything anew.
  const history = { changes: 2 * events, bytes: 1024 * 1024 * 1024 }
  const api = await startApiServer({ bookmarkMs: 200, limits: { history } })
  const followers = [await anInformer(api, namespace), await aReflector(api, namespace)]
  const random = mulberry(seed)
  const work = makeWriters()
  let [troubles, compactions] = [0, 0]
  const half = Math.floor(events / 2)
  const doHalf = (before: number, forgetting: boolean): Promise<void> =>
    work({
      api,
      namespace,
      events: half,
      random,
      after: (written) => {
        onProgress(before + written)
        if (written % troubleEvery !== 0) return
        troubles += 1
        if (forgetting && random() < 0.3) {
          api.faults.add({ match: watches, times: 4, effect: { kind: 'cut' } })
          api.faults.dropWatches()
        } else trouble(api, random)
        // What was written since the watches were dropped is forgotten before they are there again.
        if (forgetting && (written / troubleEvery) % 2 === 0) {
          compactions += 1
          api.compact()
        }
      },
    })
  try {
    await settled(api, followers)
    for (const { account } of followers) account.exactFrom(revisionOf(api))
    await doHalf(0, false)
    await settled(api, followers)
    for (const { who, account, lists } of followers) {
      assert.equal(
        account.told(),
        half,
        `${who} must be told of each of ${half} events, got ${account.told()}`,
      )
      assert.equal(lists(), 1, `${who} must not have to list again`)
      account.loosely()
    }
    await doHalf(half, true)
    await settled(api, followers)
    return {
      written: 2 * half,
      troubles,
      compactions,
      followers: followers.map(({ who, account, lists }) => ({ who, told: account.told(), lists: lists() })),
    }
  } finally {
    await Promise.all(followers.map((one) => one.stop()))
    await api.stop()
  }
}

const revisionOf = (api: ApiServer): number => api.snapshot().revision

/** Waits until every copy is what the server has; throws at once where a follower was told something wrong. */
async function settled(api: ApiServer, followers: readonly Follower[]): Promise<void> {
  const wanted = copyOf(api)
  for (const { who, copy, account } of followers) {
    await eventually(`the copy of the ${who} is what the server lists`, () => {
      assert.deepEqual(account.wrong(), [])
      return same(copy(), wanted) || undefined
    })
    assert.deepEqual(new Map([...copy()].toSorted()), new Map([...wanted].toSorted()))
  }
}

function copyOf(api: ApiServer): Copy {
  const stored = [...(api.snapshot().resources.get('/configmaps')?.values() ?? [])]
  const inOurs = stored.filter(({ metadata }) => (metadata as { namespace?: string }).namespace === namespace)
  return new Map(inOurs.map((one) => [(one['metadata'] as { name: string }).name, stateOf(one)]))
}

const same = (a: Copy, b: Copy): boolean =>
  a.size === b.size && [...a].every(([name, state]) => b.get(name) === state)

/** Something goes wrong with watches. */
function trouble(api: ApiServer, random: () => number): void {
  const { faults } = api
  const troubles = [
    () => faults.dropWatches(),
    () => faults.add({ match: watches, times: 2, effect: { kind: 'skip-bookmarks' } }),
    () => faults.add({ match: watches, effect: { kind: 'cut' } }),
    () => faults.add({ match: watches, effect: { kind: 'answer', code: 500 } }),
    () => faults.add({ match: watches, times: 2, effect: { kind: 'drop-watch', afterEvents: 3 } }),
    () => faults.add({ match: watches, effect: { kind: 'delay', ms: 5 } }),
  ]
  troubles[Math.floor(random() * troubles.length)]?.()
  // What is armed meets the watches that come: so the open ones end now and then.
  if (random() < 0.5) faults.dropWatches()
}

// mulberry32: the same sequence from the same seed.
function mulberry(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

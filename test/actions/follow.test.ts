import t from 'tap'
import { ByteBudget } from '../../src/actions/byte-budget.ts'
import { follow } from '../../src/actions/follow.ts'
import type { Acted, Actor, ActorEvent, KubeObject, Unacted } from '../../src/actions/ports.ts'
import { Watched } from '../../src/actions/watched.ts'
import type { Waited } from '../../src/core/wait.ts'
import { FakeClock } from '../support/fake-clock.ts'

type List = Acted<{
  readonly items: readonly KubeObject[]
  readonly resourceVersion: string
  readonly more: boolean
}>
type WatchOptions = Parameters<Actor['watch']>[1]
type Watch = (options: WatchOptions) => Promise<Acted<'ended'>>

const pod = (name: string, ready: boolean, more: object = {}): KubeObject => ({
  metadata: { name, ...more },
  status: { ready },
})
const listed = (...items: readonly KubeObject[]): List => ({
  ok: { items, resourceVersion: '7', more: false },
})
const answered = (status: number, more: Partial<Unacted> = {}): Unacted => ({
  failed: 'answer',
  status,
  why: String(status),
  sent: false,
  message: `answered ${status}`,
  ...more,
})

/** A watch that tells this, then stays open until it is ended from here. */
const telling =
  (...events: readonly ActorEvent[]): Watch =>
  ({ signal, onEvent }) => {
    for (const event of events) onEvent(event)
    return untilAborted(signal)
  }
const untilAborted = (signal: AbortSignal): Promise<Acted<'ended'>> =>
  new Promise((resolve) => {
    const stop = () => resolve({ failed: 'aborted', sent: false, message: 'stopped' })
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop)
  })

/** All must be ready, and there must be one. */
function* allReady({ objects }: { readonly objects: readonly KubeObject[] }): Generator<undefined, Waited> {
  if (objects.length === 0) return { holds: false, because: 'none' }
  for (const [culprit, { metadata, status }] of objects.entries()) {
    if ((status as { ready: boolean }).ready) yield
    else return { holds: false, because: `not ${(metadata as { name: string }).name}`, culprit }
  }
  return { holds: true }
}

/** Follows with these answers, one after another and the last one for ever, while time passes by itself. */
async function following(
  answers: { readonly lists: readonly List[]; readonly watches?: readonly Watch[] },
  seconds = 20,
) {
  const clock = new FakeClock()
  const begun = clock.now()
  const lists: number[] = []
  const watches: { readonly at: number; readonly from: string }[] = []
  const watched = new Watched(allReady)
  const deadline = clock.abortAfter(seconds * 1000)
  const ended = follow({
    actor: {
      list: async () => {
        lists.push(clock.now() - begun)
        return answers.lists[lists.length - 1] ?? answers.lists.at(-1) ?? listed()
      },
      watch: async (_aim, options) => {
        watches.push({ at: clock.now() - begun, from: options.resourceVersion })
        const given = answers.watches ?? []
        return (given[watches.length - 1] ?? given.at(-1) ?? telling())(options)
      },
    },
    clock,
    aim: { apiVersion: 'v1', kind: 'Pod' },
    selector: 'app=web',
    watched,
    most: 3,
    signal: deadline.signal,
  })
  const done: unknown[] = []
  void ended.then((value) => done.push(value))
  for (let passed = 0; done.length === 0 && passed <= seconds * 1000; passed += 100) await clock.pass(100)
  const followed = await ended
  deadline.release()
  return { followed, lists, watches, watched, leaked: clock.waiting, ms: clock.now() - begun }
}

t.test('what is as it should be already is seen by the first list, without a watch', async (t) => {
  const { followed, watches } = await following({ lists: [listed(pod('a', true))] })
  t.same(followed, { end: 'holds' })
  t.same(watches, [])
})

t.test('what comes to be as it should be is seen by the watch, from where the list was', async (t) => {
  const { followed, watches, ms, leaked } = await following({
    lists: [listed(pod('a', false))],
    watches: [telling({ type: 'put', object: pod('a', true) })],
  })
  t.same([followed, watches], [{ end: 'holds' }, [{ at: 0, from: '7' }]])
  t.ok(ms < 1000)
  t.equal(leaked, 0, 'no timer is left')
})

t.test('what is not there yet comes with the watch; what is deleted counts no more', async (t) => {
  const come = await following({
    lists: [listed()],
    watches: [telling({ type: 'put', object: pod('a', true) })],
  })
  t.same(come.followed, { end: 'holds' })
  const gone = await following({
    lists: [listed(pod('a', true), pod('b', false))],
    watches: [telling({ type: 'delete', object: pod('b', false) })],
  })
  t.same(gone.followed, { end: 'holds' })
})

t.test('a bookmark changes nothing', async (t) => {
  const { followed, watched } = await following(
    { lists: [listed(pod('a', false))], watches: [telling({ type: 'bookmark', resourceVersion: '9' })] },
    5,
  )
  t.same(followed, { end: 'over', trouble: undefined })
  t.equal(watched.because, 'not a')
})

t.test('a watch whose place is too old is begun again with a list', async (t) => {
  const { followed, lists } = await following({
    lists: [listed(pod('a', false)), listed(pod('a', true))],
    watches: [async () => answered(410)],
  })
  t.same(followed, { end: 'holds' })
  t.equal(lists.length, 2)
})

t.test(
  'a watch that says nothing is not believed for longer than half a minute: all is listed again',
  async (t) => {
    const { followed, lists } = await following(
      { lists: [listed(pod('a', false)), listed(pod('a', true))], watches: [telling()] },
      60,
    )
    t.same(followed, { end: 'holds' })
    t.same(lists, [0, 30_000])
  },
)

t.test('a server that ends every watch at once is asked less and less often', async (t) => {
  const { lists, followed } = await following(
    { lists: [listed(pod('a', false))], watches: [async () => ({ ok: 'ended' })] },
    40,
  )
  t.same(followed, { end: 'over', trouble: undefined })
  t.same(lists.slice(0, 6), [0, 750, 2250, 5250, 11_250, 18_750])
})

t.test('trouble that passes is waited out, and told if the time ends', async (t) => {
  const passes = await following({
    lists: [answered(503), answered(429, { retryAfterMs: 5000 }), listed(pod('a', true))],
  })
  t.same(passes.followed, { end: 'holds' })
  t.same(passes.lists, [0, 750, 5750], 'and Retry-After is kept')
  const stays = await following({ lists: [{ failed: 'network', sent: false, message: 'no route' }] })
  t.same(stays.followed, { end: 'over', trouble: 'no route' })
})

for (const [name, unacted] of Object.entries({
  'a right that the account lacks': answered(403),
  'a kind that is not there': answered(404),
  'an account that may not be acted for': answered(403, { failed: 'account' }),
  'what cannot be asked at all': { failed: 'answer', sent: false, message: 'cluster-scoped' } as const,
}))
  t.test(`what waiting cannot mend ends it at once: ${name}`, async (t) => {
    const byList = await following({ lists: [unacted] })
    t.same(byList.followed, { end: 'refused', because: unacted.message, cause: unacted.failed })
    const byWatch = await following({ lists: [listed()], watches: [async () => unacted] })
    t.same(byWatch.followed, byList.followed)
    t.equal(byWatch.ms, 100)
  })

t.test('more objects than are waited for end it, in the list or by the watch', async (t) => {
  const many: List = { ok: { items: [pod('a', false)], resourceVersion: '7', more: true } }
  const want = { end: 'refused', because: 'more than 3 objects carry these labels; select fewer' }
  t.match((await following({ lists: [many] })).followed, want)
  const events = Array.from({ length: 501 }, (_, i) => ({
    type: 'put' as const,
    object: pod(`p${i}`, false),
  }))
  const grown = await following({ lists: [listed()], watches: [telling(...events)] })
  t.match(grown.followed, { end: 'refused', because: /more than 500 objects/ })
})

t.test('more bytes than are kept end it', async (t) => {
  const big = { annotations: { a: 'x'.repeat(9 * 1024 * 1024) } }
  const { followed } = await following({ lists: [listed(pod('a', false, big), pod('b', false, big))] })
  t.match(followed, { end: 'refused', because: /more than 16777216 bytes/ })
})

t.test('all waits together keep so many bytes, and give back what they no longer need', async (t) => {
  const budget = new ByteBudget(2_000)
  const one = new Watched(allReady, budget)
  const other = new Watched(allReady, budget)
  const big = (name: string, bytes: number) => pod(name, true, { annotations: { a: 'x'.repeat(bytes) } })
  one.replace([big('a', 1_000), big('b', 500)])
  other.replace([big('c', 1_000)])
  t.equal(one.tooMany(), undefined)
  t.match(other.tooMany(), /^all waits of this replica together would keep more than 2000 bytes of JSON/)
  one.take({ type: 'delete', object: big('b', 500) })
  other.replace([big('c', 700)])
  t.equal(other.tooMany(), undefined)
  other.take({ type: 'put', object: big('c', 1_000) })
  t.match(other.tooMany(), /all waits of this replica/)
  one.release()
  one.release()
  other.replace([big('c', 1_800)])
  t.equal(other.tooMany(), undefined)
  t.same(other.objects(), [big('c', 1_800)])
})

t.test('managed fields are not kept', async (t) => {
  const { watched } = await following({ lists: [listed(pod('a', true, { managedFields: [1] }))] })
  t.same(watched.objects(), [pod('a', true)])
})

t.test('others have their turn while many objects are judged', async (t) => {
  const clock = new FakeClock()
  const turns: number[] = []
  let now = 0
  const { abortAfter, after, random } = clock
  const slow = new Watched(function* ({ objects }) {
    for (let judged = 0; judged < objects.length; judged += 1) {
      now += 6
      yield
    }
    return { holds: true }
  })
  const names = ['a', 'b', 'c', 'd', 'e']
  const ended = await follow({
    actor: {
      list: async () => listed(...names.map((name) => pod(name, true))),
      watch: async () => ({ ok: 'ended' }),
    },
    clock: {
      abortAfter,
      after,
      random,
      now: () => now,
      steady: () => now,
      sleep: async () => void turns.push(now),
    },
    aim: { apiVersion: 'v1', kind: 'Pod' },
    selector: '',
    watched: slow,
    most: 500,
    signal: new AbortController().signal,
  })
  t.same([ended, turns], [{ end: 'holds' }, [12, 24]], 'after every ten milliseconds')
})

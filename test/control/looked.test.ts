import t from 'tap'
import { createLooked } from '../../src/control/looked.ts'
import { createQueue } from '../../src/control/queue.ts'
import { systemClock } from '../../src/system-clock.ts'
import { FakeClock, newYear } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'

const before = newYear - 3_600_000

const turn = () => new Promise<boolean>((resolve) => setImmediate(() => resolve(true)))

/** A leader that just began, and knows these objects. */
async function world(keys: readonly string[] = []) {
  const clock = new FakeClock()
  const copies = { silentMs: 0 }
  const looked = createLooked({ before, now: clock.now, silentMs: () => copies.silentMs })
  await looked.offerAll(keys, () => true, turn)
  return { clock, copies, looked }
}

t.test(
  'a new leader has looked at no more than the one before, until it looked at every object',
  async (t) => {
    const { clock, looked } = await world(['a', 'b'])
    t.equal(looked.until(), before)
    looked.begin('a')
    looked.end('a')
    t.equal(looked.until(), before)
    looked.begin('b')
    t.equal(looked.until(), before, 'a look that goes on is none yet')
    looked.end('b')
    t.equal(looked.until(), clock.now())
  },
)

t.test('what came up waits since it came up, not since it came up again', async (t) => {
  const { clock, looked } = await world()
  looked.offer('a', () => true)
  await clock.pass(1_000)
  looked.offer('a', () => true)
  t.equal(looked.until(), newYear)
  looked.begin('a')
  looked.offer('a', () => true)
  looked.end('a')
  t.equal(looked.until(), newYear + 1_000, 'it came up again during the look')
})

t.test('a look that failed holds the time back until one succeeds', async (t) => {
  const { clock, looked } = await world(['a'])
  for (let looks = 0; looks < 3; looks += 1) {
    const since = looked.begin('a')
    looked.offer('a', () => true)
    looked.failed('a', since)
    await clock.pass(300_000)
  }
  t.equal(looked.until(), before)
  looked.begin('a')
  looked.end('a')
  t.equal(looked.until(), clock.now())
})

t.test('copies that are silent may be behind by as much', async (t) => {
  const { clock, copies, looked } = await world()
  copies.silentMs = 40_000
  t.equal(looked.until(), clock.now() - 40_000)
  copies.silentMs = Number.POSITIVE_INFINITY
  t.equal(looked.until(), before)
})

t.test(
  'what the queue turns away is not kept, and holds the time back until everything was offered again',
  async (t) => {
    const { clock, looked } = await world(['a', 'b'])
    await looked.offerAll(['a', 'b'], (key) => key === 'a', turn)
    looked.begin('a')
    looked.end('a')
    t.equal(looked.until(), before, 'b was turned away')
    await looked.offerAll(['b'], () => true, turn)
    t.equal(looked.until(), before, 'b is to be looked at')
    looked.begin('b')
    looked.end('b')
    t.equal(looked.until(), clock.now())
    for (let object = 0; object < 3; object += 1) {
      await clock.pass(1_000)
      looked.offer(`short-lived ${object}`, () => false)
    }
    await clock.pass(1_000)
    t.equal(looked.until(), newYear + 1_000)
    await looked.offerAll(['c'], () => true, turn)
    looked.begin('c')
    t.equal(looked.until(), newYear + 1_000, 'it may be the one')
    looked.end('c')
    t.equal(looked.until(), clock.now(), 'those that are gone are waited for no more')
  },
)

t.test('an object whose look begins while it is added waits no more', async (t) => {
  const { clock, looked } = await world()
  looked.offer('a', (key) => {
    looked.begin(key)
    return true
  })
  looked.end('a')
  await clock.pass(1_000)
  t.equal(looked.until(), clock.now())
})

t.test('while many are offered others have their turn, and the time is held back', async (t) => {
  const clock = new FakeClock()
  const looked = createLooked({ before, now: clock.now, silentMs: () => 0 })
  t.equal(looked.until(), before, 'nothing was offered yet')
  const keys = Array.from({ length: 2_000 }, (_, i) => `object ${i}`)
  const seen: number[] = []
  let added = 0
  const all = looked.offerAll(
    keys,
    (key) => {
      looked.begin(key)
      looked.end(key)
      added += 1
      return true
    },
    turn,
  )
  t.ok(added < keys.length, 'it does not take the event loop for itself')
  seen.push(looked.until())
  setImmediate(() => seen.push(looked.until()))
  await all
  t.equal(added, keys.length)
  t.same(seen, [before, before], 'of those that came first it is not known what becomes of the others')
  t.equal(looked.until(), clock.now())
})

t.test('who leads no more offers no more, and has not looked', async (t) => {
  const looked = createLooked({ before, now: new FakeClock().now, silentMs: () => 0 })
  let added = 0
  await looked.offerAll(
    Array(2_000).fill('a'),
    () => (added += 1) > 0,
    async () => false,
  )
  t.ok(added < 2_000)
  looked.begin('a')
  looked.end('a')
  t.equal(looked.until(), before)
})

t.test('of more objects than the queue takes each is looked at once, and none is turned away', async (t) => {
  const looked = createLooked({ before: 0, now: systemClock.now, silentMs: () => 0 })
  const looks = new Map<string, number>()
  const log = new FakeLog()
  const queue = createQueue({
    clock: systemClock,
    log,
    name: 'test',
    maxKeys: 1_000,
    work: async (key) => {
      looked.begin(key)
      looks.set(key, (looks.get(key) ?? 0) + 1)
      looked.end(key)
    },
  })
  const stop = new AbortController()
  const ended = queue.start(stop.signal)
  const keys = Array.from({ length: 3_000 }, (_, i) => `object ${i}`)
  await looked.offerAll(keys, queue.add, (many) => queue.room(many, stop.signal))
  while (looks.size < keys.length) await systemClock.sleep(5)
  t.same([...new Set(looks.values())], [1])
  t.match(queue.depth(), { dropped: 0 })
  t.same(log.lines, [])
  t.ok(looked.until() > 0)
  const waits = queue.room(2_000, stop.signal)
  stop.abort()
  t.equal(await waits, false, 'who stops waits for no room')
  await ended
})

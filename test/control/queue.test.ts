import * as fc from 'fast-check'
import t from 'tap'
import { createQueue } from '../../src/control/queue.ts'
import type { QueueOptions } from '../../src/control/queue.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'

/** A queue whose looks are ended by hand or at once, started. */
const aQueue = (more: Partial<QueueOptions> = {}) => {
  const clock = new FakeClock()
  const looked: string[] = []
  const logged: string[] = []
  const log = (_: object, message: string) => void logged.push(message)
  const queue = createQueue({
    clock,
    log: { debug: log, info: log, warn: log, error: log },
    name: 'test',
    turn: () => Promise.resolve(),
    ...more,
    work: async (key, signal) => {
      looked.push(key)
      await more.work?.(key, signal)
    },
  })
  const stop = new AbortController()
  const start = () => queue.start(stop.signal)
  return { queue, clock, looked, logged, stop, start }
}

/** Work that ends when told. */
const gate = () => {
  const open = new Map<string, () => void>()
  const work = (key: string) => new Promise<void>((resolve) => open.set(key, resolve))
  return { work, open: (key: string) => open.get(key)?.(), running: () => [...open.keys()] }
}

t.test('a key waits once, however often it was added', async (t) => {
  const { queue, clock, looked, start } = aQueue()
  queue.add('a')
  queue.add('b')
  queue.add('a')
  void start()
  await clock.pass(0)
  t.same(looked, ['a', 'b'])
})

t.test('a key that is added while it runs runs once more afterwards, never beside itself', async (t) => {
  const { work, open } = gate()
  const { queue, clock, looked, start } = aQueue({ work })
  void start()
  queue.add('a')
  queue.add('a')
  queue.add('a')
  await clock.pass(0)
  t.same(looked, ['a'])
  open('a')
  await clock.pass(0)
  t.same(looked, ['a', 'a'])
  open('a')
  await clock.pass(0)
  t.equal(looked.length, 2)
})

t.test('a slow key holds up one worker, and only until its time is over', async (t) => {
  const { work, open } = gate()
  const signals: AbortSignal[] = []
  const { queue, clock, looked, start, logged } = aQueue({
    workers: 2,
    workTimeoutMs: 1000,
    work: (key, signal) => {
      signals.push(signal)
      return key.startsWith('slow') ? work(key) : Promise.resolve()
    },
  })
  void start()
  for (const key of ['slow1', 'a', 'b', 'slow2', 'c']) queue.add(key)
  await clock.pass(0)
  t.same(looked, ['slow1', 'a', 'b', 'slow2'])
  await clock.pass(1000)
  t.same(looked.slice(4), ['c'], 'stuck keys lose their workers')
  t.equal(signals[0]?.aborted, true)
  t.equal(logged.length, 2)
  queue.add('slow1')
  await clock.pass(0)
  t.equal(looked.length, 5, 'but a stuck key never runs beside itself')
  open('slow1')
  await clock.pass(0)
  t.same(looked.slice(5), ['slow1'])
})

t.test('looks that wait for nothing let the event loop turn between any two of them', async (t) => {
  const seen: string[] = []
  const queue = createQueue({
    clock: new FakeClock(),
    log: new FakeLog(),
    name: 'test',
    workers: 64,
    work: async (key) => void seen.push(key),
  })
  const stop = new AbortController()
  const ended = queue.start(stop.signal)
  for (let key = 0; key < 100; key += 1) queue.add(`${key}`)
  const seenAfter = []
  for (let turn = 0; turn < 4; turn += 1) {
    seenAfter.push(seen.length)
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.same(seenAfter, [1, 2, 3, 4])
  stop.abort()
  await ended
})

t.test(
  'slow looks give their workers back, up to a bound, and still run once and are waited for',
  async (t) => {
    const { work, open } = gate()
    const { queue, clock, looked, logged, start, stop } = aQueue({
      workers: 2,
      maxSlow: 3,
      work: (key) => (key.startsWith('slow') ? work(key) : Promise.resolve()),
    })
    let ended = false
    void start().then(() => (ended = true))
    for (const key of ['slow1', 'slow2', 'urgent']) queue.add(key)
    await clock.pass(4_999)
    t.same(looked, ['slow1', 'slow2'])
    await clock.pass(1)
    t.same(looked.splice(0), ['slow1', 'slow2', 'urgent'])
    t.match(queue.depth(), { running: 2, slow: 2 })
    for (const key of ['slow1', 'slow3', 'slow4', 'more']) queue.add(key)
    await clock.pass(5_000)
    t.same(looked.splice(0), ['slow3', 'slow4', 'more'], 'a slow key never runs beside itself')
    for (const key of ['slow5', 'last']) queue.add(key)
    await clock.pass(10_000)
    t.same(looked.splice(0), ['slow5'], 'what is slow beyond the bound keeps its worker')
    t.match(queue.depth(), { running: 5, slow: 5, waiting: 1 })
    open('slow1')
    await clock.pass(0)
    t.same(looked.splice(0), ['last', 'slow1'], 'one that ends lets another give back its worker')
    stop.abort()
    for (const key of ['slow2', 'slow3', 'slow4', 'slow5']) open(key)
    await clock.pass(0)
    t.equal(ended, false, 'a stop waits for slow looks as well')
    open('slow1')
    await clock.pass(0)
    t.equal(ended, true)
    t.same(logged, [])
    t.equal(clock.waiting, 0)
  },
)

t.test(
  'a failure comes again after a backoff that grows to five minutes, and a success forgets it',
  async (t) => {
    let fail = true
    const { queue, clock, looked, start } = aQueue({
      work: async () => (fail ? Promise.reject(new Error('no')) : undefined),
    })
    void start()
    queue.add('a')
    const at: number[] = []
    const startedAt = clock.now()
    for (let seen = 0; seen < 20;) {
      await clock.pass(1)
      if (looked.length > seen) at.push(clock.now() - startedAt)
      seen = looked.length
      if (seen > 6) break
    }
    t.same(
      at
        .slice(1)
        .map((ms, index) => ms - (at[index] ?? 0))
        .map((ms) => Math.log2(ms / 3.75))
        .map(Math.round),
      [0, 1, 2, 3, 4, 5],
    )
    await clock.pass(3_600_000)
    const before = looked.length
    await clock.pass(301_000)
    t.ok(looked.length - before >= 1 && looked.length - before <= 3)
    fail = false
    await clock.pass(300_000)
    fail = true
    const { length } = looked
    queue.add('a')
    await clock.pass(100)
    t.ok(looked.length > length + 2, 'the backoff begins anew')
  },
)

t.test('a key may come later; the earliest time counts, and an add comes first', async (t) => {
  const { queue, clock, looked, start } = aQueue()
  void start()
  queue.addAfter('late', 5000)
  queue.addAfter('late', 9000)
  queue.addAfter('soon', 9000)
  queue.addAfter('soon', 100)
  queue.addAfter('now', 0)
  queue.addAfter('added', 7000)
  queue.add('added')
  await clock.pass(0)
  t.same(looked, ['now', 'added'])
  await clock.pass(100)
  t.same(looked.slice(2), ['soon'])
  await clock.pass(60_000)
  t.same(looked.slice(3), ['late'])
  t.equal(clock.waiting, 0)
})

t.test('a clock that is set forth or back hurries no key and holds none up', async (t) => {
  for (const step of [-3_600_000, 3_600_000]) {
    const { queue, clock, looked, start } = aQueue()
    void start()
    queue.addAfter('a', 5_000)
    await clock.pass(1_000)
    clock.step(step)
    queue.addAfter('b', 2_000)
    await clock.pass(1_999)
    t.same(looked, [])
    await clock.pass(1)
    t.same(looked, ['b'])
    await clock.pass(2_000)
    t.same(looked, ['b', 'a'])
  }
})

t.test('what is lost ends at once, without the time to drain', async (t) => {
  const clock = new FakeClock()
  const told: AbortSignal[] = []
  const work = (_key: string, signal: AbortSignal) => {
    told.push(signal)
    return new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  }
  const queue = createQueue({ clock, log: new FakeLog(), name: 'test', work })
  const [stop, lost] = [new AbortController(), new AbortController()]
  const ended = queue.start(stop.signal, lost.signal)
  queue.add('a')
  await clock.pass(0)
  stop.abort()
  await clock.pass(1_000)
  t.equal(told[0]?.aborted, false)
  lost.abort(new Error('another leads'))
  t.equal(told[0]?.aborted, true)
  await clock.pass(0)
  await ended
  t.equal(clock.waiting, 0)
})

t.test(
  'keys beyond the limit are turned away, told once, and asked for again when there is room',
  async (t) => {
    let asked = 0
    const { work, open, running } = gate()
    const { queue, clock, logged, start } = aQueue({
      maxKeys: 4,
      workers: 1,
      work,
      onRoom: () => void asked++,
    })
    for (const key of ['a', 'b', 'c']) t.equal(queue.add(key), true)
    t.equal(queue.addAfter('d', 1e6), true)
    t.equal(queue.add('e'), false)
    t.equal(queue.addAfter('f', 5), false)
    t.equal(queue.add('a'), true, 'a key that is known needs no room')
    t.match(queue.depth(), { waiting: 3, later: 1, dropped: 2 })
    t.equal(logged.length, 1)
    void start()
    await clock.pass(0)
    for (const key of ['a', 'b']) {
      t.ok(running().includes(key))
      open(key)
      await clock.pass(0)
    }
    t.equal(asked, 1)
  },
)

t.test('a stop lets work end, takes no more, and aborts it after the drain time', async (t) => {
  const { work, open } = gate()
  const signals = new Map<string, AbortSignal>()
  const { queue, clock, looked, stop, start, logged } = aQueue({
    workers: 2,
    drainMs: 1000,
    work: (key, signal) => {
      signals.set(key, signal)
      return work(key)
    },
  })
  let ended = false
  void start().then(() => (ended = true))
  for (const key of ['a', 'stuck', 'c']) queue.add(key)
  queue.addAfter('d', 10)
  await clock.pass(0)
  stop.abort()
  await clock.pass(500)
  t.equal(queue.add('e'), false)
  t.equal(signals.get('a')?.aborted, false)
  open('a')
  await clock.pass(500)
  t.equal(signals.get('stuck')?.aborted, true)
  t.equal(ended, false)
  await clock.pass(1000)
  t.equal(ended, true)
  t.same(looked, ['a', 'stuck'])
  t.equal(logged.length, 1)
})

t.test('a stop with nothing running ends at once and leaves no timer', async (t) => {
  const { queue, clock, stop, start } = aQueue()
  const ended = start()
  queue.addAfter('a', 1000)
  await clock.pass(0)
  stop.abort()
  await ended
  await clock.pass(0)
  t.equal(clock.waiting, 0)
  await t.rejects(start(), TypeError)
})

t.test(
  'whatever is added when, every key is looked at after its last add, and never twice at once',
  async () => {
    const step = fc.tuple(
      fc.constantFrom('a', 'b', 'c', 'd'),
      fc.constantFrom(0, 0, 3, 50, 700),
      fc.nat(40),
      fc.nat(4),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const running = new Set<string>()
        const due = new Map<string, number>()
        let ms = 0
        const { queue, clock, start, stop } = aQueue({
          workers: 2,
          work: async (key) => {
            if (running.has(key)) throw new Error(`${key} runs beside itself`)
            running.add(key)
            const began = clock.now()
            const wait = ms++ % 7
            if (wait > 0) await clock.sleep(wait)
            running.delete(key)
            if ((due.get(key) ?? Number.POSITIVE_INFINITY) <= began) due.delete(key)
            if (wait === 5) throw new Error('now and then')
          },
        })
        const ended = start()
        for (const [key, after, pass] of steps) {
          queue.addAfter(key, after)
          due.set(key, clock.now() + after)
          if (pass > 20) await clock.pass(pass)
        }
        await clock.pass(10_000)
        stop.abort()
        await ended
        // A key whose earlier time counted may have been looked at before the later one: it was known to be due by then.
        for (const [key, at] of due)
          if (running.has(key) || at > clock.now()) throw new Error(`${key} was forgotten`)
        if (queue.depth().waiting + queue.depth().later > 0) throw new Error('something is left')
      }),
      { seed: 3, numRuns: 60, endOnFailure: true },
    )
  },
)

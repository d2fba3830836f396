/** The work queue of the Velero stand-in: what controller-runtime promises. */
import t from 'tap'
import { WorkQueue } from '../../../src/sandbox/velero/queue.ts'
import { sleep, withRetries } from '../../../src/sandbox/velero/timing.ts'
import { FakeClock } from '../../support/fake-clock.ts'

/** The FakeClock as the sandbox's clock. */
function aClock() {
  const fake = new FakeClock()
  const after = (ms: number, call: () => void) => {
    const ended = new AbortController()
    void fake.sleep(ms, ended.signal).then(call, () => undefined)
    return () => ended.abort()
  }
  return { fake, clock: { now: fake.now, after } }
}

t.test('a denied key comes again after 5 ms, then twice as late each time, at most 1000 s', async (t) => {
  const { fake, clock } = aClock()
  const times: number[] = []
  const reconcile = async () => {
    times.push(fake.now())
    throw new Error('denied')
  }
  const queue = new WorkQueue({ clock, reconcile, onError: () => undefined })
  queue.add('b1')
  await fake.pass(11 * 60_000)
  const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0))
  t.same(waits.slice(0, 5), [5, 10, 20, 40, 80])
  t.equal(times.length, 18)
  await fake.pass(86_400_000)
  t.equal(Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? 0))), 1_000_000)
  await queue.stop()
  t.equal(fake.waiting, 0)
})

t.test('an update comes at once, however long the backoff', async (t) => {
  const { fake, clock } = aClock()
  let count = 0
  const reconcile = async () => {
    count += 1
    if (count < 15) throw new Error('denied')
  }
  const queue = new WorkQueue({ clock, reconcile, onError: () => undefined })
  queue.add('b1')
  await fake.pass(60_000)
  const before = count
  queue.add('b1')
  await fake.pass(0)
  t.equal(count, before + 1)
  await queue.stop()
})

t.test('a key is in work once, and comes again if it was added meanwhile', async (t) => {
  const { fake, clock } = aClock()
  let [working, most, count] = [0, 0, 0]
  const reconcile = async () => {
    count += 1
    most = Math.max(most, (working += 1))
    await sleep(clock, 10, new AbortController().signal)
    working -= 1
  }
  const queue = new WorkQueue({ clock, workers: 5, reconcile, onError: () => undefined })
  for (let times = 0; times < 5; times += 1) queue.add('b1')
  await fake.pass(5)
  queue.add('b1')
  await fake.pass(100)
  t.same([count, most], [2, 1])
  await queue.stop()
})

t.test('a patch that is lost is tried again with growing waits, for ten minutes', async (t) => {
  const { fake, clock } = aClock()
  const times: number[] = []
  const { signal } = new AbortController()
  const call = async (): Promise<never> => {
    times.push(fake.now())
    throw new Error('503')
  }
  const given = withRetries({ clock, signal }, call).catch((error: unknown) => String(error))
  await fake.pass(1_200_000)
  t.equal(await given, 'Error: 503')
  t.same(
    times.slice(1, 5).map((time, index) => time - (times[index] ?? 0)),
    [10, 50, 250, 1_250],
  )
})

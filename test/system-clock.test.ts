/** The port Clock: the fake and the real one keep the same promises. */
import t from 'tap'
import type { Clock } from '../src/clock.ts'
import { systemClock } from '../src/system-clock.ts'
import { FakeClock } from './support/fake-clock.ts'

const fake = new FakeClock()
const clocks: Readonly<Record<string, { clock: Clock; pass: (ms: number) => Promise<unknown> }>> = {
  'the fake clock': { clock: fake, pass: (ms) => fake.pass(ms) },
  'the system clock': { clock: systemClock, pass: async () => {} },
}
for (const [name, { clock, pass }] of Object.entries(clocks)) {
  t.test(`${name}: a sleep ends after its time`, async (t) => {
    const from = clock.now()
    const slept = clock.sleep(20)
    await pass(20)
    await slept
    t.ok(clock.now() - from >= 19)
  })
  t.test(`${name}: a sleep ends with the signal's reason`, async (t) => {
    const controller = new AbortController()
    const slept = clock.sleep(60_000, controller.signal)
    controller.abort(new Error('enough'))
    await t.rejects(slept, { message: 'enough' })
    await t.rejects(clock.sleep(60_000, controller.signal), { message: 'enough' })
  })
  t.test(`${name}: a deadline aborts with a TimeoutError`, async (t) => {
    const { signal, release } = clock.abortAfter(10)
    t.notOk(signal.aborted)
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
    await pass(10)
    await aborted
    t.match(signal.reason, { name: 'TimeoutError' })
    release()
  })
  t.test(`${name}: a deadline that is over has aborted`, async (t) => {
    t.ok(clock.abortAfter(0).signal.aborted)
    t.ok(clock.abortAfter(-5).signal.aborted)
  })
  t.test(`${name}: a released deadline does not abort`, async (t) => {
    const { signal, release } = clock.abortAfter(1)
    release()
    await pass(5)
    t.notOk(signal.aborted)
  })
  t.test(`${name}: a wait of more than 24.8 days does not end at once`, async (t) => {
    const { signal, release } = clock.abortAfter(2 ** 31 + 5)
    await new Promise((resolve) => setImmediate(resolve))
    t.notOk(signal.aborted)
    release()
  })
  t.test(`${name}: random numbers are from 0 to less than 1`, async (t) => {
    const number = clock.random()
    t.ok(number >= 0 && number < 1)
  })
}
t.test(
  'the fake clock runs timers in the order in which they are due, also those set on the way',
  async (t) => {
    const clock = new FakeClock(0)
    const seen: string[] = []
    const one = async () => {
      await clock.sleep(20)
      seen.push(`b ${clock.now()}`)
    }
    const two = async () => {
      await clock.sleep(10)
      seen.push(`a ${clock.now()}`)
      await clock.sleep(5)
      seen.push(`c ${clock.now()}`)
    }
    const both = Promise.all([one(), two()])
    await clock.pass(30)
    await both
    t.same(seen, ['a 10', 'c 15', 'b 20'])
    t.equal(clock.waiting, 0)
  },
)

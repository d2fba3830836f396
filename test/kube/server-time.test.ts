/** The API server's time, whatever becomes of our own clock. */
import t from 'tap'
import { createServerTime } from '../../src/kube/server-time.ts'
import { FakeClock, newYear } from '../support/fake-clock.ts'

const hourMs = 3_600_000

t.test("a clock that is set between two answers does not move the API server's time", async (t) => {
  const clock = new FakeClock()
  const time = createServerTime(clock)
  time.heard(newYear - hourMs)
  for (const step of [24 * hourMs, -48 * hourMs]) {
    clock.step(step)
    t.equal(time.now(), newYear - hourMs)
  }
  await clock.pass(1_500)
  t.equal(time.now(), newYear - hourMs + 1_500, 'it goes on')
  time.heard(newYear)
  t.equal(time.now(), newYear)
})

t.test('before anything was heard it is our own', async (t) => {
  const clock = new FakeClock()
  t.equal(createServerTime(clock).now(), clock.now())
})

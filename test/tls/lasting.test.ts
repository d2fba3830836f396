import t from 'tap'
import { createLasting } from '../../src/tls/lasting.ts'
import { FakeClock } from '../support/fake-clock.ts'

t.test('what lasts is counted from look to look, and begins anew when it was otherwise', async (t) => {
  const clock = new FakeClock()
  const { note } = createLasting(clock, 1000)
  t.equal(note('a', true), 0)
  await clock.pass(600)
  t.equal(note('a', true), 600)
  t.equal(note('b', true), 0)
  t.equal(note('a', false), 0)
  t.equal(note('a', true), 0)
})

t.test('a clock that was put forward or back shows no time that has passed', async (t) => {
  const clock = new FakeClock()
  let aheadMs = 0
  const { note } = createLasting({ ...clock, now: () => clock.now() + aheadMs }, 1000)
  note('a', true)
  aheadMs = 86_400_000
  t.equal(note('a', true), 1000)
  aheadMs = 0
  t.equal(note('a', true), 1000)
  await clock.pass(500)
  t.equal(note('a', true), 1500)
})

t.test('a look that could not find out counts nothing, and forgets nothing', async (t) => {
  const clock = new FakeClock()
  const { note } = createLasting(clock, 1000)
  t.equal(note('a', undefined), 0)
  note('a', true)
  await clock.pass(600)
  note('a', true)
  await clock.pass(300)
  t.equal(note('a', undefined), 600)
  await clock.pass(300)
  t.equal(note('a', true), 1200)
  t.equal(note('a', false), 0)
})

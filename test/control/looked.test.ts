import t from 'tap'
import { createLooked } from '../../src/control/looked.ts'
import { FakeClock, newYear } from '../support/fake-clock.ts'

const before = newYear - 3_600_000

function world(keys: readonly string[] = []) {
  const clock = new FakeClock()
  const copies = { silentMs: 0 }
  return { clock, copies, looked: createLooked(keys, { before, clock, silentMs: () => copies.silentMs }) }
}

t.test(
  'a new leader has looked at no more than the one before, until it looked at every object',
  async (t) => {
    const { clock, looked } = world(['a', 'b'])
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
  const { clock, looked } = world()
  looked.note('a')
  await clock.pass(1_000)
  looked.note('a')
  t.equal(looked.until(), newYear)
  looked.begin('a')
  looked.note('a')
  looked.end('a')
  t.equal(looked.until(), newYear + 1_000, 'it came up again during the look')
})

t.test('a look that failed holds the time back until one succeeds', async (t) => {
  const { clock, looked } = world(['a'])
  for (let looks = 0; looks < 3; looks += 1) {
    const since = looked.begin('a')
    looked.note('a')
    looked.failed('a', since)
    await clock.pass(300_000)
  }
  t.equal(looked.until(), before)
  looked.begin('a')
  looked.end('a')
  t.equal(looked.until(), clock.now())
})

t.test('copies that are silent may be behind by as much', async (t) => {
  const { clock, copies, looked } = world()
  copies.silentMs = 40_000
  t.equal(looked.until(), clock.now() - 40_000)
  copies.silentMs = Number.POSITIVE_INFINITY
  t.equal(looked.until(), before)
})

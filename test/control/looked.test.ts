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
  const { clock, looked } = world(['a'])
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
  const { clock, copies, looked } = world()
  copies.silentMs = 40_000
  t.equal(looked.until(), clock.now() - 40_000)
  copies.silentMs = Number.POSITIVE_INFINITY
  t.equal(looked.until(), before)
})

t.test(
  'what the queue turns away is not kept, and holds the time back until everything was offered again',
  async (t) => {
    const { clock, looked } = world(['a', 'b'])
    looked.offerAll(['a', 'b'], (key) => key === 'a')
    looked.begin('a')
    looked.end('a')
    t.equal(looked.until(), before, 'b was turned away')
    looked.offerAll(['b'], () => true)
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
    looked.offerAll(['c'], () => true)
    looked.begin('c')
    t.equal(looked.until(), newYear + 1_000, 'it may be the one')
    looked.end('c')
    t.equal(looked.until(), clock.now(), 'those that are gone are waited for no more')
  },
)

t.test('an object whose look begins while it is added waits no more', async (t) => {
  const { clock, looked } = world()
  looked.offer('a', (key) => {
    looked.begin(key)
    return true
  })
  looked.end('a')
  await clock.pass(1_000)
  t.equal(looked.until(), clock.now())
})

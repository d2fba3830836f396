/** When processes may be killed, and how long an object is waited for, whatever the machine does. */
import t from 'tap'
import { Kills, Patience } from './patience.ts'

const whole = { isWhole: true, oldestSince: undefined }

t.test('many may be killed within twenty seconds, then none for a while', async (t) => {
  const kills = new Kills()
  t.ok(kills.may({ ...whole, now: 0 }))
  kills.killedLeader(19_000)
  t.ok(kills.may({ ...whole, isWhole: false, now: 19_999 }))
  t.notOk(kills.may({ ...whole, now: 20_000 }))
  t.notOk(kills.may({ ...whole, now: 63_000 }), 'the leader was killed 44 s ago')
  t.ok(kills.may({ ...whole, now: 64_000 }))
})

t.test('no killing begins before the service is whole, however long that takes', async (t) => {
  const kills = new Kills()
  kills.may({ ...whole, now: 0 })
  t.notOk(kills.may({ ...whole, isWhole: false, now: 1e6 }))
  t.ok(kills.may({ ...whole, now: 1e6 }))
})

t.test('nobody is killed while an object is overdue: it would never come to its end', async (t) => {
  const kills = new Kills()
  t.notOk(kills.may({ isWhole: true, oldestSince: 0, now: 121_000 }))
  t.ok(kills.may({ isWhole: true, oldestSince: 100_000, now: 121_000 }))
  t.notOk(kills.may({ isWhole: true, oldestSince: 100_000, now: 221_000 }))
})

const calm = { hinderedAt: 0, isBearable: true }
/** Looks at it once a second of the faster clock, from `from` to `to`. */
function waited(patience: Patience, from: number, to: number, how: Partial<typeof calm> = {}) {
  let last: string = 'waits'
  for (let now = from; now <= to && last === 'waits'; now += 1_000)
    last = patience.look({ ...calm, ...how, now, wallMs: now / 5 })
  return last
}

t.test('an object has five minutes, from the last time that a leader was killed', async (t) => {
  const patience = new Patience(0)
  t.equal(waited(patience, 0, 299_000), 'waits')
  patience.look({ ...calm, hinderedAt: 299_500, now: 300_000, wallMs: 60_000 })
  t.equal(waited(patience, 301_000, 599_000, { hinderedAt: 299_500 }), 'waits')
  t.equal(waited(patience, 600_000, 610_000, { hinderedAt: 299_500 }), 'over')
})

t.test('time in which the machine let nobody work does not count, and has an end all the same', async (t) => {
  const patience = new Patience(0)
  t.equal(waited(patience, 0, 2_999_000, { isBearable: false }), 'waits')
  t.equal(waited(patience, 3_000_000, 3_010_000, { isBearable: false }), 'busy')
})

import t from 'tap'
import { consideredIn, unconsideredIn } from '../../../src/core/decision/considered.ts'
import { aPlannedAction } from '../../support/build.ts'

t.test('of every Action of the stage is told what was found about it, and why', async (t) => {
  const because = 'why'
  const considered = consideredIn('PreBackup', {
    actions: [
      { ...aPlannedAction(), name: 'a' },
      { ...aPlannedAction(), name: 'b', skip: 'b/prebackup=skip' },
    ],
    leftOut: [
      { name: 'c', reason: 'NotMatched', because },
      { name: 'd', reason: 'MatchFailed', because },
      { name: 'e', reason: 'Suspended', because },
      { name: 'f', reason: 'Unadopted', because },
    ],
    problems: [],
    unadopted: ['f'],
    passedOver: { count: 0, first: () => [] },
  })
  t.match(considered, [
    { action: 'a', stage: 'PreBackup', found: 'Matched', because: undefined },
    { action: 'b', found: 'Skipped', because: 'b/prebackup=skip' },
    { action: 'c', found: 'NotMatched', because },
    { action: 'd', found: 'MatchFailed' },
    { action: 'e', found: 'Suspended' },
    { action: 'f', found: 'NotAdopted' },
  ])
})

t.test(
  'of those that were passed over is told why where they are few, and else how many they are',
  async (t) => {
    const passed = (count: number) => {
      const all = Array.from(
        { length: count },
        (_, i) => ({ name: `${i}`, reason: 'NotMatched', because: 'why' }) as const,
      )
      const passedOver = { count, first: (most: number) => all.slice(0, most) }
      return { actions: [], leftOut: [], problems: [], unadopted: [], passedOver }
    }
    t.equal(consideredIn('PreBackup', passed(16)).length, 16)
    t.equal(unconsideredIn(passed(16)), 0)
    t.same(consideredIn('PreBackup', passed(17)), [])
    t.equal(unconsideredIn(passed(17)), 17)
  },
)

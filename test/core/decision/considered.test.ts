import t from 'tap'
import { consideredIn } from '../../../src/core/decision/considered.ts'
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

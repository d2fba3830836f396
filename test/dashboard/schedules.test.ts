/** Schedules: when each runs next, and which are refused without running anything. */
import t from 'tap'
import { coolingUntil, nextRunOf } from '../../src/dashboard/next-runs.ts'
import { aBackup, aRun } from '../support/build.ts'
import { aDecision } from '../support/decisions.ts'
import { newYear } from '../support/fake-clock.ts'
import { aDashboard, get } from './support.ts'

const minute = 60_000
const hour = 60 * minute
const velero = 'system:serviceaccount:velero:velero'
const nightly = { name: 'nightly', cron: '0 3 * * *', paused: false, lastAt: newYear }

t.test('the next run is counted from the last one', async (t) => {
  const cases = {
    'at the hour of its expression': { given: {}, want: { at: newYear + 3 * hour } },
    'in the zone of its expression': {
      given: { cron: 'CRON_TZ=Asia/Tokyo 0 12 * * *' },
      want: { at: newYear + 3 * hour },
    },
    'so long after the last': { given: { cron: '@every 90m' }, want: { at: newYear + 90 * minute } },
    'never while paused': { given: { paused: true }, want: { not: 'paused' } },
    'never if Velero refuses the expression': { given: { cron: '0 3 * * 7' }, want: { not: 'not valid' } },
    'never if there is no such day': { given: { cron: '0 3 30 2 *' }, want: { not: 'never' } },
  }
  for (const [name, { given, want }] of Object.entries(cases))
    t.same(nextRunOf({ ...nightly, ...given }), want, name)
})

const refused = (name: string, minutes: number, given = {}) =>
  aRun({
    name,
    uid: name,
    scheduleName: 'nightly',
    requestedBy: velero,
    ...given,
    status: {
      phase: 'Refused',
      reason: 'ActionFailed',
      completionTimestamp: new Date(newYear + minutes * minute).toISOString(),
    },
  })

t.test('a Schedule cools down by the refusals of what Velero itself asked for', async (t) => {
  const until = (runs: readonly ReturnType<typeof aRun>[], now = newYear) => {
    const at = coolingUntil('nightly', { runs, veleroUsers: [velero], now })
    return at === undefined ? undefined : (at - newYear) / minute
  }
  t.equal(until([]), undefined)
  t.equal(until([refused('a', 0)]), 5)
  const twice = [refused('b', 10), refused('a', 0)]
  t.equal(until(twice, newYear + 10 * minute), 20, 'twice as long after the second')
  t.equal(until([refused('a', 0)], newYear + 5 * minute), undefined, 'it ends')
  t.equal(until([refused('a', 0, { requestedBy: 'alice' })]), undefined, 'a person')
  t.equal(until([refused('a', 0, { scheduleName: 'other' })]), undefined)
})

t.test('the first page says when each Schedule runs next, and which one is under a cool-down', async (t) => {
  const dashboard = await aDashboard(t, {
    runs: [refused('a', -1)],
    known: {
      schedules: () => [
        { ...nightly, lastAt: newYear - 20 * hour },
        { ...nightly, name: 'due', lastAt: newYear - 22 * hour },
        { ...nightly, name: 'resting', paused: true },
      ],
    },
  })
  const { body } = await get(dashboard, '/')
  const next = (name: string) =>
    new RegExp(`schedule=${name}">.*?data-head="Next run">(.*?)</td>`, 's')
      .exec(body)?.[1]
      ?.replaceAll(/<[^>]*>/g, '')
      .replaceAll(/\s+/g, ' ')
  t.equal(next('nightly'), 'in 3 hours!Cool-down ends in 4 minutes')
  t.equal(next('due'), 'was due 21 hours ago')
  t.equal(next('resting'), 'paused')
})

t.test(
  'a held Backup of a Schedule is admitted once its actions have succeeded, and refused if they have not',
  async (t) => {
    const annotations = { 'tidewaiter.io/hold': 'pre-actions' }
    const stateWith = async (phase: 'Pending' | 'Refused' | 'Succeeded') => {
      const run = aRun({
        requestedBy: velero,
        scheduleName: 'nightly',
        held: true,
        objectRef: { kind: 'Backup', name: 'b1', uid: 'u1' },
        status: {
          phase,
          reason: 'ActionFailed',
          completionTimestamp: new Date(newYear - minute).toISOString(),
        },
      })
      const backup = aBackup({ uid: 'u1', schedule: 'nightly', phase: 'New', annotations })
      const decision = aDecision({ spec: { verdict: 'Allowed', reason: 'Held', schedule: 'nightly' } })
      const dashboard = await aDashboard(t, { runs: [run], backups: [backup], decisions: [decision] })
      const { body } = await get(dashboard, '/')
      return /schedule=nightly">.*?data-head="State">(.*?)<\/td>/s
        .exec(body)?.[1]
        ?.replaceAll(/<[^>]*>|\s/g, '')
    }
    t.equal(await stateWith('Pending'), '–Notrunyet')
    t.equal(await stateWith('Refused'), '✕Refused')
    t.equal(await stateWith('Succeeded'), '✓Admitted')
  },
)

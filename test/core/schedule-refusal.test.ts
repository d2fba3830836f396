import t from 'tap'
import { scheduleRefusal } from '../../src/core/schedule-refusal.ts'
import { aBackup, aRow, aRun, type RunGiven } from '../support/build.ts'
import { newYear } from '../support/fake-clock.ts'

const minute = 60_000
const iso = (ms: number) => new Date(ms).toISOString()
/** A refusal of a Backup of the Schedule so many minutes ago. */
const refused = (minutesAgo: number, given: RunGiven = {}) =>
  aRun({
    name: `r${minutesAgo}`,
    scheduleName: 'nightly',
    requestedBy: 'velero',
    objectRef: { kind: 'Backup', name: `nightly-${minutesAgo}`, uid: `u${minutesAgo}` },
    uid: `uid-of-r${minutesAgo}`,
    ...given,
    status: {
      phase: 'Refused',
      reason: 'ActionFailed',
      message: 'an action failed',
      completionTimestamp: iso(newYear - minutesAgo * minute),
      actions: [
        aRow({ name: '10-a', phase: 'Succeeded' }),
        aRow({ name: '20-b', phase: 'Failed', message: 'answered 503 "lag"' }),
      ],
      ...given.status,
    },
  })

const began = {
  type: 'Unguarded',
  status: 'True',
  reason: 'Began',
  message: '',
  lastTransitionTime: iso(newYear),
} as const

t.test('names the Backup, the action, its words, when it is run again, and where all of it is', async (t) => {
  const run = refused(1)
  t.same(scheduleRefusal(run, [run], newYear), {
    schedule: 'nightly',
    cause: 'ActionFailed/20-b',
    count: 1,
    firstAt: newYear - minute,
    lastAt: newYear - minute,
    earlier: [],
    message:
      'tidewaiter refused Backup velero/nightly-1: PreBackup action "20-b" failed: answered 503 "lag". ' +
      `Nothing is run for this Schedule before ${iso(newYear + 4 * minute)}, unless the spec of a matching Action changes, or somebody ends that: tidewaiter cooldowns reset nightly -n velero. ` +
      'All of it: kubectl -n velero get actionrun r1 -o yaml',
  })
})

t.test('the same cause counts up, and only the newest has it to tell', async (t) => {
  const [old, middle, late] = [refused(90), refused(20), refused(2)]
  const runs = [middle, late, old]
  t.match(scheduleRefusal(late, runs, newYear), {
    count: 3,
    firstAt: newYear - 90 * minute,
    lastAt: newYear - 2 * minute,
    message: /velero\/nightly-2: /,
    earlier: [middle.metadata.uid, old.metadata.uid],
  })
  for (const run of [old, middle]) t.equal(scheduleRefusal(run, runs, newYear), undefined)
})

t.test('of refusals that ended at once one is the newest', async (t) => {
  const runs = [refused(1, { uid: 'a' }), refused(1, { uid: 'b' }), refused(1, { uid: 'c' })]
  t.same(
    runs.map((run) => scheduleRefusal(run, runs, newYear)?.count),
    [undefined, undefined, 3],
  )
})

for (const [name, other] of Object.entries({
  'another action': refused(3, { status: { actions: [aRow({ name: '30-c', phase: 'Failed' })] } }),
  'another kind of failure': refused(3, { status: { reason: 'OutOfTime' } }),
  'another Schedule': refused(3, { scheduleName: 'weekly' }),
  'what somebody made with its label': refused(3, { requestedBy: 'mallory' }),
  'another cluster': refused(3, { cluster: 'elsewhere' }),
  'what began all the same': refused(3, { status: { conditions: [began] } }),
  'what succeeded': refused(3, { status: { phase: 'Succeeded' } }),
}))
  t.test(`${name} is not counted with it`, async (t) => {
    const run = refused(1)
    t.match(scheduleRefusal(run, [run, other], newYear), { count: 1, firstAt: newYear - minute })
  })

for (const [name, run] of Object.entries({
  'that no Schedule made': aRun({ status: refused(1).status }),
  'that was not refused': refused(1, { status: { phase: 'Succeeded' } }),
  'that was admitted unasked': refused(1, { status: { phase: 'Unknown', reason: 'Unguarded' } }),
  'that began all the same': refused(1, { status: { conditions: [began] } }),
  'that was refused more than an hour ago': refused(60),
  'that is no pre stage': aRun({
    stage: 'PostBackup',
    scheduleName: 'nightly',
    status: { ...refused(1).status, phase: 'Failed' },
  }),
}))
  t.test(`of a Backup ${name} no Schedule is told`, async (t) => {
    t.equal(scheduleRefusal(run, [run], newYear), undefined)
  })

t.test('a replica that ended in the middle is told in its own words, with no action to blame', async (t) => {
  const status = { phase: 'Unknown', reason: 'OwnerLost', message: 'the replica ended', actions: [] } as const
  const run = refused(1, { status })
  t.match(scheduleRefusal(run, [run], newYear)?.message, /nightly-1: the replica ended\./)
  const silent = refused(1, { status: { ...status, message: undefined } as object })
  t.match(scheduleRefusal(silent, [silent], newYear)?.message, /nobody knows why/)
})

t.test('a long answer does not push the name of the run out of an Event of 1,024 characters', async (t) => {
  const long = aRow({ name: '10-a', phase: 'Failed', message: 'x'.repeat(4096) })
  const name = 'n'.repeat(63)
  const run = refused(1, {
    name: `${name}-1a2b3c4d-prebackup`,
    objectRef: { kind: 'Backup', name: aBackup({ name }).metadata.name, uid: 'u' },
    status: { actions: [long] },
  })
  const message = scheduleRefusal(run, [run], newYear)?.message ?? ''
  t.match(message, /-prebackup -o yaml$/)
  t.ok(message.length <= 1024, String(message.length))
})

t.test('a run that the copy does not hold yet counts as one, and says nothing of a cool-down', async (t) => {
  const run = refused(1)
  const told = scheduleRefusal(run, [], newYear)
  t.match(told, { count: 1, lastAt: newYear - minute })
  t.notMatch(told?.message, 'Nothing is run')
  const silent = refused(2, { status: { actions: [aRow({ name: 'a', phase: 'Failed' })] } })
  t.match(scheduleRefusal(silent, [silent], newYear)?.message, /action "a" failed: no answer/)
})

t.test('what somebody deleted or aborted, and what another refused, is no refusal of ours', async (t) => {
  for (const reason of ['Deleted', 'Aborted', 'NeverAppeared']) {
    const run = refused(1, { status: { phase: 'Refused', reason } })
    t.equal(scheduleRefusal(run, [run], newYear), undefined, reason)
    t.match(scheduleRefusal(refused(0), [refused(0), run], newYear), { count: 1 }, reason)
  }
})

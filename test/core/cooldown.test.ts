import t from 'tap'
import type { RunStatus } from '../../src/api/action-run.ts'
import { cooldownOf, resetAnnotation, resetAtOf, scheduleStreaks } from '../../src/core/cooldown.ts'
import { aRun } from '../support/build.ts'
import { newYear } from '../support/fake-clock.ts'

const minute = 60_000
/** A refusal so many minutes ago. */
const refused = (
  minutesAgo: number,
  given: Parameters<typeof aRun>[0] = {},
  status: Partial<RunStatus> = {},
) =>
  aRun({
    name: `r${minutesAgo}`,
    ...given,
    status: {
      phase: 'Refused',
      reason: 'ActionFailed',
      completionTimestamp: new Date(newYear - minutesAgo * minute).toISOString(),
      ...status,
    },
  })
const nightly = { schedule: 'nightly', requestedBy: 'velero', fingerprint: 'f0', actionsHash: 'a0' }
const person = { ...nightly, schedule: '' }
const leftOf = (request: typeof nightly, runs: Parameters<typeof cooldownOf>[1]) => {
  const cooldown = cooldownOf(request, runs, newYear)
  return cooldown === undefined ? undefined : (cooldown.until - newYear) / minute
}
const byNightly = { scheduleName: 'nightly', requestedBy: 'velero' }

t.test('a refusal ahead of the clock, which was set back since, counts from its creation', async (t) => {
  const creationTimestamp = new Date(newYear - 2 * minute).toISOString()
  const ahead = refused(-120, { ...byNightly, creationTimestamp })
  t.equal(leftOf(nightly, [ahead]), 3)
})

t.test('a Schedule waits 5 minutes after a refusal, doubling to an hour', async (t) => {
  const streak = (count: number) => Array.from({ length: count }, (_, i) => refused(1 + i * 70, byNightly))
  for (const [count, minutes] of [
    [1, 5],
    [2, 10],
    [3, 20],
    [4, 40],
    [5, 60],
    [50, 60],
  ] as const)
    t.equal(leftOf(nightly, streak(count)), minutes - 1, `${count} refusals`)
  t.equal(leftOf(nightly, [refused(5, byNightly)]), undefined, 'and is run again after that')
  t.equal(leftOf(nightly, [refused(1)]), undefined, "another's refusal is not its own")
  t.equal(leftOf(nightly, []), undefined)
})

t.test('a Schedule whose Backups are held does not wait, and its refusals are counted', async (t) => {
  const held = { ...byNightly, held: true }
  const runs = [refused(1, held), refused(61, held)]
  t.equal(leftOf(nightly, runs), undefined)
  t.match(scheduleStreaks(runs), [{ schedule: 'nightly', refusals: 2, until: newYear - minute }])
})

t.test('what somebody else made with the label of a Schedule neither starts nor ends its wait', async (t) => {
  const byHand = { ...byNightly, requestedBy: 'mallory' }
  t.equal(leftOf(nightly, [refused(1, byHand), refused(2, byHand)]), undefined)
  t.equal(leftOf(nightly, [refused(0, byHand, { phase: 'Succeeded' }), refused(1, byNightly)]), 4)
  t.equal(leftOf(nightly, [refused(0, byHand), refused(1, byNightly)]), 4)
})

t.test('the streak of a Schedule ends with anything but a refusal like it', async (t) => {
  t.equal(
    leftOf(nightly, [
      refused(1, byNightly),
      refused(2, byNightly, { phase: 'Succeeded' }),
      refused(3, byNightly),
    ]),
    4,
  )
  t.equal(leftOf(nightly, [refused(0, byNightly, { phase: 'Succeeded' }), refused(1, byNightly)]), undefined)
  t.equal(
    leftOf(nightly, [refused(1, byNightly, { reason: 'Stopping' })]),
    undefined,
    'a replica that stopped says nothing of the actions',
  )
  t.equal(
    leftOf(nightly, [refused(1, byNightly, { reason: 'OutOfTime' })]),
    4,
    'actions that never end are refused alike',
  )
})

t.test('any change of the actions ends the wait', async (t) => {
  t.equal(leftOf({ ...nightly, actionsHash: 'a1' }, [refused(1, byNightly)]), undefined)
  t.equal(leftOf({ ...person, actionsHash: 'a1' }, [refused(1), refused(2), refused(3)]), undefined)
})

for (const [name, { runs, want }] of Object.entries({
  'two refusals do not': { runs: [refused(1), refused(2)], want: undefined },
  'three within 5 minutes do, until 5 minutes after the first of them': {
    runs: [refused(1), refused(2), refused(3)],
    want: 2,
  },
  'three over more than 5 minutes do not': { runs: [refused(1), refused(2), refused(7)], want: undefined },
  'a success in between starts anew': {
    runs: [refused(1), refused(2, {}, { phase: 'Succeeded' }), refused(3), refused(4)],
    want: undefined,
  },
  'another name or spec does not count': {
    runs: [refused(1), refused(2), refused(3, { fingerprint: 'f1' })],
    want: undefined,
  },
  'a run that has not ended does not count': {
    runs: [refused(1), refused(2), aRun({ status: { phase: 'Running' } })],
    want: undefined,
  },
})) {
  t.test(`identical requests of a person are refused at once only after three: ${name}`, async (t) => {
    t.equal(leftOf(person, runs), want)
    t.equal(leftOf(person, [...runs].reverse()), want, 'in whatever order the runs are known')
  })
}

t.test('the answer names the last run', async (t) => {
  t.equal(
    cooldownOf(nightly, [refused(9, byNightly), refused(1, byNightly)], newYear)?.run.metadata.name,
    'r1',
  )
})

for (const [name, { request, runs, want }] of Object.entries({
  'of a Schedule, whose runs are a cool-down apart': {
    request: nightly,
    runs: [refused(1, byNightly), refused(12, byNightly), refused(18, byNightly)],
    want: ['r1'],
  },
  'of a Schedule whose runs came close together': {
    request: nightly,
    runs: [refused(2, byNightly), refused(1, byNightly), refused(3, byNightly), refused(50, byNightly)],
    want: ['r1', 'r2', 'r3'],
  },
  'of a person': { request: person, runs: [refused(1), refused(2), refused(3)], want: ['r1'] },
  'of a person who asked for more at the same time': {
    request: person,
    runs: [refused(1), refused(2), refused(3), refused(4)],
    want: ['r1', 'r2'],
  },
}))
  t.test(`deleting the runs that the answer names ends the cool-down ${name}`, async (t) => {
    const { holding = [] } = cooldownOf(request, runs, newYear) ?? {}
    t.same(
      holding.map(({ metadata }) => metadata.name),
      want,
    )
    t.equal(
      cooldownOf(
        request,
        runs.filter((run) => !holding.includes(run)),
        newYear,
      ),
      undefined,
    )
  })

t.test('an answer names 20 runs at most, the newest', async (t) => {
  const runs = Array.from({ length: 60 }, (_, i) => refused(1 + i / 60, byNightly))
  t.same(cooldownOf(nightly, runs, newYear)?.holding, runs.slice(0, 20))
})

t.test('what was refused before a reset counts no more, and the wait begins anew', async (t) => {
  const runs = [1, 20, 40].map((minutes) => refused(minutes, byNightly))
  t.equal(leftOf(nightly, runs), 19)
  const at = (minutesAgo: number) => ({ ...nightly, resetAt: newYear - minutesAgo * minute })
  t.equal(leftOf(at(1), runs), undefined, 'the newest ended at this very time')
  t.equal(leftOf(at(2), runs), 4)
  t.equal(leftOf(at(30), runs), 9)
  t.equal(
    leftOf(
      { ...at(1), schedule: '' },
      runs.map((run) => ({ ...run })),
    ),
    undefined,
  )
})

t.test('a reset is a time that has come', async (t) => {
  const given = (text: string) => resetAtOf({ [resetAnnotation]: text }, newYear)
  t.equal(given('2025-12-31T23:59:00Z'), newYear - minute)
  t.equal(given('2026-01-01T00:00:00Z'), newYear)
  t.equal(given('2026-01-01T00:00:01Z'), undefined, 'one to come would switch the cool-down off')
  t.equal(given('yes'), undefined)
  t.equal(resetAtOf({}, newYear), undefined)
})

t.test('a Schedule is in a streak as long as its newest Backup was refused', async (t) => {
  const succeeded = refused(3, { ...byNightly, scheduleName: 'fine' }, { phase: 'Succeeded' })
  const runs = [
    refused(1, byNightly),
    refused(4, byNightly),
    refused(9, byNightly, { phase: 'Succeeded' }),
    refused(12, byNightly),
    succeeded,
    refused(5, { ...byNightly, scheduleName: 'fine' }),
    refused(2),
  ]
  const streaks = scheduleStreaks(runs)
  t.match(streaks, [
    { schedule: 'nightly', refusals: 2, until: newYear + 9 * minute, run: { metadata: { name: 'r1' } } },
  ])
  t.equal(streaks.length, 1)
  t.match(
    scheduleStreaks(runs, () => newYear - 2 * minute),
    [{ refusals: 1, until: newYear + 4 * minute }],
  )
  t.same(
    scheduleStreaks(runs, () => newYear),
    [],
  )
})

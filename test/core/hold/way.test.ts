import t from 'tap'
import { wayOf } from '../../../src/core/hold/way.ts'
import { aPlannedAction, type ActionGiven } from '../../support/build.ts'

const way = (actions: readonly ActionGiven[], madeBySchedule = false) =>
  wayOf(
    actions.map((one) => aPlannedAction(one)),
    madeBySchedule,
  )

for (const [name, { actions, schedule = false, want }] of Object.entries<{
  readonly actions: readonly ActionGiven[]
  readonly schedule?: boolean
  readonly want: RegExp | false
}>({
  'nothing to do': { actions: [], schedule: true, want: false },
  'short actions': { actions: [{ name: 'a' }, { name: 'b' }], want: false },
  'as long as an admission request has': {
    actions: [{ timeoutSeconds: 14 }, { timeoutSeconds: 14 }],
    want: false,
  },
  'a second longer': {
    actions: [
      { name: 'a', timeoutSeconds: 14 },
      { name: 'b', timeoutSeconds: 15 },
    ],
    want: /^a, b may take 29 s, an admission request has 28 s$/,
  },
  'made by a Schedule': { actions: [{ name: 'a' }], schedule: true, want: /^a Schedule made it$/ },
  'made by a Schedule, but one says Refuse': {
    actions: [{ name: 'a' }, { name: 'b', mode: 'Refuse' }],
    schedule: true,
    want: false,
  },
  'long, but one says Refuse': {
    actions: [
      { name: 'a', timeoutSeconds: 60 },
      { name: 'b', mode: 'Refuse' },
    ],
    want: false,
  },
  'one says Hold, whatever another says': {
    actions: [
      { name: 'a', mode: 'Refuse' },
      { name: 'b', mode: 'Hold' },
    ],
    want: /^b says mode: Hold$/,
  },
  'one exports outputs, although another says Refuse': {
    actions: [
      { name: 'a', mode: 'Refuse' },
      { name: 'b', outputs: [{ name: 'lsn', expression: 'response.body', export: true }] },
    ],
    want: /^b exports outputs$/,
  },
  'one has outputs for the actions after it alone': {
    actions: [{ name: 'a', outputs: [{ name: 'lsn', expression: 'response.body', export: false }] }],
    want: false,
  },
  'what is only tried out asks for nothing': {
    actions: [{ name: 'a', mode: 'Hold', dryRun: true }],
    schedule: true,
    want: false,
  },
}))
  t.test(`held or not: ${name}`, async (t) => {
    const found = way(actions, schedule)
    if (want === false) t.same(found, { hold: false })
    else t.match(found, { hold: true, why: want })
  })

t.test('what is skipped asks for nothing', async (t) => {
  const skipped = { ...aPlannedAction({ mode: 'Hold' }), skip: 'skipped by ann' }
  t.same(wayOf([skipped], true), { hold: false })
})

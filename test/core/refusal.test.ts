import t from 'tap'
import {
  actionRefusal,
  breakGlass,
  passedOverWarning,
  cooldownRefusal,
  heldRefusal,
  refusal,
  spell,
  unadoptedWarning,
} from '../../src/core/refusal.ts'
import type { ActionRun } from '../../src/api/action-run.ts'
import { aPlannedAction, aRow, aRun } from '../support/build.ts'

const subject = { kind: 'Backup', namespace: 'velero', name: 'b1' } as const
const row = aRow({
  name: '10-quiesce-shop',
  phase: 'Failed',
  attempts: 2,
  startTimestamp: '2026-01-01T00:00:00.000Z',
  completionTimestamp: '2026-01-01T00:00:01.400Z',
  message: 'POST https://quiesce.shop/freeze answered 503 "replica lag 40 s"',
})

t.test(
  'a refusal names the action, what it got, after how long and how often, and what to do next',
  async (t) => {
    t.equal(
      actionRefusal(subject, aRun(), row),
      'tidewaiter refused Backup velero/b1: PreBackup action "10-quiesce-shop" failed after 2 attempts in 1.4 s: ' +
        'POST https://quiesce.shop/freeze answered 503 "replica lag 40 s". The Backup was not created. Fix the cause or skip it ' +
        'with the annotation 10-quiesce-shop/prebackup=skip (needs the verb skip on actions). Run: b1-1a2b3c4d-prebackup',
    )
    const bare = actionRefusal(subject, aRun(), aRow({ name: 'a', attempts: 1 }))
    t.match(bare, /after 1 attempt in 0 ms: no answer/)
  },
)

t.test('a refusal names what earlier actions did, for nobody takes it back', async (t) => {
  const actions = [
    aPlannedAction({ name: '05-try', dryRun: true }),
    aPlannedAction({ name: '10-freeze' }),
    aPlannedAction({ name: '15-notify' }),
    aPlannedAction({ name: '20-check' }),
  ]
  const failed = aRow({ name: '20-check', phase: 'Failed', attempts: 1, message: 'it said no' })
  const done = ['05-try', '10-freeze', '15-notify'].map((name) => aRow({ name, phase: 'Succeeded' }))
  const said = actionRefusal(subject, aRun({ actions, status: { actions: [...done, failed] } }), failed)
  t.match(said, /was not created\. Done before it, and not undone: "10-freeze", "15-notify"\. Fix the cause/)
})

t.test('durations are spelled for people', async (t) => {
  const spelled = {
    0: '0 ms',
    250: '250 ms',
    999.4: '999 ms',
    1400: '1.4 s',
    20_000: '20 s',
    119_999: '120 s',
    125_000: '2 min 5 s',
  }
  for (const [ms, want] of Object.entries(spelled)) t.equal(spell(Number(ms)), want)
  t.equal(spell(-5), '0 ms')
})

t.test('other sentences', async (t) => {
  t.equal(
    refusal(subject, 'because', 'Do this'),
    'tidewaiter refused Backup velero/b1: because. The Backup was not created. Do this',
  )
  const cooling = (run: ActionRun, ...older: readonly ActionRun[]) =>
    cooldownRefusal(subject, { until: 0, run, holding: [run, ...older] }, { waitMs: 90_000, schedule: '' })
  t.match(
    cooling(aRun({ status: { message: 'it said no' } }), aRun({ name: 'older' })),
    /for another 90 s.*b1-1a2b3c4d-prebackup: it said no.*: kubectl -n velero delete actionruns b1-1a2b3c4d-prebackup older$/,
  )
  t.match(cooling(aRun()), /an action failed/)
  t.match(
    cooldownRefusal(
      subject,
      { until: 0, run: aRun(), holding: [aRun()] },
      { waitMs: 90_000, schedule: 'nightly' },
    ),
    /so does: tidewaiter cooldowns reset nightly -n velero \(needs the verb release on actionruns\)$/,
  )
  t.match(
    passedOverWarning('PreBackup', row, 'dryRun'),
    /"10-quiesce-shop" failed and was passed over \(dryRun\)/,
  )
  t.match(passedOverWarning('PreBackup', aRow(), 'onError: Continue'), /onError: Continue\): $/)
  t.match(unadoptedWarning('velero', ['a', 'b']), /\(tidewaiter actions adopt -n velero --all\): a, b$/)
  t.match(breakGlass('velero'), /kubectl label namespace velero tidewaiter.io\/gate=off/)
})

t.test('a hold that lasted for too long is named, also where an action was cut short by that', async (t) => {
  const said = 'it was held for longer than a hold may last (--hold-max-seconds)'
  const cut = aRun({
    held: true,
    status: { phase: 'Refused', reason: 'HeldTooLong', message: 'POST: no answer' },
  })
  t.match(
    heldRefusal(subject, cut),
    `velero/b1: ${said}, and its PreBackup actions did not end: POST: no answer. The Backup was not started.`,
  )
  const before = aRun({ held: true, status: { phase: 'Refused', reason: 'HeldTooLong', message: said } })
  t.match(heldRefusal(subject, before), `velero/b1: its PreBackup actions did not end: ${said}. The Backup`)
})

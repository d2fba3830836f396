/** `cooldowns` against an API server with the guard: which Schedules wait, and who may end that. */
import t, { type Test } from 'tap'
import { guardOf } from '../../src/core/guard.ts'
import { aPlannedAction, aRunObject } from '../support/build.ts'
import { cli, type CliSetting } from '../support/cli.ts'
import { eventually } from '../support/asking.ts'
import { madeAt, standingAt, startKept } from '../support/kept-cluster.ts'

const velero = 'system:serviceaccount:velero:velero'
const minute = 60_000
const iso = (ms: number) => new Date(ms).toISOString()

/** A Backup of a Schedule that was refused so many minutes before now. */
const refused = (schedule: string, minutesAgo: number, requestedBy = velero) =>
  aRunObject({
    name: `${schedule}-${minutesAgo}-prebackup`,
    uid: `uid-${schedule}-${minutesAgo}`,
    scheduleName: schedule,
    requestedBy,
    actions: [aPlannedAction({ name: '10-freeze' })],
    status: {
      phase: 'Refused',
      reason: 'ActionFailed',
      message: 'action "10-freeze" failed: it answered 503\u001b[2J',
      completionTimestamp: iso(madeAt - minutesAgo * minute),
    },
  })
const schedule = (name: string, annotations: Readonly<Record<string, string>> = {}) => ({
  apiVersion: 'velero.io/v1',
  kind: 'Schedule',
  metadata: { name, namespace: 'velero', annotations },
  spec: { schedule: '0 3 * * *', template: {} },
})
const objects = [
  ...['nightly', 'hourly', 'weekly', 'by-hand'].map((name) => schedule(name)),
  schedule('ended', { 'tidewaiter.io/cooldown-reset': iso(madeAt - minute) }),
  refused('nightly', 1),
  refused('nightly', 10),
  refused('hourly', 2),
  refused('weekly', 6),
  refused('ended', 1),
  refused('deleted', 1),
  refused('by-hand', 1, 'mallory'),
  ...guardOf({ name: 'tidewaiter', namespaces: ['velero'], accounts: [velero] }),
]

async function world(t: Test) {
  const kept = await startKept(t, objects)
  const run = (args: readonly string[], user = 'admin', setting: CliSetting = {}) =>
    cli(['cooldowns', ...args, '--kubeconfig', kept.kubeconfig(user)], {
      clock: standingAt(madeAt),
      ...setting,
    })
  return { ...kept, run }
}

t.test('those that wait are listed, the longest first, safe on any terminal', async (t) => {
  const { run } = await world(t)
  const { out, code } = await run(['list', '-o', 'wide'])
  t.equal(code, 0)
  const [head, ...rows] = out.trimEnd().split('\n')
  t.match(head, /^SCHEDULE +REFUSALS +WAITS +RUN +UNTIL +MESSAGE$/)
  t.match(rows, [
    /^nightly +2 +9m +nightly-1-prebackup +2026-01-31T03:09:00.000Z +action "10-freeze" failed/,
    /^hourly +1 +3m +hourly-2-prebackup /,
  ])
  t.equal(rows.length, 2)
  t.notMatch(out, '\u001b')
  t.equal((await run(['list', '-o', 'name'])).out, 'schedule.velero.io/nightly\nschedule.velero.io/hourly\n')
  t.match(JSON.parse((await run(['list', '-o', 'json'])).out), [
    { schedule: 'nightly', namespace: 'velero', refusals: 2, until: '2026-01-31T03:09:00.000Z' },
    { schedule: 'hourly' },
  ])
  t.match((await run(['list', '-o', 'yaml'])).out, /^- schedule: nightly/)
})

t.test('a reset ends the wait and keeps the records', async (t) => {
  const { run, api } = await world(t)
  t.same(await run(['reset', 'nightly', 'weekly']), {
    out: 'Schedule nightly waits no more for what was refused until 2026-01-31T02:59:00.000Z\nSchedule weekly does not wait\n',
    err: '',
    code: 0,
  })
  t.match((await run(['list'])).out, /^SCHEDULE.*\nhourly/)
  t.ok(api.read('tidewaiter.io/actionruns', 'velero', 'nightly-1-prebackup'))
  t.match(await run(['reset', '--all']), { out: /^Schedule hourly waits no more/, code: 0 })
  t.match(await run(['list']), { out: '', err: 'No Schedule waits in namespace velero (-n).\n', code: 0 })
  t.match(await run(['reset', '--all']), { out: '', err: /^No Schedule waits/, code: 0 })
})

t.test('who does not hold the verb release is refused by the guard, and told so', async (t) => {
  const { run, api } = await world(t)
  const said = await eventually('the policies to be in force', async () => {
    const found = await run(['reset', 'nightly'], 'alice')
    return found.code === 1 ? found : undefined
  })
  t.match(said.err, /the wait of Schedule nightly was not ended: .*verb release on actionruns/s)
  t.match((await run(['list'], 'alice')).out, /nightly/)
  t.notMatch(api.read('velero.io/schedules', 'velero', 'nightly'), {
    metadata: { annotations: { 'tidewaiter.io/cooldown-reset': String } },
  })
})

t.test('a Schedule that is not there is told, and the others are done', async (t) => {
  const { run } = await world(t)
  t.match(await run(['reset', 'none', 'hourly']), {
    out: /^Schedule hourly/,
    err: 'tidewaiter: there is no Schedule none in namespace velero (-n)\n',
    code: 1,
  })
})

t.test('a command line that cannot be understood is told whole', async (t) => {
  const usage = async (...args: readonly string[]) => {
    const { err, code } = await cli(['cooldowns', ...args])
    t.equal(code, 2)
    return err
  }
  t.match(await usage('reset'), 'reset wants the names of Schedules, or --all, got neither')
  t.match(await usage('reset', 'a', '--all'), 'got both')
  t.match(await usage('reset', 'a', '--al'), '--al is no option of cooldowns reset: did you mean --all?')
  t.match(await usage('list', 'a', '-o', 'x'), /takes options only, got the word "a"\n.*-o must be table/s)
})

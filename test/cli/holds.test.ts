/** `holds` against an API server with the guard in force: the same code answers as of a real cluster. */
import t, { type Test } from 'tap'
import { guardOf } from '../../src/core/guard.ts'
import { callerOf, pathOf } from '../support/asking.ts'
import { aBackup, aPlannedAction, aRestore, aRow, aRunObject, type VeleroGiven } from '../support/build.ts'
import { cli, golden, type CliSetting } from '../support/cli.ts'
import { after, madeAt, standingAt, startKept } from '../support/kept-cluster.ts'

const hostile = '\u001b[2J\u001b]0;owned\u0007\u202etxt.exe\nforged line'
const hold = { 'tidewaiter.io/hold': 'pre-actions' }
const uidOf = (n: number) => `${n}a2b3c4d-0000-4000-8000-00000000000${n}`

const freeze = aPlannedAction({ name: '10-freeze', mode: 'Hold' })
const drain = aPlannedAction({ name: '20-drain', timeoutSeconds: 600 })
const quick = aPlannedAction({ name: '30-quick' })

/** A held Backup made so many seconds after everything, with its run. */
function held(n: number, name: string, given: VeleroGiven & { readonly run?: object } = {}) {
  const { run = {}, ...rest } = given
  const creationTimestamp = after(n * 1000)
  const object = aBackup({ name, uid: uidOf(n), creationTimestamp, phase: 'New', annotations: hold, ...rest })
  const record = aRunObject({
    name: `${name}-${uidOf(n).slice(0, 8)}-prebackup`,
    creationTimestamp,
    objectRef: { kind: 'Backup', name, uid: uidOf(n) },
    labels: { 'tidewaiter.io/object-uid': uidOf(n), 'tidewaiter.io/stage': 'PreBackup' },
    held: true,
    holdMaxSeconds: 3600,
    actions: [freeze],
    ...run,
  })
  return [object, record]
}

const rowsOf = (...rows: readonly object[]) => rows.map((row) => aRow(row))
const objects = [
  aBackup({
    name: 'b0',
    uid: uidOf(9),
    creationTimestamp: after(0),
    phase: 'InProgress',
    status: { startTimestamp: after(0) },
  }),
  ...held(1, 'runs', {
    run: {
      actions: [freeze, drain],
      status: {
        phase: 'Running',
        startTimestamp: after(100_000),
        actions: rowsOf(
          { name: '10-freeze', phase: 'Succeeded', attempts: 1 },
          { name: '20-drain', phase: 'Running', attempts: 1, startTimestamp: after(297_000) },
        ),
      },
    },
  }),
  ...held(2, 'key', {
    run: {
      status: {
        startTimestamp: after(100_000),
        actions: rowsOf({
          name: '10-freeze',
          completionTimestamp: after(290_000),
          message: `waits: the exclusive key "shop" is taken by Backup velero/b0 ${hostile}`,
        }),
      },
    },
  }),
  ...held(3, 'waits', { run: { actions: [drain, quick] } }),
  ...held(4, 'by-schedule', { schedule: 'nightly', run: { actions: [quick], scheduleName: 'nightly' } }),
  ...held(5, 'aborted', { annotations: { ...hold, 'tidewaiter.io/abort': `ann: ${hostile}` } }),
  ...held(6, 'done', {
    run: { status: { phase: 'Succeeded', startTimestamp: after(1), completionTimestamp: after(2) } },
  }),
  held(7, 'no-run')[0],
  aBackup({ name: 'free', uid: uidOf(8), creationTimestamp: after(0), phase: 'Completed' }),
  aRestore({ name: 'r1', creationTimestamp: after(200_000), phase: 'New', annotations: hold }),
]

/** Commands at five minutes after everything was made. */
async function start(t: Test) {
  const guard = guardOf({ name: 'tidewaiter', namespaces: ['velero'], accounts: [] })
  const kept = await startKept(t, [...objects, ...guard])
  const call = callerOf(t, kept.api)
  const ask = (line: string, more: CliSetting & { readonly as?: string } = {}) =>
    cli([...line.split(' '), '--kubeconfig', kept.kubeconfig(more.as)], {
      clock: standingAt(madeAt + 300_000),
      env: { LANG: 'en_US.UTF-8' },
      ...more,
    })
  return { ...kept, ask, call }
}

t.test('what holds list prints, piped and on terminals', async (t) => {
  const { ask } = await start(t)
  for (const [name, [line, given]] of Object.entries<readonly [string, CliSetting?]>({
    'holds-list': ['holds list'],
    'holds-list-wide': ['holds list -A -o wide'],
    'holds-list-json': ['holds list -o json'],
    'holds-list-name': ['holds list -o name'],
    'holds-list-40': ['holds list', { columns: 40, env: { LANG: 'C.UTF-8', NO_COLOR: '1' } }],
  })) {
    const { out, err, code } = await ask(line, given)
    t.same({ err, code }, { err: '', code: 0 }, name)
    t.notMatch(out, /(?!\n)[\p{Cc}\u202e]/u)
    golden(t, name, out)
  }
  t.match(await ask('holds list -n empty'), { out: '', err: /^Nothing is held in namespace empty/, code: 0 })
})

const annotationsOf = async (ask: Awaited<ReturnType<typeof start>>, name: string) =>
  (await ask.call('GET', pathOf('backups', name))).body.metadata.annotations ?? {}

t.test('release takes the hold off, and says what does not run', async (t) => {
  const kept = await start(t)
  t.match(await kept.ask('holds release runs --yes'), {
    out: 'Backup velero/runs is released: Velero starts it without 20-drain\n',
    err: /is held since 4m59s \(run runs-.*\)\.\nDone: 10-freeze\.\nRunning: 20-drain\.\n/,
    code: 0,
  })
  t.same(await annotationsOf(kept, 'runs'), {})
  t.match(await kept.ask('holds release r1 --kind restore --yes'), {
    out: 'Restore velero/r1 is released: Velero starts it without any action\n',
    code: 0,
  })
})

t.test('at a terminal it asks, and takes only yes for yes', async (t) => {
  const kept = await start(t)
  const asked = (answer: string) => kept.ask('holds release waits', { terminals: ['stdin'], answer })
  for (const answer of ['', 'n', 'yess'])
    t.match(await asked(answer), {
      out: '',
      err: /Let Velero start Backup velero\/waits without 20-drain, 30-quick\? \[y\/N\] .*nothing was done: .* stays held/,
      code: 1,
    })
  t.same(await annotationsOf(kept, 'waits'), hold)
  t.match(await asked('yes'), { code: 0 })
  t.match(await kept.ask('holds release key'), { out: '', code: 2, err: /--yes must be given where nobody/ })
  t.same(await annotationsOf(kept, 'key'), hold)
})

t.test('what changed between the look and the patch is looked at again', async (t) => {
  const kept = await start(t)
  const type = 'application/merge-patch+json'
  let times = 0
  const answer = async () => {
    times += 1
    const body = { metadata: { annotations: { note: String(times) } } }
    if (times < 3) await kept.call('PATCH', pathOf('backups', 'waits'), { body, type })
    return 'y'
  }
  const said = await kept.ask('holds release waits', { terminals: ['stdin'], answer })
  t.match(said, { code: 0, err: /It changed meanwhile: looked at again/ })
  t.equal(times, 3, 'and asked again')
  const gone = async () => {
    await kept.call('DELETE', pathOf('backups', 'key'))
    return 'y'
  }
  t.match(await kept.ask('holds abort key', { terminals: ['stdin'], answer: gone }), {
    out: '',
    code: 1,
    err: /there is no Backup velero\/key; `holds list`/,
  })
  const replaced = async () => {
    await kept.call('DELETE', pathOf('backups', 'done'))
    kept.api.seed([aBackup({ name: 'done', uid: uidOf(1), phase: 'New', annotations: hold })])
    return 'y'
  }
  t.match(await kept.ask('holds release done', { terminals: ['stdin'], answer: replaced }), {
    out: '',
    code: 1,
    err: /Backup velero\/done is another one by now/,
  })
})

t.test('what is not held is refused, and where to look is said', async (t) => {
  const { ask } = await start(t)
  for (const [line, err] of Object.entries({
    'holds release free --yes': /Backup velero\/free is not held: its phase is Completed; `holds list`/,
    'holds abort zz --yes': /there is no Backup velero\/zz; `holds list` says what is held/,
    'holds release r1 --yes': /there is no Backup velero\/r1, but a Restore of that name: --kind restore/,
  }))
    t.match(await ask(line), { out: '', err, code: 1 })
})

t.test('abort writes who and why; the hold stands until the leader has failed it', async (t) => {
  const kept = await start(t)
  t.match(await kept.ask('holds abort waits --yes'), {
    out: /^Backup velero\/waits is being aborted: the leader ends it as FailedValidation; `runs show waits-/,
    code: 0,
  })
  t.same(await annotationsOf(kept, 'waits'), { ...hold, 'tidewaiter.io/abort': 'admin' })
  const args = ['holds', 'abort', 'key', '--yes', '--reason', 'wrong\n  cluster']
  t.match(await cli([...args, '--kubeconfig', kept.kubeconfig()]), { code: 0 })
  t.same(await annotationsOf(kept, 'key'), { ...hold, 'tidewaiter.io/abort': 'admin: wrong cluster' })
})

t.test('the guard lets nobody else write what ends a hold', async (t) => {
  const kept = await start(t)
  const write = (annotations: object, as: string) =>
    kept.call('PATCH', pathOf('backups', 'waits'), {
      body: { metadata: { annotations } },
      as,
      type: 'application/merge-patch+json',
    })
  for (const annotations of [{ 'tidewaiter.io/abort': 'ann' }, { 'tidewaiter.io/hold': null }])
    t.match(await write(annotations, 'alice'), {
      status: 403,
      body: { message: /written by tidewaiter only/ },
    })
  t.match(await write({ 'tidewaiter.io/abort': 'ann' }, 'admin'), { status: 200 })
})

t.test('who may not lift a hold is told which right is missing and who can give it', async (t) => {
  const kept = await start(t)
  for (const verb of ['release', 'abort']) {
    const said = await kept.ask(`holds ${verb} waits --yes`, { as: 'alice' })
    t.match(said, { out: '', code: 4 })
    t.match(
      said.err,
      /alice must hold the verb release on actionruns \(tidewaiter.io\), and does not\. Who administers/,
    )
    t.notMatch(said.err, /is held since/, 'before anything is asked')
  }
  t.same(await annotationsOf(kept, 'waits'), hold)
  t.match(await kept.ask('holds list', { as: 'alice' }), { code: 0, out: /waits for its turn/ })
  t.match(
    (await kept.ask('holds list', { as: 'alice' })).err,
    /assumes that Velero works on one Backup at a time/,
  )
})

for (const [line, want] of Object.entries({
  'holds release': /release wants the name of a Backup or Restore, got nothing/,
  'holds abort ../x --yes': /abort wants the name of a Backup or Restore, got "\.\.\/x"/,
  'holds release a --kind schedule --yes': /--kind must be backup or restore, got "schedule"/,
  'holds release a b --yes': /holds release takes one word, got the word "b"/,
  'holds list b1': /holds list takes options only, got the word "b1"/,
  'holds list -o csv': /-o must be table, wide, json, yaml or name, got "csv"/,
}))
  t.test(`a command line that cannot be meant is usage: ${line}`, async (t) => {
    const { out, err, code } = await cli(line.split(' '))
    t.same({ out, code }, { out: '', code: 2 })
    t.match(err, want)
  })

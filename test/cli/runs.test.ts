/** `runs` and `actions` against an API server: the same code answers as of a real cluster. Their outputs are golden files. */
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import type { RunGiven } from '../support/build.ts'
import { anHttp, aPlannedAction, aRow, aRunObject, anActionObject } from '../support/build.ts'
import { callerOf } from '../support/asking.ts'
import { cli, golden, type CliSetting } from '../support/cli.ts'
import { after, madeAt, standingAt, startKept } from '../support/kept-cluster.ts'

const hostile = '\u001b[2J\u001b]0;owned\u0007\u009b31m\u202etxt.exe\nforged line'

const freeze = aPlannedAction({ name: '10-freeze-shop', timeoutSeconds: 20 })
const check = aPlannedAction({ name: '20-check-lag', timeoutSeconds: 5 })
const resume = aPlannedAction({ name: '90-resume-shop', stage: 'PostBackup', timeoutSeconds: 30 })

const refused: RunGiven = {
  name: 'nightly-20260131030000-1a2b3c4d-prebackup',
  objectRef: { kind: 'Backup', name: 'nightly-20260131030000', uid: '1a2b3c4d-0000-4000-8000-000000000001' },
  actions: [freeze, check, aPlannedAction({ name: '30-tag' })],
  requestedBy: 'system:serviceaccount:velero:velero',
  scheduleName: 'nightly',
  status: {
    phase: 'Refused',
    reason: 'ActionFailed',
    owner: 'tidewaiter-7d9f-1a2b3c4d',
    message: 'action "20-check-lag" failed: POST https://shop.example/lag answered 503 "replica lag 40 s"',
    startTimestamp: after(1_000),
    completionTimestamp: after(9_400),
    deadline: after(29_500),
    actions: [
      aRow({
        name: '10-freeze-shop',
        phase: 'Succeeded',
        attempts: 1,
        startTimestamp: after(1_000),
        completionTimestamp: after(5_200),
        message: 'POST https://quiesce.example/freeze answered 200 {"lsn":"0/16B3748"}',
        request: 'POST https://quiesce.example/freeze\nAuthorization: ***\n\n{"backup":"nightly"}',
        outputs: { lsn: '0/16B3748' },
      }),
      aRow({
        name: '20-check-lag',
        phase: 'Failed',
        attempts: 3,
        startTimestamp: after(5_200),
        completionTimestamp: after(9_400),
        message: `POST https://shop.example/lag answered 503 "replica lag 40 s" ${hostile}`,
      }),
      aRow({ name: '30-tag', phase: 'Skipped', message: 'an action before it ended the stage' }),
    ],
  },
}
const succeeded: RunGiven = {
  name: 'b1-1a2b3c4d-postbackup',
  stage: 'PostBackup',
  actions: [resume],
  status: {
    phase: 'Succeeded',
    endedAs: 'Completed',
    startTimestamp: after(60_000),
    completionTimestamp: after(60_120),
    actions: [
      aRow({
        name: '90-resume-shop',
        phase: 'Succeeded',
        attempts: 1,
        startTimestamp: after(60_000),
        completionTimestamp: after(60_120),
        message: 'POST https://quiesce.example/resume answered 204',
      }),
    ],
  },
}
const running: RunGiven = {
  name: 'b2-9e1d7c44-prebackup',
  objectRef: { kind: 'Backup', name: 'b2', uid: '9e1d7c44-0000-4000-8000-000000000003' },
  actions: [freeze],
  status: {
    phase: 'Running',
    owner: 'tidewaiter-7d9f-1a2b3c4d',
    startTimestamp: after(298_000),
    deadline: after(326_500),
    actions: [
      aRow({ name: '10-freeze-shop', phase: 'Running', attempts: 1, startTimestamp: after(298_000) }),
    ],
  },
}
const restored: RunGiven = { name: 'r1-5e6f7a8b-prerestore', stage: 'PreRestore', namespace: 'velero' }
const elsewhere: RunGiven = { name: 'b9-1a2b3c4d-prebackup', namespace: 'velero-two' }
/** As another version may have written it: the stored object is no run for this one. */
const unreadable = {
  ...aRunObject({ name: 'b3-00000000-prebackup', creationTimestamp: after(0) }),
  spec: { ...aRunObject().spec, stage: 'MidBackup' },
}

const accepted = (status: 'True' | 'False', reason: string, message: string, generation = 1) => ({
  conditions: [
    {
      type: 'Accepted',
      status,
      reason,
      message,
      observedGeneration: generation,
      lastTransitionTime: after(0),
    },
  ],
})
const actions = [
  anActionObject({
    name: '90-resume-shop',
    stage: 'PostBackup',
    timeoutSeconds: 30,
    status: accepted('True', 'Accepted', 'it runs where it matches'),
  }),
  anActionObject({
    name: '20-check-lag',
    timeoutSeconds: 5,
    status: accepted('True', 'Accepted', 'it runs where it matches'),
  }),
  anActionObject({
    name: '10-freeze-shop',
    timeoutSeconds: 20,
    status: accepted('True', 'Accepted', 'it runs where it matches'),
  }),
  anActionObject({
    name: '15-later',
    suspend: true,
    status: accepted('False', 'Suspended', 'spec.suspend is true'),
  }),
  anActionObject({ name: '16-restored', status: accepted('False', 'Unadopted', `adopt it ${hostile}`) }),
  anActionObject({ name: '17-new', generation: 4, status: accepted('True', 'Accepted', 'of before', 3) }),
]

const runs = [...[refused, succeeded, running, restored, elsewhere].map(aRunObject), unreadable]

const waiting =
  '1 Action is not run until somebody adopts it: tidewaiter actions adopt -n velero 16-restored\n'

/** Commands at five minutes after everything was made. */
async function start(t: Test, objects: readonly unknown[] = [...runs, ...actions]) {
  const kept = await startKept(t, objects)
  const ask = (line: string, given: CliSetting & { readonly as?: string } = {}) =>
    cli([...line.split(' '), '--kubeconfig', kept.kubeconfig(given.as)], {
      clock: standingAt(madeAt + 300_000),
      env: { LANG: 'en_US.UTF-8' },
      ...given,
    })
  return { ...kept, ask }
}

t.test('what runs and actions print, piped and on terminals of all widths', async (t) => {
  const { ask } = await start(t)
  const nightly = 'runs show nightly-20260131030000-1a2b3c4d-prebackup'
  const shown: Readonly<Record<string, readonly [string, CliSetting?]>> = {
    'runs-list': ['runs list'],
    'runs-list-wide': ['runs list -o wide'],
    'runs-list-name': ['runs list -o name'],
    'runs-list-40': ['runs list', { columns: 40, env: { LANG: 'C.UTF-8', NO_COLOR: '1' } }],
    'runs-list-40-all': ['runs list -A -o wide', { columns: 40, env: { LANG: 'C', NO_COLOR: '1' } }],
    'runs-list-colour': ['runs list', { columns: 100 }],
    'runs-show': [nightly],
    'runs-show-wide': [`${nightly} -o wide`],
    'runs-show-ascii': [nightly, { env: { LANG: 'POSIX' } }],
    'runs-show-40': [nightly, { columns: 40, env: { LANG: 'C.UTF-8', NO_COLOR: '1' } }],
    'runs-show-post': ['runs show b1-1a2b3c4d-postbackup'],
    'runs-show-running': ['runs show b2-9e1d7c44-prebackup'],
    'runs-show-unreadable': ['runs show b3-00000000-prebackup'],
    'runs-show-pending': ['runs show r1-5e6f7a8b-prerestore'],
    'actions-list': ['actions list'],
    'actions-list-wide': ['actions list -o wide'],
    'actions-list-json': ['actions list -o json'],
    'actions-list-40': ['actions list', { columns: 40, env: { LANG: 'C.UTF-8', NO_COLOR: '1' } }],
  }
  for (const [name, [line, given]] of Object.entries(shown)) {
    const { out, err, code } = await ask(line, given)
    const isTable = line.startsWith('actions list') && !line.endsWith('json')
    t.same({ err, code }, { err: isTable ? waiting : '', code: 0 }, name)
    golden(t, name, out)
  }
})

const thaw = { http: anHttp({ url: 'https://quiesce.example/thaw' }) }
const condition = (type: string, message: string) => ({
  type,
  status: 'True' as const,
  reason: 'Because',
  message,
  lastTransitionTime: after(250_000),
})
const held = { held: true, holdMaxSeconds: 3600, creationTimestamp: after(0) }
const undone: RunGiven = {
  ...held,
  name: 'b5-1a2b3c4d-prebackup',
  actions: [
    aPlannedAction({ name: '10-freeze', undo: thaw, exclusive: 'shop' }),
    aPlannedAction({ name: '20-lock', undo: thaw }),
    aPlannedAction({ name: '30-check', undo: thaw }),
  ],
  status: {
    phase: 'Undoing',
    undoneFrom: 'Refused',
    reason: 'ActionFailed',
    message: 'POST https://shop.example/check could not be reached',
    startTimestamp: after(231_000),
    completionTimestamp: after(243_000),
    deadline: after(290_000),
    actions: [
      aRow({
        name: '10-freeze',
        phase: 'Succeeded',
        attempts: 1,
        startTimestamp: after(231_000),
        completionTimestamp: after(233_000),
        undo: {
          phase: 'Stuck',
          attempts: 8,
          lastTimestamp: after(280_000),
          message: `POST https://quiesce.example/thaw answered 500 "${hostile}"`,
        },
      }),
      aRow({
        name: '20-lock',
        phase: 'Succeeded',
        attempts: 1,
        startTimestamp: after(233_000),
        completionTimestamp: after(235_000),
        undo: {
          phase: 'Undone',
          attempts: 1,
          lastTimestamp: after(244_000),
          message: 'POST https://quiesce.example/thaw answered 204',
          request: 'POST https://quiesce.example/thaw\nAuthorization: ***',
        },
      }),
      aRow({
        name: '30-check',
        phase: 'Failed',
        attempts: 1,
        startTimestamp: after(235_000),
        completionTimestamp: after(243_000),
        message: 'POST https://shop.example/check could not be reached',
        noEffect: true,
      }),
    ],
    conditions: [condition('UndoStuck', `an undo fails for long ${hostile}`)],
  },
}
const thawed: RunGiven = {
  name: 'b6-1a2b3c4d-prebackup',
  actions: [aPlannedAction({ name: '10-freeze', undo: thaw, undoAt: 'Always' })],
  status: {
    phase: 'Undone',
    undoneFrom: 'Succeeded',
    reason: 'Done',
    startTimestamp: after(1_000),
    completionTimestamp: after(2_000),
    // That of the undo: its admission was over long before.
    deadline: after(110_000),
    actions: [
      aRow({
        name: '10-freeze',
        phase: 'Succeeded',
        attempts: 1,
        startTimestamp: after(1_000),
        completionTimestamp: after(2_000),
        undo: { phase: 'Undone', attempts: 2, lastTimestamp: after(100_000) },
      }),
    ],
    conditions: [
      condition('Started', 'Velero began with the Backup'),
      { ...condition('Unguarded', 'nobody knows'), status: 'Unknown' },
    ],
  },
}
const heldNow: RunGiven = { ...held, name: 'b7-1a2b3c4d-prebackup' }
const orphan: RunGiven = {
  name: 'b8-1a2b3c4d-prebackup',
  status: { phase: 'Succeeded', conditions: [condition('Orphaned', 'the Backup never came to be')] },
}

t.test('what runs tell of holds, of undo and of what came to be known later', async (t) => {
  const { ask } = await start(t, [undone, thawed, heldNow, orphan].map(aRunObject))
  for (const [name, [line, given]] of Object.entries<readonly [string, CliSetting?]>({
    'runs-list-undo': ['runs list -o wide'],
    'runs-show-undo': [`runs show ${undone.name} -o wide`],
    'runs-show-undo-40': [
      `runs show ${undone.name}`,
      { columns: 40, env: { LANG: 'C.UTF-8', NO_COLOR: '1' } },
    ],
    'runs-show-thawed': [`runs show ${thawed.name}`],
    'runs-show-held': [`runs show ${heldNow.name}`],
    'runs-show-orphan': [`runs show ${orphan.name}`],
  })) {
    const { out, err, code } = await ask(line, given)
    t.same({ err, code }, { err: '', code: 0 }, name)
    t.notMatch(out, /(?!\n)[\p{Cc}\u202e]/u)
    golden(t, name, out)
  }
  const coloured = (await ask('runs list', { columns: 200 })).out
  t.match(coloured, '\u001b[31mUndoing (stuck)\u001b[39m', 'a stuck undo is bad')
  t.match(coloured, '\u001b[32mUndone\u001b[39m', 'what succeeded and was undone as wanted is good')
  t.match(
    (await ask('runs list --phase undoing -o name')).out,
    undone.name,
    'the phase is asked for without it',
  )
})

t.test('filters hold together, and name the runs that they mean', async (t) => {
  const { ask } = await start(t)
  const names = async (filter: string) =>
    (await ask(`runs list ${filter} --no-headers -o name`)).out.split('\n')
  const of = (...all: readonly string[]) => [...all.map((name) => `actionrun.tidewaiter.io/${name}`), '']
  t.same(await names('--backup b1'), of('b1-1a2b3c4d-postbackup'))
  t.same(await names('--backup b'), of())
  t.same(await names('--restore r1'), of('r1-5e6f7a8b-prerestore'))
  t.same(await names('--stage postbackup'), of('b1-1a2b3c4d-postbackup'))
  t.same(await names('--phase Unreadable'), [''], 'no phase of a run')
  t.same(await names('--phase running'), of('b2-9e1d7c44-prebackup'))
  t.same(await names('--since 4m30s'), [''], 'no such time')
  t.same(await names('--since 250s'), of('b2-9e1d7c44-prebackup', 'b1-1a2b3c4d-postbackup'))
  t.same(await names('--since 2026-01-31T03:04:00Z'), of('b2-9e1d7c44-prebackup'))
  t.same(await names('--since 250s --stage PreBackup'), of('b2-9e1d7c44-prebackup'))
  t.same(await names('--since 250s --limit 1'), of('b2-9e1d7c44-prebackup'), 'the newest')
  t.same(await names('-n velero-two'), of('b9-1a2b3c4d-prebackup'))
  t.equal((await names('-A')).length, 7)
})

for (const [line, want] of Object.entries({
  'runs list --stage MidBackup': /--stage must be one of PreBackup, .*, got "MidBackup"/,
  'runs list --stage PostBackups': /got "PostBackups": did you mean PostBackup\?/,
  'runs list --phase Unreadable': /--phase must be one of Pending, .*, got "Unreadable"/,
  'runs list --since yesterday': /--since must be how long ago \(90s.*, got "yesterday"/,
  'runs list --backup a --restore b': /--backup and --restore exclude each other/,
  'runs list --limit 0': /--limit must be a whole number from 1, got "0"/,
  'runs list -o csv': /-o must be table, wide, json, yaml or name, got "csv"/,
  'runs list b1': /runs list takes options only, got the word "b1"/,
  'runs list --stages PreBackup': /--stages is no option of runs list: did you mean --stage\?/,
  'runs show': /show wants the name of a run, got nothing/,
  'runs show ../../nodes': /show wants the name of a run, got "\.\.\/\.\.\/nodes"/,
  'runs show a b': /runs show takes one word, got the word "b"/,
  'actions list --output': /--output wants format, got nothing/,
}))
  t.test(`a command line that cannot be meant is usage: ${line}`, async (t) => {
    const { out, err, code } = await cli(line.split(' '))
    t.same({ out, code }, { out: '', code: 2 })
    t.match(err, want)
    const command = line.split(' ').slice(0, 2).join(' ')
    t.match(err, `Run \`tidewaiter ${command} --help\` for what there is.\n`)
    const asPlugin = await cli(line.split(' '), { calledAs: 'kubectl tidewaiter' })
    t.match(asPlugin.err, `Run \`kubectl tidewaiter ${command} --help\``)
  })

t.test('a group of commands without one of them shows its help, and is usage', async (t) => {
  t.match(await cli(['runs']), { out: '', err: /Usage: tidewaiter runs .*list .*show /s, code: 2 })
  t.match(await cli(['runs', '--help']), { out: /Usage: tidewaiter runs /, err: '', code: 0 })
  t.match(await cli(['runs', 'lst']), { err: /lst is no command: did you mean list\?/, code: 2 })
  t.match(await cli(['runs', 'show', '-h'], { calledAs: 'kubectl tidewaiter' }), {
    out: /^Usage: kubectl tidewaiter runs show /,
  })
})

t.test('what is not there is said, and where to look: not an error for lists', async (t) => {
  const { ask } = await start(t)
  t.match(await ask('runs list -n empty'), {
    out: '',
    err: /^No runs in namespace empty \(-n, -A\)/,
    code: 0,
  })
  t.match(await ask('runs list --backup zz'), {
    out: '',
    err: /^None of the 5 runs in namespace velero/,
    code: 0,
  })
  t.same(JSON.parse((await ask('runs list -n empty -o json')).out).items, [])
  t.match(await ask('actions list -n empty'), { out: '', err: /^No Actions in namespace empty/, code: 0 })
  t.match(await ask('runs show zz'), {
    out: '',
    err: /there is no ActionRun "zz" in namespace velero; `runs list`/,
    code: 1,
  })
  t.match(await ask('runs show b1'), { err: /the runs of b1 are b1-1a2b3c4d-postbackup\n$/, code: 1 })
})

t.test('objects are printed as kubectl does, and read back the same', async (t) => {
  const { ask } = await start(t)
  const json = JSON.parse((await ask('runs list -o json')).out)
  t.match(json, { apiVersion: 'v1', kind: 'List' })
  t.equal(json.items.length, 5)
  t.ok(json.items[0].spec.object, 'the whole object, with the Backup that it keeps')
  t.same(parse((await ask('runs list -o yaml')).out, { version: '1.1' }), json)
  const one = await ask(`runs show ${refused.name} -o yaml`)
  t.notMatch(one.out, /(?!\n)[\p{Cc}\u202e]/u)
  t.match(parse(one.out), {
    kind: 'ActionRun',
    status: { actions: [{}, { message: /\p{Cc}\[2J/u }, {}] },
  })
  t.notMatch(one.out, 'managedFields')
  t.equal((await ask(`runs show ${refused.name} -o name`)).out, `actionrun.tidewaiter.io/${refused.name}\n`)
})

t.test('nothing that somebody wrote drives the terminal', async (t) => {
  const { ask } = await start(t)
  for (const line of ['runs list -o wide', `runs show ${refused.name} -o wide`, 'actions list -o wide'])
    for (const given of [
      {},
      { columns: 200, env: { NO_COLOR: '1' } },
      { columns: 40, env: { TERM: 'dumb' } },
    ])
      t.notMatch((await ask(line, given)).out, /(?!\n)[\p{Cc}\u202e]/u, `${line} ${JSON.stringify(given)}`)
  t.match((await ask('runs list', { columns: 200 })).out, '\u001b[31mRefused\u001b[39m')
})

t.test('on a terminal no line is longer than it, in a pipe nothing is cut', async (t) => {
  const { ask } = await start(t)
  for (const columns of [40, 60, 80])
    for (const line of [
      'runs list',
      'runs list -A -o wide',
      'actions list -o wide',
      `runs show ${refused.name} -o wide`,
    ]) {
      const { out } = await ask(line, { columns, env: { LANG: 'C.UTF-8', NO_COLOR: '1' } })
      t.same(
        out.split('\n').filter((one) => Array.from(one).length > columns),
        [],
        `${line} at ${columns}`,
      )
    }
  t.notMatch((await ask('runs list -A -o wide')).out, '…')
})

t.test(
  'a cluster that cannot be asked ends with 3; a kubeconfig, rights or kinds that are missing, with 4',
  async (t) => {
    const { ask, api } = await start(t)
    t.match(await cli(['runs', 'list', '--kubeconfig', '/nowhere']), {
      code: 4,
      err: /no file at/,
    })
    t.match(await ask('runs list --context other'), { code: 4, err: /current-context .*got "other"/ })
    const [, context = ''] = /current-context: (\S+)/.exec(api.kubeconfig('admin', 'velero')) ?? []
    t.match(await ask(`runs list --context ${JSON.parse(`"${context}"`)}`), { code: 0, err: '' })
    t.match(await ask('runs list', { as: 'alice' }), { code: 0, err: '' })
    api.addUser({ name: 'mallory', token: 'token-of-mallory' })
    t.match(await ask('runs list', { as: 'mallory' }), {
      out: '',
      code: 4,
      err: /must let this user look, got: .*403/,
    })
    t.match(await ask('actions list', { as: 'mallory' }), { out: '', code: 4 })
    const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
    await callerOf(t, api)('DELETE', `${crds}/actionruns.tidewaiter.io`)
    t.match(await ask('runs list'), {
      out: '',
      code: 4,
      err: /must know the kinds of tidewaiter.*kubectl apply -k deploy\/crds/,
    })
    await api.stop()
    t.match(await ask('runs list'), { out: '', code: 3, err: /must answer, got: .*is the cluster up/ })
  },
)

t.test('who may see Actions but no runs sees Actions', async (t) => {
  const { ask, api } = await start(t)
  const grants = [
    { verbs: ['list'], groups: ['tidewaiter.io'], resources: ['actions'], namespaces: ['velero'] },
  ]
  api.addUser({ name: 'half', token: 'token-of-half', grants })
  const { out, err, code } = await ask('actions list', { as: 'half' })
  t.equal(code, 0)
  t.match(err, /warning: how often they succeed is not known: .*403/)
  t.match(out, /10-freeze-shop +True +- +- +-\n/)
})

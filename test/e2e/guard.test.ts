/**
 * The guard on a real API server, in a namespace of its own where no Velero moves anything: every rule refuses and passes.
 * TIDEWAITER_E2E_KUBECONFIG: an administrator. Users are impersonated; their rights are real.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { guardCanaryMessage, guardCanaryName, guardOf } from '../../src/core/guard.ts'
import { addressOf, must, pathOf, startClient, type Answer } from './guard-client.ts'

type Json = Readonly<Record<string, unknown>>
type User = keyof typeof users

const kubeconfig = process.env['TIDEWAITER_E2E_KUBECONFIG']
if (kubeconfig === undefined) {
  t.skip('TIDEWAITER_E2E_KUBECONFIG is not set: run test/e2e/run.sh')
  process.exit(0)
}
// Its own for each run: the former one may still be going.
const namespace = `tidewaiter-e2e-guard-${process.pid}`
const ours = `system:serviceaccount:${namespace}:tidewaiter`

// Everybody may write Velero's objects and our records, as far as RBAC goes; what else they may is beside the name.
const users = {
  admin: [],
  alice: [],
  skipper: [{ apiGroups: ['tidewaiter.io'], resources: ['actions'], verbs: ['skip'] }],
  releaser: [{ apiGroups: ['tidewaiter.io'], resources: ['actionruns'], verbs: ['release'] }],
  driver: [{ apiGroups: ['velero.io'], resources: ['backups/status', 'restores/status'], verbs: ['update'] }],
  velero: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
  ours: [{ apiGroups: ['tidewaiter.io'], resources: ['actionruns'], verbs: ['release'] }],
} as const
const userNames: Readonly<Record<User, string | undefined>> = {
  admin: undefined,
  alice: 'e2e-alice',
  skipper: 'e2e-skipper',
  releaser: 'e2e-releaser',
  driver: 'e2e-driver',
  velero: `system:serviceaccount:${namespace}:velero`,
  ours,
}

const client = await startClient(kubeconfig)
t.teardown(client.stop)
const call = (
  as: User,
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<Answer> => client.call(method, path, { as: userNames[as], body })

const install = (object: unknown) => must(call('admin', 'POST', pathOf(object), object), [409])
const objects = (path: string): readonly unknown[] =>
  parseAllDocuments(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')).map((one) =>
    one.toJSON(),
  )

const everyday = [
  { apiGroups: ['velero.io'], resources: ['backups', 'restores', 'schedules'], verbs: ['*'] },
  {
    apiGroups: ['tidewaiter.io'],
    resources: ['actionruns', 'actionruns/status'],
    verbs: ['get', 'create', 'update', 'patch', 'delete'],
  },
]
const roleOf = (user: User) => [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: user, namespace },
    rules: [...everyday, ...users[user]],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: user, namespace },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: user },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: userNames[user] }],
  },
]

const guard = guardOf({ name: namespace, namespaces: [namespace], accounts: [ours] })
await install({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
for (const file of ['deploy/crds/actions.yaml', 'deploy/crds/actionruns.yaml'])
  for (const crd of objects(file)) await install(crd)
for (const user of ['alice', 'skipper', 'releaser', 'driver', 'velero', 'ours'] as const)
  for (const one of roleOf(user)) await install(one)
for (const one of guard) {
  await must(call('admin', 'DELETE', addressOf(one)), [404])
  await install(one)
}
t.teardown(async () => {
  for (const one of guard) await call('admin', 'DELETE', addressOf(one))
  await call('admin', 'DELETE', `/api/v1/namespaces/${namespace}`)
})

const apiVersions: Readonly<Record<string, string>> = { ActionRun: 'tidewaiter.io/v1beta1' }
const specs: Readonly<Record<string, Json>> = {
  Backup: { ttl: '1h' },
  Restore: { backupName: 'b' },
  Schedule: { schedule: '0 0 1 1 *', template: { ttl: '1h' } },
  ActionRun: {
    stage: 'PreBackup',
    objectRef: { kind: 'Backup', name: 'b', uid: 'u' },
    cluster: 'c',
    fingerprint: 'f',
    actionsHash: 'h',
    actions: [],
  },
}
let count = 0
type Kind = 'Backup' | 'Restore' | 'Schedule' | 'ActionRun'
type Parts = {
  readonly annotations?: Json
  readonly labels?: Json
  readonly phase?: string
  readonly spec?: Json
  readonly name?: string
}

const build = (kind: Kind, { annotations, labels, phase, spec, name }: Parts = {}): any => ({
  apiVersion: apiVersions[kind] ?? 'velero.io/v1',
  kind,
  metadata: { name: name ?? `e${process.pid}-${count++}`, namespace, annotations, labels },
  spec: { ...specs[kind], ...spec },
  ...(phase === undefined ? {} : { status: { phase } }),
})
const create = (as: User, object: unknown): Promise<Answer> => call(as, 'POST', pathOf(object), object)
const patch = (as: User, object: any, body: unknown): Promise<Answer> =>
  call(as, 'PATCH', addressOf(object), body)
/** Makes an object, as an administrator may. */
const given = async (kind: Kind, parts: Parts = {}): Promise<any> =>
  (await must(create(kind === 'ActionRun' ? 'ours' : 'velero', build(kind, parts)))).body

const refused = (t: Test, answer: Answer, pattern: RegExp) => {
  t.equal(answer.status, 403, JSON.stringify(answer.body).slice(0, 300))
  t.match(answer.body.message, pattern)
}
const passes = (t: Test, answer: Answer) =>
  t.ok(answer.status < 300, JSON.stringify(answer.body).slice(0, 300))

// A policy acts about half a second after it was made.
const canary = (kind: Kind) =>
  call('admin', 'POST', `${pathOf(build(kind))}?dryRun=All`, build(kind, { name: guardCanaryName }))
for (const kind of ['Backup', 'Schedule', 'ActionRun'] as const) {
  for (let tries = 0; tries < 100 && (await canary(kind)).status < 300; tries++) await sleep(100)
}
for (const kind of ['Backup', 'Restore', 'Schedule', 'ActionRun'] as const) {
  t.test(`the canary is denied: ${kind}`, async (t) =>
    refused(t, await canary(kind), new RegExp(guardCanaryMessage)),
  )
}

type Case = readonly [
  name: string,
  as: User,
  wanted: RegExp | 'passes',
  request: (as: User) => Promise<Answer>,
]
const hold = { 'tidewaiter.io/hold': '{}' }
const skip = { '10-a/prebackup': 'skip' }
const phase = (value: string | null) => ({ status: { phase: value } })
const note = (annotations: Json) => ({ metadata: { annotations } })
const label = { metadata: { labels: { tier: 'prod' } } }
/** A case of patching what is given. */
const change =
  (parts: Parts, body: unknown, kind: Kind = 'Backup') =>
  async (as: User) =>
    patch(as, await given(kind, parts), body)
const creates =
  (parts: Parts, kind: Kind = 'Backup') =>
  (as: User) =>
    create(as, build(kind, parts))

const velero: readonly Case[] = [
  ['a plain Backup', 'alice', 'passes', creates({})],
  ['a plain Restore', 'alice', 'passes', creates({}, 'Restore')],
  ['a new Backup with phase New', 'alice', 'passes', creates({ phase: 'New' })],
  ['a new Backup that is ready to start', 'alice', /later than New/, creates({ phase: 'ReadyToStart' })],
  ['a new Backup that is completed', 'alice', /later than New/, creates({ phase: 'Completed' })],
  ['a new Restore that is completed', 'alice', /later than New/, creates({ phase: 'Completed' }, 'Restore')],
  ['a new Backup that is completed', 'driver', 'passes', creates({ phase: 'Completed' })],
  [
    'a synced Backup, with what it carried elsewhere',
    'driver',
    'passes',
    creates({ phase: 'Completed', annotations: { ...hold, ...skip } }),
  ],
  ['a new Backup with a hold', 'alice', /written by tidewaiter only/, creates({ annotations: hold })],
  [
    'a new Backup with a result',
    'alice',
    /written by tidewaiter only/,
    creates({ annotations: { 'tidewaiter.io/post': '{}' } }),
  ],
  [
    'a new Restore with a result',
    'driver',
    /written by tidewaiter only/,
    creates({ annotations: { 'tidewaiter.io/pre': '{}' } }, 'Restore'),
  ],
  ['a new Backup with a hold', 'releaser', 'passes', creates({ annotations: hold })],
  ['a new Backup that skips an action', 'alice', /verb skip on actions/, creates({ annotations: skip })],
  ['a new Backup that skips an action', 'releaser', /verb skip on actions/, creates({ annotations: skip })],
  ['a new Backup that skips an action', 'skipper', 'passes', creates({ annotations: skip })],
  [
    'a new Restore that skips all',
    'alice',
    /verb skip on actions/,
    creates({ annotations: { 'tidewaiter.io/skip-actions': 'x' } }, 'Restore'),
  ],
  [
    'a new Restore that skips all',
    'skipper',
    'passes',
    creates({ annotations: { 'tidewaiter.io/skip-actions': 'x' } }, 'Restore'),
  ],
  [
    'an annotation that only looks like a skip',
    'alice',
    'passes',
    creates({ annotations: { 'a/prebackup': 'no', 'a/b': 'skip' } }),
  ],

  ...['Queued', 'ReadyToStart', 'InProgress', 'Completed'].map((to): Case => [
    `a held Backup becomes ${to}`,
    'velero',
    /held, because/,
    change({ annotations: hold, phase: 'New' }, phase(to)),
  ]),
  [
    'a held Backup without a phase starts',
    'velero',
    /held, because/,
    change({ annotations: hold }, phase('InProgress')),
  ],
  [
    'a held Restore starts',
    'velero',
    /held, because/,
    change({ annotations: hold }, phase('InProgress'), 'Restore'),
  ],
  ['a held Backup starts', 'admin', /held, because/, change({ annotations: hold }, phase('InProgress'))],
  [
    'a held Backup without a phase becomes New',
    'velero',
    'passes',
    change({ annotations: hold }, phase('New')),
  ],
  [
    'a held Backup fails validation',
    'driver',
    'passes',
    change({ annotations: hold }, phase('FailedValidation')),
  ],
  [
    'a held Backup is deleted by Velero',
    'velero',
    'passes',
    change({ annotations: hold, phase: 'New' }, phase('Deleting')),
  ],
  [
    'a held Backup gets an expiration',
    'driver',
    'passes',
    change({ annotations: hold }, { status: { expiration: '2030-01-01T00:00:00Z' } }),
  ],
  [
    'a held Restore gets its finalizer',
    'velero',
    'passes',
    change(
      { annotations: hold },
      { metadata: { finalizers: ['restores.velero.io/external-resources-finalizer'] } },
      'Restore',
    ),
  ],
  [
    'a held Backup that failed starts after all',
    'velero',
    /held, because/,
    change({ annotations: hold, phase: 'FailedValidation' }, phase('Queued')),
  ],
  [
    'a Backup held after it was queued goes on',
    'velero',
    'passes',
    change({ annotations: hold, phase: 'Queued' }, phase('ReadyToStart')),
  ],
  [
    'a Backup held after it began goes on',
    'velero',
    'passes',
    change({ annotations: hold, phase: 'InProgress' }, phase('Finalizing')),
  ],
  [
    'a synced Backup with a hold is deleted by Velero',
    'velero',
    'passes',
    change({ annotations: hold, phase: 'Completed' }, phase('Deleting')),
  ],
  [
    'the hold is lifted',
    'alice',
    /written by tidewaiter only.*gate=off/,
    change({ annotations: hold }, note({ 'tidewaiter.io/hold': null })),
  ],
  [
    'the hold is lifted',
    'driver',
    /written by tidewaiter only/,
    change({ annotations: hold }, note({ 'tidewaiter.io/hold': null })),
  ],
  [
    'the hold is lifted',
    'releaser',
    'passes',
    change({ annotations: hold }, note({ 'tidewaiter.io/hold': null })),
  ],

  ['a Backup is made Completed', 'alice', /status is written by/, change({}, phase('Completed'))],
  ['a Backup is made Completed', 'releaser', /status is written by/, change({}, phase('Completed'))],
  ['a Restore is made Completed', 'alice', /status is written by/, change({}, phase('Completed'), 'Restore')],
  [
    'a completion time is written',
    'alice',
    /status is written by/,
    change({ phase: 'InProgress' }, { status: { completionTimestamp: '2026-01-01T00:00:00Z' } }),
  ],
  ['a Backup starts', 'velero', 'passes', change({}, phase('InProgress'))],
  ['a Backup is queued', 'driver', 'passes', change({ phase: 'New' }, phase('Queued'))],
  ['a Backup ends', 'velero', 'passes', change({ phase: 'Finalizing' }, phase('Completed'))],
  [
    'an ended Backup is made New',
    'velero',
    /may not go back to New/,
    change({ phase: 'Completed' }, phase('New')),
  ],
  [
    'an ended Backup loses its phase',
    'driver',
    /may not go back to New/,
    change({ phase: 'Completed' }, { status: null }),
  ],
  [
    'an ended Backup loses its phase',
    'alice',
    /status is written by/,
    change({ phase: 'Completed' }, { status: null }),
  ],

  [
    'the spec changes before the start',
    'alice',
    /spec stays/,
    change({ phase: 'New' }, { spec: { ttl: '2h' } }),
  ],
  [
    'the spec changes in the queue',
    'alice',
    /spec stays/,
    change({ phase: 'Queued' }, { spec: { ttl: '2h' } }),
  ],
  [
    'the spec of a Restore changes before the start',
    'alice',
    /spec stays/,
    change({}, { spec: { backupName: 'c' } }, 'Restore'),
  ],
  ['the spec changes before the start', 'velero', 'passes', change({}, { spec: { ttl: '2h' } })],
  [
    'the spec changes after the start',
    'alice',
    'passes',
    change({ phase: 'InProgress' }, { spec: { ttl: '2h' } }),
  ],
  ['a label comes before the start', 'alice', /labels stay/, change({}, label)],
  [
    'a label goes before the start',
    'alice',
    /labels stay/,
    change({ labels: { tier: 'dev' }, phase: 'New' }, { metadata: { labels: null } }),
  ],
  ['a label comes before the start', 'velero', 'passes', change({}, label)],
  ['a label comes after the end', 'alice', 'passes', change({ phase: 'Completed' }, label)],

  ['an annotation of somebody comes', 'alice', 'passes', change({}, note({ 'example.org/x': '1' }))],
  [
    'an annotation of ours comes',
    'alice',
    /written by tidewaiter only/,
    change({ phase: 'Completed' }, note({ 'tidewaiter.io/post': '{}' })),
  ],
  [
    'an annotation of ours changes',
    'driver',
    /written by tidewaiter only/,
    change(
      { phase: 'Completed', annotations: { 'tidewaiter.io/post': '1' } },
      note({ 'tidewaiter.io/post': '2' }),
    ),
  ],
  [
    'an annotation of ours goes',
    'alice',
    /written by tidewaiter only/,
    change(
      { phase: 'Completed', annotations: { 'tidewaiter.io/post': '1' } },
      { metadata: { annotations: null } },
    ),
  ],
  [
    'an annotation of ours comes',
    'ours',
    'passes',
    change({ phase: 'Completed' }, note({ 'tidewaiter.io/post': '{}' })),
  ],
  ['a skip comes later', 'alice', /verb skip on actions/, change({ phase: 'New' }, note(skip))],
  [
    'a skip comes later',
    'releaser',
    /verb skip on actions/,
    change({ phase: 'InProgress' }, note({ '10-a/postbackup': 'skip' })),
  ],
  [
    'what skips all comes later',
    'alice',
    /verb skip on actions/,
    change({}, note({ 'tidewaiter.io/skip-actions': 'x' }), 'Restore'),
  ],
  [
    'a skip goes later',
    'alice',
    /verb skip on actions/,
    change({ annotations: skip }, note({ '10-a/prebackup': null })),
  ],
  [
    'a value becomes a skip',
    'alice',
    /verb skip on actions/,
    change({ annotations: { '10-a/prebackup': 'no' } }, note(skip)),
  ],
  ['a skip comes later', 'skipper', 'passes', change({ phase: 'New' }, note(skip))],
  [
    'something else changes beside a skip',
    'alice',
    'passes',
    change({ annotations: skip }, note({ 'example.org/x': '1' })),
  ],
]

const skipping = { annotations: skip }
const schedules: readonly Case[] = [
  ['a plain Schedule', 'alice', 'passes', creates({}, 'Schedule')],
  ['a Schedule that skips', 'alice', /verb skip on actions/, creates(skipping, 'Schedule')],
  ['a Schedule that skips', 'skipper', 'passes', creates(skipping, 'Schedule')],
  [
    'a Schedule with a hold',
    'alice',
    /written by tidewaiter only/,
    creates({ annotations: hold }, 'Schedule'),
  ],
  ['a Schedule with a hold', 'releaser', 'passes', creates({ annotations: hold }, 'Schedule')],
  ['a skip comes to a Schedule', 'alice', /verb skip on actions/, change({}, note(skip), 'Schedule')],
  ['a skip comes to a Schedule', 'skipper', 'passes', change({}, note(skip), 'Schedule')],
  [
    'a skip goes from a Schedule',
    'alice',
    'passes',
    change(skipping, note({ '10-a/prebackup': null }), 'Schedule'),
  ],
  [
    'a Schedule that skips is paused',
    'alice',
    'passes',
    change(skipping, { spec: { paused: true } }, 'Schedule'),
  ],
  [
    'a Schedule that skips is pointed elsewhere',
    'alice',
    /verb skip on actions/,
    change(skipping, { spec: { template: { includedNamespaces: ['prod'] } } }, 'Schedule'),
  ],
  [
    'a Schedule that skips is pointed elsewhere',
    'skipper',
    'passes',
    change(skipping, { spec: { template: { includedNamespaces: ['prod'] } } }, 'Schedule'),
  ],
  [
    'the template of a plain Schedule changes',
    'alice',
    'passes',
    change({}, { spec: { template: { ttl: '2h' } } }, 'Schedule'),
  ],
  [
    'Velero writes what became of a Schedule that skips',
    'velero',
    'passes',
    change(skipping, { status: { phase: 'Enabled' } }, 'Schedule'),
  ],
]

const withFinalizer = async (): Promise<any> => {
  const run = build('ActionRun')
  return (
    await must(create('ours', { ...run, metadata: { ...run.metadata, finalizers: ['foregroundDeletion'] } }))
  ).body
}
const records: readonly Case[] = [
  ['a run is written', 'alice', /records of what was done/, creates({}, 'ActionRun')],
  ['a run is written', 'velero', /records of what was done/, creates({}, 'ActionRun')],
  ['a run is written', 'ours', 'passes', creates({}, 'ActionRun')],
  [
    'the status of a run is written',
    'alice',
    /records of what was done/,
    async (as) => patchStatus(as, await given('ActionRun')),
  ],
  [
    'the status of a run is written',
    'ours',
    'passes',
    async (as) => patchStatus(as, await given('ActionRun')),
  ],
  ['a label of a run changes', 'alice', /records of what was done/, change({}, label, 'ActionRun')],
  [
    'a run gets an owner that does not exist',
    'alice',
    /records of what was done/,
    change(
      {},
      { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: 'x' }] } },
      'ActionRun',
    ),
  ],
  [
    'a run loses its finalizer, and nothing else',
    'alice',
    'passes',
    async (as) => patch(as, await withFinalizer(), { metadata: { finalizers: null } }),
  ],
  [
    'a run is deleted',
    'alice',
    'passes',
    async (as) => {
      const run = await given('ActionRun')
      return call(as, 'DELETE', addressOf(run))
    },
  ],
]
const patchStatus = (as: User, run: any): Promise<Answer> =>
  call(as, 'PATCH', `${addressOf(run)}/status`, { status: { phase: 'Succeeded' } })

for (const [title, cases] of Object.entries({
  'Backups and Restores': velero,
  Schedules: schedules,
  records,
})) {
  t.test(`the guard on ${title}`, async (t) => {
    for (const [name, as, wanted, request] of cases) {
      t.test(`${name}: ${as} ${wanted === 'passes' ? 'may' : 'may not'}`, async (t) => {
        const answer = await request(as)
        if (wanted === 'passes') passes(t, answer)
        else refused(t, answer, wanted)
      })
    }
  })
}

t.test('a refusal names the namespace in the way out', async (t) => {
  const answer = await create('alice', build('Backup', { annotations: hold }))
  t.match(answer.body.message, `kubectl label namespace ${namespace} tidewaiter.io/gate=off`)
})

t.test('a Backup with as many annotations as fit is judged, not failed', async (t) => {
  const many = Object.fromEntries(
    Array.from({ length: 9000 }, (_, index) => [`example.org/annotation-${index}`, 'x']),
  )
  passes(t, await create('alice', build('Backup', { annotations: many })))
})

t.test('the gate label switches the guard off, and on again', async (t) => {
  const gate = (value: string | null) =>
    must(
      call('admin', 'PATCH', `/api/v1/namespaces/${namespace}`, {
        metadata: { labels: { 'tidewaiter.io/gate': value } },
      }),
    )
  const until = async (open: boolean) => {
    for (let tries = 0; tries < 100 && (await canary('Backup')).status < 300 !== open; tries++)
      await sleep(100)
  }
  await gate('off')
  await until(true)
  passes(t, await patch('driver', await given('Backup', { annotations: hold }), phase('InProgress')))
  await gate(null)
  await until(false)
  refused(
    t,
    await patch('driver', await given('Backup', { annotations: hold }), phase('InProgress')),
    /held, because/,
  )
})

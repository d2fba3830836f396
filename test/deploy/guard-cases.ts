/** What the guard must let pass and what it must refuse: held to the sandbox's CEL here, and to a real API server in test/e2e. */

/** A user, by what they may. */
export type User = 'admin' | 'alice' | 'skipper' | 'releaser' | 'driver' | 'velero' | 'ours'
/** A kind the guard is about. */
export type Kind = 'Backup' | 'Restore' | 'Schedule' | 'ActionRun'
type Json = Readonly<Record<string, unknown>>
/** What is particular about an object. */
export type Parts = {
  readonly annotations?: Json
  readonly labels?: Json
  readonly finalizers?: readonly string[]
  readonly phase?: string
  readonly spec?: Json
  readonly name?: string
}
/** An object made, or a merge patch of one that was given. */
export type Step =
  | { readonly kind: Kind; readonly create: Parts }
  | { readonly kind: Kind; readonly given: Parts; readonly patch: unknown; readonly subresource?: 'status' }
/** Name, who does it, whether it passes (or what the refusal says), and what is done. */
export type Case = readonly [name: string, as: User, wanted: RegExp | 'passes', step: Step]

/** What each may beyond what everybody may. */
export const rights: Readonly<
  Record<
    User,
    readonly {
      readonly apiGroups: readonly string[]
      readonly resources: readonly string[]
      readonly verbs: readonly string[]
    }[]
  >
> = {
  admin: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
  alice: [],
  skipper: [{ apiGroups: ['tidewaiter.io'], resources: ['actions'], verbs: ['skip'] }],
  releaser: [{ apiGroups: ['tidewaiter.io'], resources: ['actionruns'], verbs: ['release'] }],
  driver: [{ apiGroups: ['velero.io'], resources: ['backups/status', 'restores/status'], verbs: ['update'] }],
  velero: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
  ours: [
    { apiGroups: ['tidewaiter.io'], resources: ['actionruns'], verbs: ['release'] },
    { apiGroups: ['velero.io'], resources: ['backups/status', 'restores/status'], verbs: ['update'] },
  ],
}

const specs: Readonly<Record<Kind, Json>> = {
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

/** An object of a kind. */
export const build = (
  kind: Kind,
  { phase, spec, ...metadata }: Parts,
  at: { readonly namespace: string; readonly name: string },
) => ({
  apiVersion: kind === 'ActionRun' ? 'tidewaiter.io/v1beta1' : 'velero.io/v1',
  kind,
  metadata: { ...at, ...metadata },
  spec: { ...specs[kind], ...spec },
  ...(phase === undefined ? {} : { status: { phase } }),
})

const hold = { 'tidewaiter.io/hold': '{}' }
const skip = { '10-a/prebackup': 'skip' }
const phase = (value: string | null) => ({ status: { phase: value } })
const counted = {
  metadata: { annotations: { 'tidewaiter.io/post': '{}' } },
  status: { phase: 'PartiallyFailed', errors: 1 },
}
const note = (annotations: Json) => ({ metadata: { annotations } })
const begins = { metadata: { finalizers: ['restores.velero.io/external-resources-finalizer'] } }
const label = { metadata: { labels: { tier: 'prod' } } }
const change = (given: Parts, patch: unknown, kind: Kind = 'Backup'): Step => ({ kind, given, patch })
const creates = (create: Parts, kind: Kind = 'Backup'): Step => ({ kind, create })

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
  // Whoever brings a hold along is answered by the webhooks: one takes it off, the other refuses it.
  ['a new Backup with a hold', 'alice', 'passes', creates({ annotations: hold })],
  ['a new Restore with a hold', 'alice', 'passes', creates({ annotations: hold }, 'Restore')],
  [
    'a new Backup with a hold that is queued already',
    'alice',
    /later than New/,
    creates({ annotations: hold, phase: 'Queued' }),
  ],
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
  [
    'a new Backup that skips an action',
    'alice',
    /annotations 10-a\/prebackup skip actions, .*verb skip on actions.*for what is not held too.*namespace \S+ tidewaiter\.io\/gate=off/,
    creates({ annotations: skip }),
  ],
  [
    'a new Backup that skips two ways, beside what skips nothing',
    'alice',
    /annotations (9-b\/postbackup, tidewaiter\.io\/skip-actions|tidewaiter\.io\/skip-actions, 9-b\/postbackup) skip actions/,
    creates({
      annotations: { 'a/prebackup': 'no', '9-b/postbackup': 'skip', 'tidewaiter.io/skip-actions': 'x' },
    }),
  ],
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
    "a held Restore gets Velero's finalizer",
    'velero',
    /held, because its pre actions have not ended: Velero may not begin with it/,
    change({ annotations: hold }, begins, 'Restore'),
  ],
  ["a Restore gets Velero's finalizer once it is let go", 'velero', 'passes', change({}, begins, 'Restore')],
  [
    "a held Restore gets Velero's finalizer with the write that lifts the hold",
    'velero',
    'passes',
    change({ annotations: hold }, { metadata: { ...begins.metadata, annotations: null } }, 'Restore'),
  ],
  [
    "a held Restore that has Velero's finalizer is changed otherwise",
    'velero',
    'passes',
    change({ annotations: hold, ...begins.metadata }, note({ 'example.org/x': '1' }), 'Restore'),
  ],
  [
    'a held Restore gets the finalizer of somebody else',
    'velero',
    'passes',
    change({ annotations: hold }, { metadata: { finalizers: ['example.org/mine'] } }, 'Restore'),
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

  ...(['alice', 'skipper', 'driver'] as const).flatMap((as): readonly Case[] => [
    [
      'a hold comes later',
      as,
      /the annotations tidewaiter\.io\/hold are written by tidewaiter only/,
      change({ phase: 'New' }, note(hold)),
    ],
    [
      'the value of a hold changes',
      as,
      /the annotations tidewaiter\.io\/hold are written by tidewaiter only/,
      change({ annotations: hold, phase: 'New' }, note({ 'tidewaiter.io/hold': 'mine' })),
    ],
  ]),
  ['a hold comes later', 'releaser', 'passes', change({ phase: 'New' }, note(hold))],
  [
    'the hold of a Restore is lifted',
    'alice',
    /written by tidewaiter only/,
    change({ annotations: hold }, note({ 'tidewaiter.io/hold': null }), 'Restore'),
  ],
  [
    'the hold is lifted and the Backup started in one write',
    'releaser',
    /status is written by/,
    change({ annotations: hold }, { ...note({ 'tidewaiter.io/hold': null }), ...phase('InProgress') }),
  ],

  ['a Backup is made Completed', 'alice', /status is written by/, change({}, phase('Completed'))],
  ['a Backup is made Completed', 'releaser', /status is written by/, change({}, phase('Completed'))],
  ['a Restore is made Completed', 'alice', /status is written by/, change({}, phase('Completed'), 'Restore')],
  [
    'a completion time is written',
    'alice',
    /status is written by.*for what is not held too/,
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
    'a Backup that was refused while it was held is started, as Velero found it before',
    'velero',
    /ended as FailedValidation may not start.*for what is not held too/,
    change({ phase: 'FailedValidation' }, phase('Queued')),
  ],
  [
    'a Backup that was refused while it was held is started, as Velero found it before',
    'velero',
    /ended as FailedValidation may not start.*for what is not held too/,
    change({ phase: 'FailedValidation' }, phase('InProgress')),
  ],
  [
    'a Restore that was refused while it was held is started, as Velero found it before',
    'velero',
    /ended as FailedValidation may not start.*for what is not held too/,
    change({ phase: 'FailedValidation' }, phase('InProgress'), 'Restore'),
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
    /the annotations tidewaiter\.io\/post are written by tidewaiter only/,
    change(
      { phase: 'Completed', annotations: { 'tidewaiter.io/post': '1' } },
      note({ 'tidewaiter.io/post': '2' }),
    ),
  ],
  [
    'an annotation of ours goes',
    'alice',
    /the annotations tidewaiter\.io\/post are written by tidewaiter only/,
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
  ['a failed post action that counts', 'ours', 'passes', change({ phase: 'Completed' }, counted)],
  ['a failed post action that counts', 'ours', 'passes', change({ phase: 'Completed' }, counted, 'Restore')],
  [
    'a failed post action that counts',
    'driver',
    /tidewaiter\.io\/post are written by tidewaiter only/,
    change({ phase: 'Completed' }, counted),
  ],
  [
    'a failed post action that counts',
    'releaser',
    /status is written by/,
    change({ phase: 'Completed' }, counted),
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
    /annotations 10-a\/prebackup skip actions/,
    change({ annotations: skip }, note({ '10-a/prebackup': null })),
  ],
  [
    'a value becomes a skip',
    'alice',
    /annotations 10-a\/prebackup skip actions/,
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
  [
    'a Schedule that skips',
    'alice',
    /annotations 10-a\/prebackup skip.*verb skip on actions/,
    creates(skipping, 'Schedule'),
  ],
  ['a Schedule that skips', 'skipper', 'passes', creates(skipping, 'Schedule')],
  [
    'a Schedule with a hold',
    'alice',
    /the annotations tidewaiter\.io\/hold are written by tidewaiter only/,
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

const runStatus: Step = {
  kind: 'ActionRun',
  given: {},
  patch: { status: { phase: 'Succeeded' } },
  subresource: 'status',
}
const records: readonly Case[] = [
  ['a run is written', 'alice', /records of what was done/, creates({}, 'ActionRun')],
  ['a run is written', 'velero', /records of what was done/, creates({}, 'ActionRun')],
  ['a run is written', 'ours', 'passes', creates({}, 'ActionRun')],
  ['the status of a run is written', 'alice', /records of what was done/, runStatus],
  ['the status of a run is written', 'ours', 'passes', runStatus],
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
    change({ finalizers: ['foregroundDeletion'] }, { metadata: { finalizers: null } }, 'ActionRun'),
  ],
]

/** All of them, by what they are about. */
export const guardCases: Readonly<Record<string, readonly Case[]>> = {
  'Backups and Restores': velero,
  Schedules: schedules,
  records,
}

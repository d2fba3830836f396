/** After: post actions run once when a Backup has ended, whatever its result. On a real cluster with a real Velero. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  aBackup,
  aBackupName,
  act,
  aMark,
  anAction,
  aName,
  backUp,
  call,
  clusterFolder,
  emptyNamespace,
  ended,
  eventsOf,
  eventually,
  find,
  hook,
  kubectl,
  list,
  must,
  ready,
  runsOf,
  settledRun,
  velero,
  veleroMs,
  withoutPods,
  type Behaviour,
  type Hook,
  type Loose,
} from './support.ts'

t.before(ready)
// Waiting for Velero's own timers is most of what these do.
t.jobs = 4
const test = (name: string, body: (t: Test) => Promise<void>) => t.test(name, { buffered: true }, body)

const create = async (object: Loose) =>
  must(await kubectl(['create', '-f', '-'], { input: JSON.stringify(object) }))
const post = (name: string, mark: string, spec: Loose): Loose =>
  anAction(name, mark, { stage: 'PostBackup', ...spec })
const noteOf = (name: string): Promise<Loose> =>
  eventually(
    async () => {
      const text = (await find('backup', name)).metadata.annotations?.['tidewaiter.io/post']
      return text === undefined ? undefined : JSON.parse(text)
    },
    { ms: veleroMs, what: `the annotation tidewaiter.io/post of ${name}` },
  )

/** One post action for Backups with a mark of their own. */
async function given(
  t: Test,
  spec: Loose = {},
  ...behaviours: readonly Behaviour[]
): Promise<{ readonly mark: string; readonly action: string; readonly hook: Hook; readonly name: string }> {
  const { mark } = aMark()
  const [action, one, name] = [aName('10'), await hook(...behaviours), aBackupName()]
  await act(t, post(action, mark, { ...spec, http: { url: one.url, ...spec.http } }))
  return { mark, action, hook: one, name }
}

/** A place of its own to keep Backups, which Velero looks through whenever it looks: once a minute. */
async function aLocation(t: Test): Promise<string> {
  const name = aName('l')
  t.teardown(() => kubectl(['delete', 'backupstoragelocations.velero.io', name, '--wait=false']))
  // A bucket is a folder of the gateway. (A prefix in the bucket of the other would make Velero refuse that one.)
  mkdirSync(join(clusterFolder(), 'state/s3', name))
  const locations = '/apis/velero.io/v1/namespaces/velero/backupstoragelocations'
  const { s3Url } = (await call('GET', `${locations}/default`)).body.spec.config
  const config = `region=us-east-1,s3ForcePathStyle=true,s3Url=${s3Url}`
  const about = ['--provider', 'aws', '--bucket', name, '--backup-sync-period', '1s']
  must(await velero(['backup-location', 'create', name, ...about, '--config', config]))
  await eventually(
    async () => (await call('GET', `${locations}/${name}`)).body.status?.phase === 'Available',
    {
      ms: veleroMs,
      what: `the storage location ${name}`,
    },
  )
  return name
}

// First, because it takes longest.
test('a Backup that Velero brings back from the storage runs neither pre nor post actions', async (t) => {
  const { mark, name, hook: after } = await given(t)
  const before = await hook()
  await act(t, anAction(aName('10'), mark, { http: { url: before.url } }))
  const location = await aLocation(t)
  must(await backUp(name, mark, { args: ['--storage-location', location] }))
  await settledRun('backup', name, 'PostBackup')
  const first = await find('backup', name)
  must(await kubectl(['delete', 'backups.velero.io', name]))
  const second = await eventually(
    async () => {
      const found = await find('backup', name)
      return found !== undefined && found.metadata.uid !== first.metadata.uid && found
    },
    { ms: 100_000, everyMs: 300, what: 'backup sync to bring it back (once a minute)' },
  )
  t.equal(second.status.phase, 'Completed')
  // Another Backup, made later, has been dealt with: so was this one.
  const later = await given(t)
  must(await backUp(later.name, later.mark))
  await noteOf(later.name)
  t.same(
    (await runsOf('backup', name)).map(({ spec }) => spec.objectRef.uid),
    [first.metadata.uid, first.metadata.uid],
  )
  t.same([(await before.calls()).length, (await after.calls()).length], [1, 1])
})

test('a post action runs once after the Backup has ended, and is recorded, annotated and told', async (t) => {
  const { mark, action, hook, name } = await given(
    t,
    {
      http: { body: { name: '${backup.metadata.name}', phase: '${backup.status.phase}' } },
      outputs: [{ name: 'id', expression: 'response.body.id' }],
    },
    { body: { id: 'x-1' } },
  )
  must(await backUp(name, mark))
  const run = await settledRun('backup', name, 'PostBackup')
  t.match(run.status, {
    phase: 'Succeeded',
    endedAs: 'Completed',
    actions: [{ name: action, phase: 'Succeeded', attempts: 1, outputs: { id: 'x-1' } }],
  })
  const backup = await find('backup', name)
  t.equal(backup.status.phase, 'Completed')
  const [call, ...more] = await hook.calls()
  t.same(more, [])
  t.same(JSON.parse(call?.body ?? ''), { name, phase: 'Completed' })
  t.equal(call?.headers['idempotency-key'], `${backup.metadata.uid}/PostBackup/${action}`)
  t.match(call?.headers['traceparent'], /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  t.match(call?.headers['user-agent'], /^tidewaiter\/\d+\.\d+\.\d+/)
  t.ok((call?.at ?? 0) >= Date.parse(backup.status.completionTimestamp) - 1000)
  t.match(await noteOf(name), { phase: 'Succeeded', run: run.metadata.name })
  const event = await eventually(
    async () => (await eventsOf(backup)).find(({ reason }) => reason === 'PostActionsSucceeded'),
    { what: 'the Event' },
  )
  t.match(event, { type: 'Normal', message: new RegExp(run.metadata.name) })
  t.match((await velero(['backup', 'describe', name])).stdout, /tidewaiter\.io\/post/, 'velero shows it')
})

test('a Backup that ends PartiallyFailed runs post actions, and an action for other ends is skipped', async (t) => {
  if (withoutPods !== false) return void t.pass('left out', { skip: withoutPods })
  const { mark } = aMark()
  const [name, fine, usual] = [aBackupName(), await hook(), await hook()] as const
  await act(
    t,
    post(aName('10-fine'), mark, { when: ['Completed'], http: { url: fine.url } }),
    post(aName('20-usual'), mark, { http: { url: usual.url, body: '${backup.status.phase}' } }),
  )
  // A hook of Velero's own that cannot be run in its pod.
  const exec = { container: 'hook', command: ['/no/such/program'], onError: 'Fail' }
  const resources = [{ name: 'fails', includedNamespaces: ['e2e'], pre: [{ exec }] }]
  const spec = { includedNamespaces: ['e2e'], includedResources: ['pods'], hooks: { resources } }
  await create(aBackup(name, mark, { spec }))
  t.equal((await ended('backup', name)).status.phase, 'PartiallyFailed')
  t.match((await settledRun('backup', name, 'PostBackup')).status, {
    phase: 'Succeeded',
    endedAs: 'PartiallyFailed',
    actions: [{ phase: 'Skipped' }, { phase: 'Succeeded' }],
  })
  t.same(await fine.calls(), [])
  t.same(
    (await usual.calls()).map(({ body }) => body),
    ['PartiallyFailed'],
  )
})

test('a Backup that fails its validation runs post actions only where they name it', async (t) => {
  const { mark } = aMark()
  const [name, usual, told] = [aBackupName(), await hook(), await hook()] as const
  await act(
    t,
    post(aName('10-usual'), mark, { http: { url: usual.url } }),
    post(aName('20-told'), mark, { when: ['FailedValidation'], http: { url: told.url } }),
  )
  await create(aBackup(name, mark, { spec: { storageLocation: 'there-is-none' } }))
  t.equal((await ended('backup', name)).status.phase, 'FailedValidation')
  t.match((await settledRun('backup', name, 'PostBackup')).status, {
    phase: 'Succeeded',
    endedAs: 'FailedValidation',
    actions: [{ phase: 'Skipped' }, { phase: 'Succeeded' }],
  })
  t.same(await usual.calls(), [])
  t.equal((await told.calls()).length, 1)
})

test('a Backup that is deleted before it ends runs post actions only where they name it', async (t) => {
  if (withoutPods !== false) return void t.pass('left out', { skip: withoutPods })
  const { mark } = aMark()
  const [name, usual, told] = [aBackupName(), await hook(), await hook()] as const
  await act(
    t,
    post(aName('10-usual'), mark, { http: { url: usual.url } }),
    post(aName('20-told'), mark, {
      when: ['Deleted'],
      http: { url: told.url, body: '${backup.metadata.name}' },
    }),
  )
  // Velero backs up one namespace once at a time: while one goes on, the next is queued. (One that is deleted while it is
  // InProgress is taken for running by Velero 1.18 until it restarts.)
  const gate = await hook({ status: 503 })
  const ask = `fetch('http://127.0.0.1:8090/${gate.key}').then(({ ok }) => ok || setTimeout(go, 100))`
  const command = ['/usr/local/bin/node', '-e', `const go = () => ${ask}; go()`]
  const resources = [
    { name: 'slow', includedNamespaces: ['e2e'], pre: [{ exec: { container: 'hook', command } }] },
  ]
  const spec = { includedNamespaces: ['e2e'], includedResources: ['pods'], hooks: { resources } }
  const slow = aBackupName()
  t.teardown(() => gate.behave({ status: 200 }))
  await create(aBackup(slow, 'no-action', { spec }))
  await eventually(async () => (await gate.calls()).length > 0, {
    ms: veleroMs,
    what: 'the slow Backup to go on',
  })
  await create(aBackup(name, mark, { spec }))
  await eventually(async () => (await find('backup', name))?.status?.phase === 'Queued', {
    ms: veleroMs,
    what: 'the next to be queued',
  })
  must(await kubectl(['delete', 'backups.velero.io', name]))
  await gate.behave({ status: 200 })
  const run = await settledRun('backup', name, 'PostBackup')
  t.match(run.status, {
    phase: 'Succeeded',
    endedAs: 'Deleted',
    actions: [{ phase: 'Skipped' }, { phase: 'Succeeded' }],
  })
  t.same(await usual.calls(), [])
  t.same(
    (await told.calls()).map(({ body }) => body),
    [name],
  )
})

test('an action at ItemsDone runs', async (t) => {
  const { mark, hook, name } = await given(t, { at: 'ItemsDone' })
  must(await backUp(name, mark))
  t.match((await settledRun('backup', name, 'PostBackup')).status, { phase: 'Succeeded' })
  t.equal((await hook.calls()).length, 1)
})

test('a new Action never fires for Backups that ended before it', async (t) => {
  const { mark } = aMark()
  const [old, young] = [aBackupName(), aBackupName()]
  must(await backUp(old, mark, { args: ['--wait'] }))
  const { completionTimestamp } = (await ended('backup', old)).status
  // The times that are compared have whole seconds.
  await eventually(async () => Date.now() > Date.parse(completionTimestamp) + 2000, {
    what: 'the next second',
  })
  const { url, calls } = await hook()
  await act(t, post(aName('10'), mark, { http: { url, body: '${backup.metadata.name}' } }))
  must(await kubectl(['annotate', 'backups.velero.io', old, 'example.org/looked=at']))
  must(await backUp(young, mark))
  await noteOf(young)
  t.same(
    (await calls()).map(({ body }) => body),
    [young],
  )
  t.same(await runsOf('backup', old), [])
})

test('a post action that fails is recorded, told and annotated, and the Backup stays as it was', async (t) => {
  const { mark, action, hook, name } = await given(t, {}, { status: 500, body: 'no room' })
  const late = aName('20-late')
  await act(t, post(late, mark, { http: { url: hook.url } }))
  must(await backUp(name, mark))
  const run = await settledRun('backup', name, 'PostBackup')
  t.match(run.status, {
    phase: 'Failed',
    reason: 'ActionFailed',
    actions: [
      { name: action, phase: 'Failed', attempts: 1, message: /answered 500 "no room"/ },
      { name: late, phase: 'Skipped', message: 'an action before it ended the stage' },
    ],
  })
  t.match(await noteOf(name), { phase: 'Failed', run: run.metadata.name })
  const backup = await find('backup', name)
  t.equal(backup.status.phase, 'Completed')
  const event = await eventually(
    async () => (await eventsOf(backup)).find(({ reason }) => reason === 'PostActionsFailed'),
    { what: 'the Event' },
  )
  t.match(event, { type: 'Warning', message: /answered 500 "no room"/ })
})

test('a failed action that counts makes a Backup PartiallyFailed, which a Restore from its Schedule does not take', async (t) => {
  const schedule = aName('s')
  t.teardown(() => kubectl(['delete', 'schedules.velero.io', schedule, '--wait=false']))
  const { mark, hook, name } = await given(
    t,
    { countsAgainstResult: true },
    { status: 500, body: 'not readable' },
  )
  await create(
    aBackup(name, mark, { metadata: { labels: { e2e: mark, 'velero.io/schedule-name': schedule } } }),
  )
  t.match(await noteOf(name), { phase: 'Failed', counted: 1 })
  const backup = await find('backup', name)
  t.match(backup.status, { phase: 'PartiallyFailed', errors: 1 })
  t.match((await velero(['backup', 'describe', name])).stdout, /Phase:\s+PartiallyFailed/)
  t.equal((await hook.calls()).length, 1)
  const event = await eventually(
    async () => (await eventsOf(backup)).find(({ reason }) => reason === 'PostActionsFailed'),
    { what: 'the Event' },
  )
  t.match(event.message, '1 failure counts against the Backup')
  must(await velero(['schedule', 'create', schedule, '--schedule', '0 0 1 1 *', '--paused']))
  const restore = aName('r')
  t.teardown(() => kubectl(['delete', 'restores.velero.io', restore, '--wait=false']))
  must(await velero(['restore', 'create', restore, '--from-schedule', schedule]))
  t.match((await ended('restore', restore)).status, {
    phase: 'FailedValidation',
    validationErrors: [/[Nn]o .*backups found for schedule/],
  })
})

test('with onError Continue the actions after a failed one run, and the run is Failed', async (t) => {
  const { mark, hook: first, name } = await given(t, { onError: 'Continue' }, { status: 500 })
  const second = await hook()
  await act(t, post(aName('20'), mark, { http: { url: second.url } }))
  must(await backUp(name, mark))
  const { status } = await settledRun('backup', name, 'PostBackup')
  t.match(status, { phase: 'Failed', actions: [{ phase: 'Failed' }, { phase: 'Succeeded' }] })
  t.same([(await first.calls()).length, (await second.calls()).length], [1, 1])
})

test('a post action is tried again with the same key, and its attempts are counted', async (t) => {
  const { mark, hook, name } = await given(
    t,
    { retry: { limit: 3, initialSeconds: 0 } },
    { status: 503, times: 1 },
    { reset: true, times: 1 },
    { status: 200 },
  )
  must(await backUp(name, mark))
  const { status } = await settledRun('backup', name, 'PostBackup')
  t.match(status, { phase: 'Succeeded', actions: [{ attempts: 3 }] })
  const calls = await hook.calls()
  t.equal(calls.length, 3)
  t.equal(new Set(calls.map(({ headers }) => headers['idempotency-key'])).size, 1)
})

test('outputs of a post action are passed on to those after it', async (t) => {
  const { mark, action, name } = await given(
    t,
    { outputs: [{ name: 'id', expression: 'response.body.id' }] },
    { body: { id: 'x-2' } },
  )
  const next = await hook()
  await act(t, post(aName('20'), mark, { http: { url: `${next.url}/\${outputs['${action}'].id}` } }))
  must(await backUp(name, mark))
  await settledRun('backup', name, 'PostBackup')
  t.match(await next.calls(), [{ path: `/${next.key}/x-2` }])
})

test('a refused Backup runs no post actions', async (t) => {
  const { mark, hook: after, name } = await given(t)
  const before = await hook({ status: 500 })
  await act(t, anAction(aName('10'), mark, { http: { url: before.url } }))
  t.equal((await backUp(name, mark)).code, 1)
  t.same(
    (await runsOf('backup', name)).map(({ spec }) => spec.stage),
    ['PreBackup'],
  )
  t.same(await after.calls(), [])
})

/** Makes a Schedule of nothing, with this mark on its Backups. */
async function makeSchedule(
  t: Test,
  name: string,
  { mark, cron }: { readonly mark: string; readonly cron: string },
): Promise<void> {
  t.teardown(() => kubectl(['delete', 'schedules.velero.io', name, '--wait=false', '--ignore-not-found']))
  const about = ['--schedule', cron, '--include-namespaces', emptyNamespace, '--labels', `e2e=${mark}`]
  must(await velero(['schedule', 'create', name, ...about]))
}

test('a Backup made from a Schedule by hand, and one that was due, run the actions for that Schedule', async (t) => {
  const { mark } = aMark()
  const [before, after, other] = [await hook(), await hook(), await hook()] as const
  const schedule = aName('s')
  const match = { scheduleNames: [schedule] }
  const body = '${backup.metadata.name}'
  await act(
    t,
    anAction(aName('10'), mark, { match, http: { url: before.url, body } }),
    post(aName('10'), mark, { match, http: { url: after.url, body } }),
    post(aName('10'), mark, { match: { scheduleNames: ['another'] }, http: { url: other.url } }),
  )
  // After its Actions: the first may be due at once.
  await makeSchedule(t, schedule, { mark, cron: '@every 1s' })
  const byHand = aBackupName()
  must(await velero(['backup', 'create', byHand, '--from-schedule', schedule]))
  // Velero looks whether one is due once a minute, and when the spec of a Schedule changes.
  const path = `/apis/velero.io/v1/namespaces/velero/schedules/${schedule}`
  await call('PATCH', path, { body: { spec: { template: { ttl: '3h0m0s' } } } })
  const due: Loose = await eventually(
    async () =>
      (await list('backup', `velero.io/schedule-name=${schedule}`)).find(
        ({ metadata }) => metadata.name !== byHand,
      ),
    { ms: 90_000, what: 'the Backup that was due' },
  )
  await kubectl(['delete', 'schedules.velero.io', schedule])
  for (const name of [byHand, due.metadata.name]) {
    for (const stage of ['PreBackup', 'PostBackup']) {
      const { spec, status } = await settledRun('backup', name, stage)
      t.equal(status.phase, 'Succeeded', `${stage} of ${name}`)
      t.equal(spec.scheduleName, schedule)
    }
  }
  for (const { calls } of [before, after]) {
    const bodies = (await calls()).map(({ body }) => body)
    t.ok(bodies.includes(byHand) && bodies.includes(due.metadata.name))
    t.equal(bodies.length, new Set(bodies).size, 'once each')
  }
  t.same(await other.calls(), [])
})

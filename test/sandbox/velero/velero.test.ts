/** The Velero stand-in on the sandbox's API server: phases, patches, denials, deletion, sync, restarts, as facts of the real one say. */
import t, { type Test } from 'tap'
import type { Seen } from '../../../src/sandbox/apiserver/rest/http.ts'
import { startCluster, type Cluster } from '../../../src/sandbox/start.ts'
import { ObjectStore } from '../../../src/sandbox/velero/object-store.ts'
import { veleroUser } from '../../../src/sandbox/velero/install.ts'
import type { Settings } from '../../../src/sandbox/velero/server.ts'
import { eventually, type Loose } from '../../support/cluster.ts'
import { fastClock } from '../../support/fast-clock.ts'

t.jobs = 4

type Given = { readonly speed?: number; readonly settings?: Partial<Settings>; readonly store?: ObjectStore }

async function start(t: Test, { speed = 20, settings = {}, store }: Given = {}): Promise<Cluster> {
  const cluster = await startCluster({
    clock: fastClock(speed),
    velero: { settings, ...(store === undefined ? {} : { store }) },
  })
  t.teardown(cluster.stop)
  return cluster
}
const read = ({ api }: Cluster, plural: string, name: string): Loose =>
  api.read(`velero.io/${plural}`, 'velero', name)
const make = (cluster: Cluster, kind: string, name: string, more: Loose = {}): void =>
  cluster.api.seed([
    {
      apiVersion: 'velero.io/v1',
      kind,
      metadata: { name, namespace: 'velero', ...more.metadata },
      spec: more.spec ?? {},
      ...(more.status === undefined ? {} : { status: more.status }),
    },
  ])
const scripted = (outcome: string): Loose => ({ metadata: { annotations: { 'sandbox.velero.io/outcome': outcome } } })
const phase = (cluster: Cluster, plural: string, name: string, want: string): Promise<Loose> =>
  eventually(`${plural} ${name} is ${want}`, () => {
    const found = read(cluster, plural, name)
    return found?.status?.phase === want ? found : undefined
  })
/** The phases that an object goes through, and who wrote them. */
function history({ api }: Cluster, plural: string): readonly string[] {
  const seen: string[] = []
  api.onRequest(({ method, info, user }: Seen) => {
    if (method === 'GET' || info.resource !== plural) return
    const found = api.read(`velero.io/${plural}`, 'velero', info.name) as Loose
    seen.push(`${user === veleroUser ? 'velero' : user} ${found?.status?.phase ?? '-'}`)
  })
  return seen
}

t.test('a Backup goes New, Queued, ReadyToStart, InProgress, Finalizing, Completed, by Velero’s own account', async (t) => {
  const cluster = await start(t)
  const seen = history(cluster, 'backups')
  make(cluster, 'Backup', 'b1', { spec: { includedNamespaces: ['default'] } })
  const { status } = await phase(cluster, 'backups', 'b1', 'Completed')
  t.same(seen, ['Queued', 'ReadyToStart', 'InProgress', 'Finalizing', 'Completed'].map((one) => `velero ${one}`))
  t.equal(status.queuePosition, undefined)
  t.match(status, { version: 1, progress: { itemsBackedUp: 10, totalItems: 10 }, completionTimestamp: /Z$/ })
})

t.test('a Restore gets its finalizer first, then goes InProgress, Finalizing, Completed', async (t) => {
  const cluster = await start(t)
  make(cluster, 'Backup', 'b1')
  await phase(cluster, 'backups', 'b1', 'Completed')
  const seen = history(cluster, 'restores')
  make(cluster, 'Restore', 'r1', { spec: { backupName: 'b1' } })
  const { metadata } = await phase(cluster, 'restores', 'r1', 'Completed')
  t.same(seen, ['-', 'InProgress', 'Finalizing', 'Completed'].map((one) => `velero ${one}`))
  t.same(metadata.finalizers, ['restores.velero.io/external-resources-finalizer'])
})

t.test('a Backup whose start is denied is tried again later and later, and at once when it is let go', async (t) => {
  const cluster = await start(t, { speed: 1 })
  const lift = cluster.api.faults.add({
    match: { verb: 'patch', resource: 'backups', user: veleroUser },
    times: Infinity,
    effect: { kind: 'answer', code: 403 },
  })
  let tries = 0
  cluster.api.onRequest(({ method }) => (tries += method === 'PATCH' ? 1 : 0))
  make(cluster, 'Backup', 'b1')
  await eventually('it was tried eight times', () => tries >= 8 || undefined)
  t.equal(read(cluster, 'backups', 'b1').status?.phase, undefined)
  lift()
  const { metadata, ...rest } = read(cluster, 'backups', 'b1')
  cluster.api.seed([{ ...rest, metadata: { ...metadata, annotations: { let: 'go' } } }])
  await phase(cluster, 'backups', 'b1', 'Completed')
})

t.test('Backups of the same namespaces run one after another, in the order of the queue', async (t) => {
  const cluster = await start(t, { settings: { concurrentBackups: 3, runMs: 2_000 } })
  const together: string[] = []
  cluster.api.onRequest(() => {
    const running = ['b1', 'b2', 'b3'].filter((name) => read(cluster, 'backups', name)?.status?.phase === 'InProgress')
    together.push(running.join('+'))
  })
  for (const [name, namespace] of [['b1', 'default'], ['b2', 'default'], ['b3', 'kube-public']] as const)
    make(cluster, 'Backup', name, { spec: { includedNamespaces: [namespace] } })
  for (const name of ['b1', 'b2', 'b3']) await phase(cluster, 'backups', name, 'Completed')
  t.ok(together.includes('b1+b3'), 'what does not meet runs together')
  t.notOk(together.some((one) => one.includes('b1+b2')))
})

const ends = {
  PartiallyFailed: { phase: 'PartiallyFailed', errors: 1, completionTimestamp: /Z$/ },
  Failed: { phase: 'Failed', failureReason: /^backup execution failed/, completionTimestamp: /Z$/ },
  FailedNoCompletion: { phase: 'Failed', failureReason: /^backup execution failed/, completionTimestamp: undefined },
  FailedValidation: { phase: 'FailedValidation', validationErrors: [/sandbox.velero.io\/outcome/], startTimestamp: undefined },
  RestartWhileInProgress: {
    phase: 'Failed',
    failureReason: 'found a backup with status "InProgress" during the server starting, mark it as "Failed"',
  },
} as const
t.test('a Backup ends as its annotation says', async (t) => {
  const cluster = await start(t)
  for (const [outcome, want] of Object.entries(ends)) {
    make(cluster, 'Backup', outcome.toLowerCase(), scripted(outcome))
    const { status } = await phase(cluster, 'backups', outcome.toLowerCase(), want.phase)
    t.match(status, want, outcome)
  }
})

t.test('a stuck Backup stays InProgress until Velero restarts', async (t) => {
  const cluster = await start(t)
  make(cluster, 'Backup', 'b1', { ...scripted('Stuck'), spec: { includedNamespaces: ['default'] } })
  await phase(cluster, 'backups', 'b1', 'InProgress')
  make(cluster, 'Backup', 'b2', { spec: { includedNamespaces: ['kube-public'] } })
  await phase(cluster, 'backups', 'b2', 'Completed')
  t.equal(read(cluster, 'backups', 'b1').status.phase, 'InProgress')
  await cluster.velero.restart()
  await phase(cluster, 'backups', 'b1', 'Failed')
})

t.test('what is ReadyToStart when Velero starts waits for an update; New runs', async (t) => {
  const cluster = await start(t)
  make(cluster, 'Backup', 'ready', { status: { phase: 'ReadyToStart' }, spec: { includedNamespaces: ['default'] } })
  await cluster.velero.restart()
  make(cluster, 'Backup', 'new', { spec: { includedNamespaces: ['kube-public'] } })
  await phase(cluster, 'backups', 'new', 'Completed')
  t.equal(read(cluster, 'backups', 'ready').status.phase, 'ReadyToStart')
})

t.test('a Schedule makes a Backup when it is due, not while one is New or InProgress', async (t) => {
  const cluster = await start(t, { settings: { scheduleMs: 500, runMs: 20_000 } })
  const template = { ttl: '1h0m0s' }
  make(cluster, 'Schedule', 'often', { spec: { schedule: '@every 2s', template }, metadata: { annotations: { note: 'x' } } })
  const made = (): readonly Loose[] =>
    Object.values((cluster.api.snapshot() as Loose) ?? {}) && listOf(cluster, 'Backup')
  const [first] = await eventually('a first Backup', () => (made().length > 0 ? made() : undefined))
  t.match(first.metadata, { name: /^often-\d{14}$/, labels: { 'velero.io/schedule-name': 'often' }, annotations: { note: 'x' } })
  await phase(cluster, 'backups', first.metadata.name, 'InProgress')
  t.equal(made().length, 1)
  t.match(read(cluster, 'schedules', 'often').status, { phase: 'Enabled', lastBackup: /Z$/ })
  make(cluster, 'Schedule', 'wrong', { spec: { schedule: 'at noon', template } })
  const { status } = await phase(cluster, 'schedules', 'wrong', 'FailedValidation')
  t.match(status.validationErrors, [/^invalid schedule: expected exactly 5 fields/])
})
const names = new Map<Cluster, Map<string, Set<string>>>()
function listOf(cluster: Cluster, kind: string): readonly Loose[] {
  const known = names.get(cluster)?.get(kind)
  return [...(known ?? [])].map((name) => read(cluster, `${kind.toLowerCase()}s`, name)).filter(Boolean)
}

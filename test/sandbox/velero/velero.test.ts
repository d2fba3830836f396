/** The Velero stand-in on the sandbox's API server: phases, patches, denials, deletion, sync, restarts, as facts of the real one say. */
import { gunzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import type { Seen } from '../../../src/sandbox/apiserver/rest/http.ts'
import { startCluster, type Cluster } from '../../../src/sandbox/start.ts'
import { ObjectStore } from '../../../src/sandbox/velero/object-store.ts'
import { veleroUser } from '../../../src/sandbox/velero/install.ts'
import type { Settings } from '../../../src/sandbox/velero/server.ts'
import { callerOf, eventually, pathOf, type Loose } from '../../support/asking.ts'
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
const scripted = (outcome: string): Loose => ({
  metadata: { annotations: { 'sandbox.velero.io/outcome': outcome } },
})
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

t.test(
  'a Backup goes New, Queued, ReadyToStart, InProgress, Finalizing, Completed, by Velero’s own account',
  async (t) => {
    const cluster = await start(t)
    const seen = history(cluster, 'backups')
    make(cluster, 'Backup', 'b1', { spec: { includedNamespaces: ['default'] } })
    const { status } = await phase(cluster, 'backups', 'b1', 'Completed')
    t.same(
      seen,
      ['Queued', 'ReadyToStart', 'InProgress', 'Finalizing', 'Completed'].map((one) => `velero ${one}`),
    )
    t.equal(status.queuePosition, undefined)
    t.match(status, {
      version: 1,
      progress: { itemsBackedUp: 10, totalItems: 10 },
      completionTimestamp: /Z$/,
    })
  },
)

t.test('a Restore gets its finalizer first, then goes InProgress, Finalizing, Completed', async (t) => {
  const cluster = await start(t)
  make(cluster, 'Backup', 'b1')
  await phase(cluster, 'backups', 'b1', 'Completed')
  const seen = history(cluster, 'restores')
  make(cluster, 'Restore', 'r1', { spec: { backupName: 'b1' } })
  const { metadata } = await phase(cluster, 'restores', 'r1', 'Completed')
  t.same(
    seen,
    ['-', 'InProgress', 'Finalizing', 'Completed'].map((one) => `velero ${one}`),
  )
  t.same(metadata.finalizers, ['restores.velero.io/external-resources-finalizer'])
})

t.test(
  'a Backup whose start is denied is tried again later and later, and at once when it is let go',
  async (t) => {
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
  },
)

t.test('Backups of the same namespaces run one after another, in the order of the queue', async (t) => {
  const cluster = await start(t, { settings: { concurrentBackups: 3, runMs: 2_000 } })
  const together: string[] = []
  cluster.api.onRequest(() => {
    const running = ['b1', 'b2', 'b3'].filter(
      (name) => read(cluster, 'backups', name)?.status?.phase === 'InProgress',
    )
    together.push(running.join('+'))
  })
  for (const [name, namespace] of [
    ['b1', 'default'],
    ['b2', 'default'],
    ['b3', 'kube-public'],
  ] as const)
    make(cluster, 'Backup', name, { spec: { includedNamespaces: [namespace] } })
  for (const name of ['b1', 'b2', 'b3']) await phase(cluster, 'backups', name, 'Completed')
  t.ok(together.includes('b1+b3'), 'what does not meet runs together')
  t.notOk(together.some((one) => one.includes('b1+b2')))
})

const ends = {
  PartiallyFailed: { phase: 'PartiallyFailed', errors: 1, completionTimestamp: /Z$/ },
  Failed: { phase: 'Failed', failureReason: /^backup execution failed/, completionTimestamp: /Z$/ },
  FailedNoCompletion: {
    phase: 'Failed',
    failureReason: /^backup execution failed/,
    completionTimestamp: undefined,
  },
  FailedValidation: {
    phase: 'FailedValidation',
    validationErrors: [/sandbox.velero.io\/outcome/],
    startTimestamp: undefined,
  },
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
  make(cluster, 'Backup', 'ready', {
    status: { phase: 'ReadyToStart' },
    spec: { includedNamespaces: ['default'] },
  })
  await cluster.velero.restart()
  make(cluster, 'Backup', 'new', { spec: { includedNamespaces: ['kube-public'] } })
  await phase(cluster, 'backups', 'new', 'Completed')
  t.equal(read(cluster, 'backups', 'ready').status.phase, 'ReadyToStart')
})

t.test('a Schedule makes a Backup when it is due, not while one is New or InProgress', async (t) => {
  const cluster = await start(t, { settings: { scheduleMs: 500, runMs: 60_000 } })
  const template = { ttl: '1h0m0s' }
  make(cluster, 'Schedule', 'often', {
    spec: { schedule: '@every 10s', template },
    metadata: { annotations: { note: 'x' } },
  })
  const call = callerOf(t, cluster.api)
  const made = async (): Promise<readonly Loose[]> => (await call('GET', pathOf('backups'))).body.items
  const first = await eventually('a first Backup', async () => (await made())[0])
  t.match(first.metadata, {
    name: /^often-\d{14}$/,
    labels: { 'velero.io/schedule-name': 'often' },
    annotations: { note: 'x' },
  })
  await phase(cluster, 'backups', first.metadata.name, 'InProgress')
  let looks = 0
  cluster.api.onRequest(({ method, info }) => {
    looks += method === 'PATCH' && info.resource === 'schedules' ? 1 : 0
  })
  await eventually('it was looked at until the next Backup was due', () => looks > 25 || undefined)
  t.equal((await made()).length, 1)
  t.match(read(cluster, 'schedules', 'often').status, { phase: 'Enabled', lastBackup: /Z$/ })
  make(cluster, 'Schedule', 'wrong', { spec: { schedule: 'at noon', template } })
  const { status } = await phase(cluster, 'schedules', 'wrong', 'FailedValidation')
  t.match(status.validationErrors, [/^invalid schedule: expected exactly 5 fields/])
})

t.test('a Schedule whose Backup is denied tries again with new names, and goes on when it may', async (t) => {
  const cluster = await start(t, { settings: { scheduleMs: 500 } })
  const lift = cluster.api.faults.add({
    match: { verb: 'create', resource: 'backups' },
    times: Infinity,
    effect: { kind: 'answer', code: 403 },
  })
  let denied = 0
  cluster.api.onRequest(({ info, code }) => (denied += info.verb === 'create' && code === 403 ? 1 : 0))
  make(cluster, 'Schedule', 'often', { spec: { schedule: '@every 1s', template: {} } })
  await eventually('it was denied nine times', () => denied >= 9 || undefined)
  t.equal(read(cluster, 'schedules', 'often').status.lastBackup, undefined, 'a denied run does not count')
  lift()
  await eventually('a Backup was made', () => read(cluster, 'schedules', 'often').status.lastBackup)
})

const request = (backup: string): Loose => ({
  metadata: { labels: { 'velero.io/backup-name': backup } },
  spec: { backupName: backup },
})

t.test('a deletion takes the files, the Restores, the Backup and the request', async (t) => {
  const cluster = await start(t)
  make(cluster, 'Backup', 'b1')
  await phase(cluster, 'backups', 'b1', 'Completed')
  make(cluster, 'Restore', 'r1', { spec: { backupName: 'b1' } })
  await phase(cluster, 'restores', 'r1', 'Completed')
  const seen = history(cluster, 'backups')
  make(cluster, 'DeleteBackupRequest', 'd1', request('b1'))
  const gone = (): true | undefined =>
    [
      read(cluster, 'deletebackuprequests', 'd1'),
      read(cluster, 'backups', 'b1'),
      read(cluster, 'restores', 'r1'),
    ].every((one) => one === undefined) || undefined
  await eventually('all is gone', gone)
  t.equal(seen[0], 'velero Deleting')
  t.same(cluster.velero.store.backups(), [])
})

t.test('a deletion that cannot be is Processed with the reason', async (t) => {
  const cluster = await start(t)
  make(cluster, 'Backup', 'held', {
    metadata: { annotations: { 'tidewaiter.io/hold': '{}' } },
    status: { phase: 'FailedValidation' },
  })
  make(cluster, 'Backup', 'running', {
    spec: { ttl: '1h0m0s' },
    metadata: { annotations: { 'sandbox.velero.io/duration': '1h' } },
  })
  await phase(cluster, 'backups', 'running', 'InProgress')
  const want = {
    none: 'backup deletion failed: backup not found',
    held: 'backup deletion failed: backup storage location  not found',
    running: 'backup deletion failed: backup is still in progress',
  }
  for (const [name, error] of Object.entries(want)) {
    make(cluster, 'DeleteBackupRequest', `d-${name}`, request(name))
    const { status } = await phase(cluster, 'deletebackuprequests', `d-${name}`, 'Processed')
    t.same(status.errors, [error])
  }
})

t.test(
  'a Backup in the bucket comes back finished, as Velero, annotations and all; one that is not is dropped',
  async (t) => {
    const cluster = await start(t, { settings: { syncMs: 500 } })
    make(cluster, 'Backup', 'b1', { metadata: { annotations: { 'tidewaiter.io/post': 'x' } } })
    const { metadata } = await phase(cluster, 'backups', 'b1', 'Completed')
    const call = callerOf(t, cluster.api)
    await call('DELETE', pathOf('backups', 'b1'))
    const back = await phase(cluster, 'backups', 'b1', 'Completed')
    t.not(back.metadata.uid, metadata.uid)
    t.match(back.metadata, {
      labels: { 'velero.io/storage-location': 'default' },
      annotations: { 'tidewaiter.io/post': 'x', 'velero.io/source-cluster-k8s-major-version': '1' },
    })
    cluster.velero.store.removeFolder('backups/b1')
    await eventually('it is gone', () => read(cluster, 'backups', 'b1') === undefined || undefined)
  },
)

t.test(
  'two clusters with one bucket see each other’s Backups; what failed early never gets there',
  async (t) => {
    const store = new ObjectStore()
    const [one, other] = [await start(t, { store }), await start(t, { store, settings: { syncMs: 500 } })]
    make(one, 'Backup', 'good')
    make(one, 'Backup', 'bad', scripted('Failed'))
    await phase(one, 'backups', 'good', 'Completed')
    await phase(one, 'backups', 'bad', 'Failed')
    await phase(other, 'backups', 'good', 'Completed')
    t.equal(read(other, 'backups', 'bad'), undefined)
    t.same(store.backups(), ['good'])
  },
)

t.test('an expired Backup is collected; without its storage location it is labelled and stays', async (t) => {
  const cluster = await start(t, { settings: { collectMs: 500 } })
  const status = { phase: 'FailedValidation', expiration: '2020-01-01T00:00:00Z' }
  make(cluster, 'Backup', 'lost', { status })
  make(cluster, 'Backup', 'old', { status, spec: { storageLocation: 'default' } })
  await eventually('it is gone', () => read(cluster, 'backups', 'old') === undefined || undefined)
  await eventually(
    'it is labelled',
    () => read(cluster, 'backups', 'lost').metadata.labels?.['velero.io/gc-failure'],
  )
  t.equal(read(cluster, 'backups', 'lost').metadata.labels['velero.io/gc-failure'], 'BSLNotFound')
})

t.test('a location without a bucket is Unavailable, and no Backup starts with it', async (t) => {
  const cluster = await start(t)
  make(cluster, 'BackupStorageLocation', 'eu', { spec: { provider: 'x', objectStorage: { bucket: '' } } })
  await phase(cluster, 'backupstoragelocations', 'eu', 'Unavailable')
  make(cluster, 'Backup', 'b1', { spec: { storageLocation: 'eu' } })
  const { status } = await phase(cluster, 'backups', 'b1', 'FailedValidation')
  t.match(status.validationErrors, [/eu is in Unavailable status/])
})

t.test('the CLI is told the version, and gets files by a URL that ends', async (t) => {
  const cluster = await start(t)
  make(cluster, 'ServerStatusRequest', 's1')
  const { status } = await phase(cluster, 'serverstatusrequests', 's1', 'Processed')
  t.equal(status.serverVersion, 'v1.18.3')
  make(cluster, 'Backup', 'b1')
  await phase(cluster, 'backups', 'b1', 'Completed')
  make(cluster, 'DownloadRequest', 'd1', { spec: { target: { kind: 'BackupLog', name: 'b1' } } })
  const { downloadURL } = (await phase(cluster, 'downloadrequests', 'd1', 'Processed')).status
  const answer = await fetch(downloadURL)
  t.match(
    gunzipSync(Buffer.from(await answer.arrayBuffer())).toString(),
    /Backed up a total of 10 items" backup=velero\/b1/,
  )
  t.equal((await fetch(`${downloadURL}x`)).status, 404)
  make(cluster, 'DownloadRequest', 'd2', { spec: { target: { kind: 'BackupLog', name: 'none' } } })
  await eventually('it has an expiration', () => read(cluster, 'downloadrequests', 'd2').status?.expiration)
  t.equal(read(cluster, 'downloadrequests', 'd2').status.downloadURL, undefined)
})

t.test('Velero goes on when the API server restarts or drops its watches', async (t) => {
  const cluster = await start(t)
  await cluster.api.restart()
  make(cluster, 'Backup', 'b1')
  await phase(cluster, 'backups', 'b1', 'Completed')
  cluster.api.faults.dropWatches({ resource: 'backups' })
  cluster.api.compact()
  make(cluster, 'Backup', 'b2')
  await phase(cluster, 'backups', 'b2', 'Completed')
})

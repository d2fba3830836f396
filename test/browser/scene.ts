/** A system with something to see: Backups that were admitted, refused and failed, a Restore, a Schedule that is refused. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { eventually } from '../support/asking.ts'
import { pathOf } from '../support/asking.ts'
import { startCluster, type System } from '../support/cluster.ts'
import { fakeCa, serveRegistry } from '../support/fake-registry.ts'
import { veleroUser } from '../../src/sandbox/velero/install.ts'
import { startBrowser, type Open } from './browser.ts'

/** A system, its dashboard, and a browser. */
export type Scene = {
  readonly system: System
  readonly url: string
  readonly open: Open
}

/** Starts the system and the browser; both end with the test. */
export async function startScene(t: Test): Promise<Scene> {
  const registry = await serveRegistry(t, '127.0.0.1')
  registry.push('acme/plugin', 'v1')
  const registries = join(mkdtempSync(join(tmpdir(), 'tidewaiter-scene-')), 'registries.yaml')
  t.teardown(() => rmSync(dirname(registries), { recursive: true }))
  writeFileSync(registries, `registries: [{ registry: '${registry.host}', ca: ${JSON.stringify(fakeCa)} }]\n`)
  const system = await startCluster(t, {
    objects: [node],
    env: { VELERO_PLUGINS_ENABLED: 'true' },
    flags: {
      registries,
      roles: 'webhook,controller,dashboard',
      'dashboard-listen': '127.0.0.1:0',
      'dashboard-sign-in': 'none',
    },
  })
  await declare(system, registry.host)
  await play(system)
  const open = await startBrowser(t)
  const url = `http://127.0.0.1:${system.service.ports.dashboard}`
  return { system, url, open: (path, options) => open(`${url}${path}`, options) }
}

const action = (name: string, stage: string, spec: object) => ({
  apiVersion: 'tidewaiter.io/v1beta1',
  kind: 'Action',
  metadata: { name, namespace: 'velero' },
  spec: { stage, ...spec },
})

/** Creates a Backup of the namespace shop; the answer of the API server. */
export const backUp = (system: System, name: string, { metadata = {}, spec = {} } = {}) =>
  system.call('POST', pathOf('backups'), {
    body: {
      apiVersion: 'velero.io/v1',
      kind: 'Backup',
      metadata: { name, namespace: 'velero', ...metadata },
      spec: { includedNamespaces: ['shop'], ...spec },
    },
  })

const node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'a' },
  status: { nodeInfo: { operatingSystem: 'linux', architecture: 'amd64' } },
}

/** Plugins: one that waits for a rollout, one whose image is not there, one with a name and an image as long as can be. */
async function declare(system: System, host: string): Promise<void> {
  const long = 'snapshots-of-the-warehouse-with-a-name-as-long-as-a-label-allows'.slice(0, 63)
  const images = {
    acme: `${host}/acme/plugin:v1`,
    ledger: `${host}/acme/ledger:v2`,
    [long]: `${host}/${long}/${'a-path-that-goes-on-'.repeat(4)}plugin:2026.11.21-${'build-'.repeat(12)}7`,
  }
  for (const [name, image] of Object.entries(images))
    await system.call('POST', pathOf('veleroplugins'), {
      body: {
        apiVersion: 'tidewaiter.io/v1beta1',
        kind: 'VeleroPlugin',
        metadata: { name, namespace: 'velero' },
        spec: { image },
      },
    })
  await eventually(
    'the plugins were looked at',
    async () => {
      const { body } = await system.call('GET', pathOf('veleroplugins'))
      const conditions = body.items.map(
        (one: { status?: { conditions?: unknown } }) => one.status?.conditions,
      )
      return conditions.every(Array.isArray) || undefined
    },
    { seconds: 20 },
  )
}

async function play(system: System): Promise<void> {
  const { hooks, call } = system
  const match = { includedNamespaces: ['shop'] }
  const to = (path: string) => ({ http: { url: `${hooks.url}${path}`, body: { from: 'tidewaiter' } } })
  const actions = [
    action('10-quiesce-shop', 'PreBackup', { match, timeoutSeconds: 5, ...to('/quiesce') }),
    action('20-flush-ledger', 'PreBackup', {
      match,
      timeoutSeconds: 10,
      retry: { limit: 2, initialSeconds: 0 },
      ...to('/flush'),
    }),
    action('30-tell-team', 'PreBackup', { match, timeoutSeconds: 5, onError: 'Continue', ...to('/tell') }),
    action('90-resume-shop', 'PostBackup', { match, timeoutSeconds: 30, ...to('/resume') }),
    action('10-stop-shop', 'PreRestore', { match, timeoutSeconds: 5, ...to('/stop') }),
    action('90-start-shop', 'PostRestore', { match, timeoutSeconds: 30, ...to('/start') }),
    action('10-copy-archive', 'PreBackup', {
      match: { includedNamespaces: ['archive'] },
      mode: 'Hold',
      timeoutSeconds: 600,
      ...to('/copy'),
    }),
    action('10-freeze-ledger', 'PreBackup', {
      match: { includedNamespaces: ['ledger'] },
      timeoutSeconds: 5,
      ...to('/freeze'),
      undo: to('/thaw'),
    }),
    action('20-check-ledger', 'PreBackup', {
      match: { includedNamespaces: ['ledger'] },
      timeoutSeconds: 5,
      ...to('/check'),
    }),
    action('50-only-tapes', 'PreBackup', {
      match: { scheduleNames: ['tapes'] },
      suspend: true,
      ...to('/tapes'),
    }),
  ]
  for (const body of actions) await call('POST', pathOf('actions'), { body })
  const slowly = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
  hooks.behave('/quiesce', { after: slowly(900) })
  hooks.behave('/flush', { status: 503, body: 'ledger is locked', times: 1 }, { after: slowly(2600) })
  await backUp(system, 'monday')
  await posted(system, 'monday', 'Succeeded')
  hooks.behave('/quiesce', { status: 503, body: 'replica lag 40 s' })
  await backUp(system, 'tuesday')
  hooks.behave('/quiesce', {})
  hooks.behave('/flush', {})
  hooks.behave('/resume', { status: 500, body: 'still warming up' })
  await backUp(system, 'wednesday', {
    metadata: { annotations: { 'sandbox.velero.io/outcome': 'PartiallyFailed' } },
  })
  await posted(system, 'wednesday', 'Failed')
  hooks.behave('/resume', {})
  await call('POST', pathOf('restores'), {
    body: {
      apiVersion: 'velero.io/v1',
      kind: 'Restore',
      metadata: { name: 'monday-back', namespace: 'velero' },
      spec: { backupName: 'monday', includedNamespaces: ['shop'] },
    },
  })
  await ended(system, 'restores', 'monday-back')
  await schedule(system, 'nightly', ['shop'])
  await schedule(system, 'tapes', ['default'])
  await bySchedule(system, 'tapes', ['default'])
  await bySchedule(system, 'nightly', ['shop'])
  hooks.behave('/quiesce', { status: 503, body: 'replica lag 40 s' })
  await bySchedule(system, 'nightly', ['shop'])
  hooks.behave('/check', { status: 409, body: 'a posting run is open' })
  await backUp(system, 'ledger', { spec: { includedNamespaces: ['ledger'] } })
  hooks.behave('/copy', { after: new Promise(() => undefined) })
  for (const name of ['archive-1', 'archive-2', 'archive-3'])
    await backUp(system, name, { spec: { includedNamespaces: ['archive'] } })
  await eventually(
    'the first one acts, and what was done for the ledger is undone',
    async () => {
      const { body } = await call('GET', pathOf('actionruns'))
      const phases = body.items.map((run: { status?: { phase?: string } }) => run.status?.phase)
      return (phases.includes('Running') && phases.includes('Undone')) || undefined
    },
    { seconds: 20 },
  )
}

/** Waits until the post actions of a Backup have ended so. */
const posted = (system: System, backup: string, wanted: string) =>
  eventually(
    `the post actions of ${backup} have ended as ${wanted}`,
    async () => {
      const label = `tidewaiter.io/backup-name%3D${backup},tidewaiter.io/stage%3DPostBackup`
      const { body } = await system.call('GET', `${pathOf('actionruns')}?labelSelector=${label}`)
      return (
        body.items.some((run: { status?: { phase?: string } }) => run.status?.phase === wanted) || undefined
      )
    },
    { seconds: 20 },
  )

let made = 0

/** A Backup as Velero makes it of a Schedule. */
const bySchedule = (system: System, name: string, includedNamespaces: readonly string[]) =>
  system.call('POST', pathOf('backups'), {
    as: veleroUser,
    body: {
      apiVersion: 'velero.io/v1',
      kind: 'Backup',
      metadata: {
        name: `${name}-2026112103000${made++}`,
        namespace: 'velero',
        labels: { 'velero.io/schedule-name': name },
      },
      spec: { includedNamespaces },
    },
  })

const schedule = (system: System, name: string, includedNamespaces: readonly string[]) =>
  system.call('POST', pathOf('schedules'), {
    body: {
      apiVersion: 'velero.io/v1',
      kind: 'Schedule',
      metadata: { name, namespace: 'velero' },
      spec: { schedule: name === 'tapes' ? '@every 1h' : '0 3 * * *', template: { includedNamespaces } },
    },
  })

const ended = (system: System, plural: string, name: string) =>
  eventually(
    `${name} has ended`,
    async () => {
      const { body } = await system.call('GET', pathOf(plural, name))
      return body.status?.completionTimestamp
    },
    { seconds: 20 },
  )

/** A dashboard for tests: a real history, a real server, and a world that is told what it knows. */
import type { Test } from 'tap'
import { createHash, randomBytes } from 'node:crypto'
import type { AdmissionDecision } from '../../src/api/admission-decision.ts'
import type { ActionRun } from '../../src/api/action-run.ts'
import { seenObjectOf, type SeenObject } from '../../src/core/post.ts'
import type { DashboardPorts, Known, Look, Viewer } from '../../src/dashboard/ports.ts'
import { buildDashboard, type Dashboard } from '../../src/dashboard/server.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'
import { aStore } from './history/support.ts'

/** What the world of a test knows. */
export type Given = Partial<Omit<DashboardPorts, 'known'>> & {
  readonly decisions?: readonly AdmissionDecision[]
  readonly runs?: readonly ActionRun[]
  readonly backups?: readonly unknown[]
  readonly known?: Partial<Known>
  /** What one of the namespaces has of its own. */
  readonly knownOf?: Readonly<Record<string, Partial<Known>>>
  readonly namespaces?: readonly string[]
}

/** A dashboard, and what it is made of. */
export type Built = Dashboard & { readonly clock: FakeClock; readonly log: FakeLog; readonly looks: Look[] }

const seen = (backups: readonly unknown[]): readonly SeenObject[] =>
  backups.map((one) => seenObjectOf('Backup', one))

const knownIn = (
  namespace: string,
  { decisions = [], runs = [], backups = [], known, knownOf }: Given,
): Known => ({
  namespace,
  synced: () => true,
  trouble: () => undefined,
  silentMs: () => 0,
  actions: () => [],
  runs: () => runs,
  unreadRuns: () => [],
  objects: (kind) => (kind === 'Backup' ? seen(backups) : []),
  schedules: () => [],
  veleroUsers: ['system:serviceaccount:velero:velero'],
  decisions: () => decisions,
  plugins: () => undefined,
  ...known,
  ...knownOf?.[namespace],
})

/** Alice, whose token is `good`. */
export const alice: Viewer = { user: 'alice', groups: ['developers'] }

/** Builds one; it ends with the test. `may` is asked nothing where nobody signs in. */
export async function aDashboard(t: Test, given: Given = {}): Promise<Built> {
  const {
    decisions = [],
    namespaces = ['velero'],
    known: _known,
    knownOf: _knownOf,
    runs: _runs,
    backups: _backups,
    ...ports
  } = given
  const clock = new FakeClock()
  const log = new FakeLog()
  const looks: Look[] = []
  const history = given.history ?? (await aStoreWith(t, decisions))
  const dashboard = buildDashboard({
    clock,
    log,
    signIn: 'none',
    hosts: [],
    audience: 'tidewaiter',
    known: namespaces.map((namespace) => knownIn(namespace, given)),
    history,
    progress: () => ({ reading: [], written: 0, waiting: 0, lost: 0 }),
    system: {
      version: '0.0.0-test',
      replica: 'one',
      cluster: 'c1',
      startedAt: 0,
      lease: async () => ({}),
      served: async () => ({ certificates: [], connections: 0 }),
    },
    stuckAfterMs: 86_400_000,
    authenticate: async (token) => (token === 'good' ? alice : undefined),
    may: async (_viewer, look) => {
      looks.push(look)
      return true
    },
    newSecret: () => randomBytes(32).toString('base64url'),
    hash: (text) => createHash('sha256').update(text).digest('hex'),
    ...ports,
  })
  t.teardown(() => dashboard.close())
  return { ...dashboard, clock, log, looks }
}

async function aStoreWith(t: Test, decisions: readonly AdmissionDecision[]) {
  const { store } = await aStore(t)
  await store.insert(decisions)
  return store
}

/** Gets a path as a browser on this machine does. */
export const get = (dashboard: Dashboard, url: string, headers: Record<string, string> = {}) =>
  dashboard.app.inject({ method: 'GET', url, headers: { host: 'localhost:8081', ...headers } })

/** Sends a form as a page of the dashboard does. */
export const post = (
  dashboard: Dashboard,
  url: string,
  form: Record<string, string>,
  headers: Record<string, string> = {},
) =>
  dashboard.app.inject({
    method: 'POST',
    url,
    headers: {
      host: 'localhost:8081',
      'content-type': 'application/x-www-form-urlencoded',
      'sec-fetch-site': 'same-origin',
      ...headers,
    },
    payload: new URLSearchParams(form).toString(),
  })

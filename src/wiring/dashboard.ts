/** The dashboard of one process: what it knows, who may see it, and where it listens. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { usernameOf } from '../core/author.ts'
import { certificatesIn } from '../core/certificates.ts'
import { resetAnnotation } from '../core/cooldown.ts'
import { at, textAt, type Json } from '../core/velero.ts'
import { buildDashboard } from '../dashboard/server.ts'
import type { Known, KnownSchedule } from '../dashboard/ports.ts'
import { createAccessReview } from '../kube/access-review.ts'
import type { KubeClient } from '../kube/client.ts'
import { certificatesAnnotation } from '../kube/lease.ts'
import { createReflector } from '../kube/reflector.ts'
import type { Reflector } from '../kube/reflector-options.ts'
import { createTokenReview } from '../kube/token-review.ts'
import type { Log } from '../log.ts'
import { StartError } from '../start-error.ts'
import { addHistoryMetrics } from '../observe/history-metrics.ts'
import type { Metrics } from '../observe/metrics.ts'
import { allOf, readable, type NamespaceCaches } from './caches.ts'
import { hash } from './crypto.ts'
import { dashboardNotReady } from './dashboard-ready.ts'
import { startHistory, type History } from './history.ts'
import type { Install } from './install.ts'
import { ownPath, veleroPath, type Calls } from './kinds.ts'
import { listening } from './listening.ts'
import { servedBy } from './served.ts'
import { annotationsIn } from './world.ts'

/** The audience that tokens for the dashboard must be for. */
export const dashboardAudience = 'tidewaiter'

/** What it is made of. */
export type DashboardWorld = {
  readonly config: Config
  readonly client: KubeClient
  readonly calls: Calls
  readonly clock: Clock
  readonly log: Log
  readonly caches: readonly NamespaceCaches[]
  readonly install: Install
  readonly cluster: string
  readonly owner: string
  readonly version: string
  readonly metrics: Pick<Metrics, 'registry'>
}

/** A dashboard that listens. */
export type DashboardPart = {
  readonly port: number
  /** Something of a namespace changed. */
  readonly onState: (namespace: string) => void
  readonly notReady: () => readonly string[]
  /** Follows until the signal aborts. */
  readonly start: (signal: AbortSignal) => Promise<void>
  readonly close: () => Promise<void>
}

/** Opens its history and listens. Throws StartError, having undone what it began. */
export async function openDashboard(world: DashboardWorld): Promise<DashboardPart> {
  const { config, client, clock, log, caches } = world
  const { file, forget } = await historyFile(config)
  const dashboards: ReturnType<typeof buildDashboard>[] = []
  const history = await openHistory(world, file, (record) =>
    dashboards.forEach((one) => one.tell({ type: 'decision', record })),
  )
  addHistoryMetrics(world.metrics.registry, {
    progress: history.progress,
    extent: () => history.store.extent(),
  })
  const sides = caches.map(({ namespace }) => sideOf(world, namespace, () => onState(namespace)))
  const copies = caches.map((kept, i) => copiesOf(kept, sides[i], history))
  const known = caches.map((kept, i) => ({
    ...knownOf(kept, sides[i], { history, config }),
    ...stateOf(copies[i] ?? []),
  }))
  const review = createAccessReview({ client, clock })
  const dashboard = buildDashboard({
    clock,
    log,
    signIn: config.dashboardSignIn,
    hosts: config.dashboardHosts,
    audience: dashboardAudience,
    known,
    history: history.store,
    progress: history.progress,
    system: systemOf(world),
    stuckAfterMs: config.stuckAfterSeconds * 1000,
    authenticate: createTokenReview(client, dashboardAudience),
    may: ({ user, groups, ...more }, look) => review.may({ user, groups, ...more }, look),
    newSecret: () => randomBytes(32).toString('base64url'),
    hash,
  })
  dashboards.push(dashboard)
  const close = async () => {
    await dashboard.close()
    await history.stop()
    await forget()
  }
  const onState = (namespace: string) => {
    const one = known.find((one) => one.namespace === namespace)
    if (one !== undefined && (one.synced() || one.trouble() !== undefined))
      dashboard.tell({ type: 'state', namespace })
  }
  const { port } = await listening('--dashboard-listen', config.dashboardListen, () =>
    dashboard.listen(config.dashboardListen),
  ).catch(async (error: unknown) => {
    await close()
    throw error
  })
  log.info(
    { host: config.dashboardListen.host, port, signIn: config.dashboardSignIn },
    'the dashboard is served',
  )
  return {
    port,
    onState,
    notReady: () => dashboardNotReady(copies.flat()),
    start: async (signal) => {
      await Promise.all([dashboard.run(signal), ...sides.flatMap(copiesIn).map((copy) => copy.start(signal))])
    },
    close,
  }
}

/** The file that was configured, or one that is gone when the process ends. */
async function historyFile(
  config: Config,
): Promise<{ readonly file: string; readonly forget: () => Promise<void> }> {
  if (config.historyFile !== undefined) return { file: config.historyFile, forget: () => Promise.resolve() }
  const folder = await mkdtemp(join(tmpdir(), 'tidewaiter-history-'))
  return { file: join(folder, 'history.db'), forget: () => rm(folder, { recursive: true, force: true }) }
}

async function openHistory(
  { config, client, clock, log }: DashboardWorld,
  file: string,
  onDecision: Parameters<typeof startHistory>[0]['onDecision'] & {},
): Promise<History> {
  try {
    return await startHistory({
      client,
      clock,
      log,
      namespaces: config.veleroNamespaces,
      file,
      maxBytes: config.historyMib * 1024 * 1024,
      maxDays: config.historyDays,
      onDecision,
    })
  } catch (cause) {
    throw new StartError(
      4,
      `--history-file ${file} must be a file that can be written, got: ${String(cause)}`,
      { cause },
    )
  }
}

/** What only the dashboard follows. */
type Side = {
  readonly schedules: Reflector<KnownSchedule>
  /** Undefined: their gate is off. */
  readonly plugins: Reflector<Json> | undefined
}

const copiesIn = ({ schedules, plugins }: Side): readonly Reflector<unknown>[] =>
  plugins === undefined ? [schedules] : [schedules, plugins]

function sideOf(
  { client, clock, log, config }: DashboardWorld,
  namespace: string,
  onChange: () => void,
): Side {
  const common = { client, clock, log, onChange }
  return {
    schedules: createReflector<KnownSchedule>({
      ...common,
      path: veleroPath('schedules', namespace),
      project: (raw) => ({
        name: textAt(raw, 'metadata', 'name'),
        cron: textAt(raw, 'spec', 'schedule'),
        paused: at(raw, 'spec', 'paused') === true,
        lastAt: lastRunOf(raw),
        reset: annotationsIn(raw)[resetAnnotation] ?? '',
      }),
    }),
    plugins: config.veleroPlugins
      ? createReflector<Json>({
          ...common,
          path: ownPath('veleroplugins', namespace),
          project: (raw) => ({
            metadata: {
              namespace,
              name: textAt(raw, 'metadata', 'name'),
              generation: at(raw, 'metadata', 'generation'),
            },
            spec: at(raw, 'spec'),
            status: at(raw, 'status'),
          }),
        })
      : undefined,
  }
}

/** velero pkg/controller/schedule_controller.go getNextRunTime. */
function lastRunOf(raw: unknown): number {
  const time = (...path: readonly string[]): number => Date.parse(textAt(raw, ...path)) || 0
  const last = time('status', 'lastBackup') || time('metadata', 'creationTimestamp')
  return Math.max(last, time('status', 'lastSkipped'))
}

/** Every copy of a namespace that the dashboard shows. */
function copiesOf(
  kept: NamespaceCaches,
  side: Side | undefined,
  { copies }: History,
): readonly Reflector<unknown>[] {
  const decisions = copies.get(kept.namespace)
  return [...allOf(kept), ...(side === undefined ? [] : copiesIn(side)), ...(decisions ? [decisions] : [])]
}

/** What can be said of them together. */
const stateOf = (copies: readonly Reflector<unknown>[]) => ({
  synced: () => copies.every((copy) => copy.synced()),
  trouble: () => copies.map((copy) => copy.trouble()).find((one) => one !== undefined),
  silentMs: () => Math.max(...copies.map((copy) => copy.silentMs())),
})

function knownOf(
  kept: NamespaceCaches,
  side: Side | undefined,
  { history, config }: { readonly history: History; readonly config: Config },
): Omit<Known, keyof ReturnType<typeof stateOf>> {
  const { namespace, actions, runs, objects } = kept
  const decisions = history.copies.get(namespace)
  return {
    namespace,
    actions: () => actions.list(),
    runs: () => readable(runs.list()),
    unreadRuns: () => runs.list().flatMap((run) => ('problem' in run ? [run.name] : [])),
    objects: (kind) => objects[kind].list(),
    schedules: () => side?.schedules.list() ?? [],
    veleroUsers: config.veleroServiceAccounts.map((name) => usernameOf(namespace, name)),
    decisions: () => decisions?.list() ?? [],
    plugins: () => side?.plugins?.list(),
  }
}

const systemOf = ({ version, owner, cluster, clock, calls, install }: DashboardWorld) => ({
  version,
  replica: owner,
  cluster,
  startedAt: clock.now(),
  lease: async () => {
    const lease = await calls.leases(install.namespace).find(`${install.name}-leader`, { timeoutMs: 2_000 })
    const leader = textAt(lease, 'spec', 'holderIdentity')
    const certificates = certificatesIn(textAt(lease, 'metadata', 'annotations', certificatesAnnotation))
    return {
      ...(leader === '' ? {} : { leader }),
      ...(certificates === undefined ? {} : { certificates }),
    }
  },
  served: servedBy(install, clock),
})

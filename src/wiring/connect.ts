/** Connects to the cluster and finds out what every part needs to know; every failure says what to do. */
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { textAt } from '../core/velero.ts'
import type { ClusterAccess } from '../kube/access.ts'
import { createKubeClient, type KubeClient } from '../kube/client.ts'
import { isKubeError, KubeError } from '../kube/errors.ts'
import { createServerTime } from '../kube/server-time.ts'
import type { Log } from '../log.ts'
import { StartError } from '../start-error.ts'
import { calls, type Calls } from './kinds.ts'
import { accessOf, isUnanswered } from './reach.ts'

/** A cluster that answered. */
export type Connection = {
  readonly access: ClusterAccess
  readonly client: KubeClient
  readonly calls: Calls
  /** uid of the namespace kube-system. */
  readonly cluster: string
  /** The time as the API server told it last, gone on since, however our own clock is set. */
  readonly serverTime: () => number
}

/** What connecting needs. */
export type ConnectWorld = {
  readonly config: Config
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly log: Log
  readonly userAgent: string
  readonly onCall: (method: string, code: string) => void
  /** Aborts when the process is asked to end while it starts. */
  readonly signal: AbortSignal
}

/** Connects. Throws StartError. */
export async function connect(world: ConnectWorld): Promise<Connection> {
  const { config, env, clock, log, userAgent } = world
  const access = await accessOf({ kubeconfig: config.kubeconfig, env, clock })
  const { signal } = world
  const serverTime = createServerTime(clock)
  const client = createKubeClient({
    access,
    clock,
    log,
    userAgent,
    metrics: { called: ({ method, code }) => world.onCall(method, code) },
    onDate: serverTime.heard,
  })
  const typed = calls(client)
  try {
    const system = await typed.namespaces().get('kube-system', { timeoutMs: 10_000 })
    const actions = typed.own('actions', config.veleroNamespaces[0] ?? 'velero')
    await whenInstalled(() => actions.list({ timeoutMs: 10_000 }), {
      clock,
      log,
      // Outside a cluster nobody starts us but a person, who should hear of it at once.
      waitMs: access.inCluster ? longestWaitMs : 0,
      signal,
    })
    const cluster = textAt(system, 'metadata', 'uid')
    return { access, client, calls: typed, cluster, serverTime: serverTime.now }
  } catch (error) {
    await client.close()
    throw startErrorOf(error, access.server)
  }
}

// An install applies them before the Deployment, but the API server serves a new kind a moment later than it takes it.
const longestWaitMs = 60_000
const soonMs = 1_000

/** Asks until the API server knows our kinds, for as long as `waitMs`; then throws what it last said. */
export async function whenInstalled(
  ask: () => Promise<unknown>,
  world: {
    readonly clock: Clock
    readonly log: Log
    readonly waitMs: number
    readonly signal: AbortSignal
  },
): Promise<void> {
  const { clock, log, waitMs, signal } = world
  const endsAt = clock.now() + waitMs
  for (let asked = 1; ; asked += 1) {
    try {
      await ask()
      return
    } catch (error) {
      if (!isKubeError(error, 'NOT_FOUND') || clock.now() >= endsAt) throw error
      if (asked === 1) log.warn({ forMs: waitMs }, 'waiting for the CRDs of tidewaiter: deploy/crds')
    }
    await clock.sleep(soonMs, signal)
  }
}

const forbidden: ReadonlySet<string> = new Set(['UNAUTHORIZED', 'FORBIDDEN'])

/** Says what a failed first call means. */
function startErrorOf(cause: unknown, server: string): unknown {
  if (!(cause instanceof KubeError)) return cause
  const got = `got: ${cause.message}`
  if (isUnanswered(cause)) {
    return new StartError(
      3,
      `the API server ${server} must answer, ${got}; is the cluster up, and is the kubeconfig for it?`,
      { cause },
    )
  }
  if (forbidden.has(cause.code)) {
    return new StartError(4, `tidewaiter needs the rights of deploy/base/rbac-*.yaml, ${got}`, { cause })
  }
  if (cause.code === 'NOT_FOUND') {
    return new StartError(
      4,
      `the CRDs of tidewaiter must be installed, ${got}; install them with: kubectl apply -k deploy/crds`,
      { cause },
    )
  }
  return new StartError(
    4,
    `the API server ${server} did not answer as a Kubernetes API server does, ${got}`,
    { cause },
  )
}

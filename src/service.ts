/** The composition root: Config and the outside world in, a service that starts and stops out. */
import { createCel } from './cel/cel.ts'
import type { Config } from './config.ts'
import { createWatchman, type Look, type Watchman } from './control/watchman.ts'
import { createAccessReview } from './kube/access-review.ts'
import type { Metrics } from './observe/metrics.ts'
import { StartError } from './start-error.ts'
import { allOf, createCaches } from './wiring/caches.ts'
import { createController } from './wiring/controller.ts'
import type { DashboardPart } from './wiring/dashboard.ts'
import { recorderOf } from './wiring/decisions.ts'
import { hash } from './wiring/crypto.ts'
import { exclusiveKeys } from './wiring/exclusive.ts'
import { ownKeys } from './wiring/exported.ts'
import { installOf } from './wiring/install.ts'
import { lead } from './wiring/lead.ts'
import { begin, copiesNotReady, type Life, type Outside, type Service } from './wiring/life.ts'
import { goOutside, refuseIfCovered } from './wiring/outside.ts'
import { insistOnRules, outboundOf } from './wiring/outbound.ts'
import { performerOf } from './wiring/perform.ts'
import { guarded } from './wiring/refused.ts'
import { toldBy, type RegistrationWorld } from './wiring/registrations.ts'
import { pluginsOf } from './wiring/plugins-of.ts'
import { runsBy } from './wiring/runs.ts'
import { createCredentials } from './wiring/tls.ts'
import { turnGauge } from './wiring/turn-gauge.ts'
import { watchmanPorts } from './wiring/watch.ts'
import { openTrustedKeys } from './wiring/trusted-keys.ts'
import { startWebhook } from './wiring/webhook-server.ts'
import type { World } from './wiring/world.ts'

/** Outside a cluster and without a URL nobody could call us, and our own namespace is most likely not there. */
function refuseIfHomeless(config: Config, { env }: Outside, inCluster: boolean): void {
  if (inCluster || config.webhookUrl !== undefined || env['POD_NAMESPACE'] !== undefined) return
  throw new StartError(
    2,
    'outside a cluster the API server must be told where to call: give --webhook-url https://HOST:PORT (for example https://127.0.0.1:9443)',
  )
}

/** Starts a service. Throws StartError, having undone what it began. */
export async function startService(config: Config, outside: Outside): Promise<Service> {
  const stopping = new AbortController()
  const undo: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const step of undo.splice(0).reverse())
      await step().catch((err: unknown) => outside.log.warn({ err }, 'a part did not stop cleanly'))
  }
  const giveUp = () => stopping.abort(outside.stop?.reason)
  outside.stop?.addEventListener('abort', giveUp, { once: true })
  try {
    // Who only looks needs none of the rights of those who act, and does none of what they do.
    const onlyLooks = config.roles.every((role) => role === 'dashboard')
    const life = { stopping, undo, stop }
    const service = await (onlyLooks ? onlyDashboard : assemble)(config, outside, life)
    outside.stop?.throwIfAborted()
    return service
  } catch (error) {
    stopping.abort()
    await stop()
    throw error
  } finally {
    outside.stop?.removeEventListener('abort', giveUp)
  }
}

// A quarter of all that there is to load is the dashboard's, which most processes do not have.
const onlyDashboard = async (config: Config, outside: Outside, life: Life): Promise<Service> =>
  (await import('./wiring/dashboard-alone.ts')).assembleDashboard(config, outside, life)

async function assemble(config: Config, outside: Outside, life: Life): Promise<Service> {
  const { stopping, undo, stop } = life
  const { clock, log } = outside
  const { signal } = stopping
  insistOnRules(config)
  const { metrics, notReady, starting, metricsPort, connection, owner, ready } = await begin(
    config,
    outside,
    life,
  )
  refuseIfHomeless(config, outside, connection.access.inCluster)
  const install = installOf(config)
  const credentials = await createCredentials({
    config,
    calls: connection.calls,
    clock,
    log,
    names: install.names,
    serverTime: connection.serverTime,
    readTold: toldBy(connection.calls, install.name, log),
    onStanding: turnGauge(metrics),
    secret: { namespace: install.namespace, name: `${install.name}-tls` },
  })
  const controller = createController(() => world)
  let dashboard: DashboardPart | undefined
  let watchman: Watchman | undefined
  const caches = config.veleroNamespaces.map((namespace) =>
    createCaches(namespace, {
      client: connection.client,
      clock,
      log,
      onObject: (object) => {
        controller.onObject(object)
        dashboard?.onState(object.namespace)
      },
      onAction: (namespace, name) => {
        controller.onAction(namespace, name)
        dashboard?.onState(namespace)
      },
    }),
  )
  const { egress, refused } = outboundOf({ config, connection, env: outside.env, clock, log })
  const plugins = await pluginsOf(
    { config, connection, clock, log, egress, refused, version: outside.version },
    () => world,
  )
  const others = await openTrustedKeys(config.trustedKeys, log)
  const told = { calls: connection.calls, clock, log, metrics, config, owner }
  const decisions = recorderOf({ ...told, macKey: credentials.macKey })
  const world: World = {
    config,
    clock,
    log,
    metrics,
    client: connection.client,
    calls: connection.calls,
    review: createAccessReview({ client: connection.client, clock }),
    cel: createCel(),
    runs: runsBy(connection.calls),
    plugins: plugins.ports,
    caches: new Map(caches.map((one) => [one.namespace, one])),
    cluster: connection.cluster,
    serverTime: connection.serverTime,
    owner,
    version: outside.version,
    guards: async (namespace) => (await watchman?.guards(namespace)) === true,
    macKey: credentials.macKey,
    outputsKeys: credentials.outputsKeys,
    trustedKeys: async () => [...ownKeys(credentials.outputsKeys(), connection.cluster), ...(await others())],
    record: decisions.record,
  }
  const running: Promise<unknown>[] = []
  undo.push(() => Promise.all(running))
  undo.push(() => Promise.resolve(stopping.abort()))
  running.push(...caches.flatMap(allOf).map((reflector) => reflector.start(signal)))
  notReady.push(() => copiesNotReady(caches.flatMap(allOf)))
  if (config.roles.includes('dashboard')) {
    const { openDashboard } = await import('./wiring/dashboard.ts')
    const part = await openDashboard({
      config,
      client: connection.client,
      calls: connection.calls,
      clock,
      log,
      caches,
      install,
      cluster: connection.cluster,
      owner,
      version: outside.version,
      metrics,
    })
    dashboard = part
    running.push(part.start(signal))
    undo.push(() => part.close())
  }
  if (install.outside) await refuseIfCovered(connection, install, config.veleroNamespaces)
  await credentials.start(signal)
  const registration: RegistrationWorld = {
    calls: connection.calls,
    name: install.name,
    namespaces: config.veleroNamespaces,
    clientConfig: install.clientConfig,
    token: credentials.pathToken,
    caBundle: credentials.caBundle,
  }

  running.push(refused.start(signal), plugins.start(signal))
  notReady.push(() => (refused.known() ? [] : ['the addresses that actions may not call are not known yet']))
  notReady.push(plugins.notReady)
  running.push(decisions.start(signal))
  // Once the webhook is closed, and while the API server can be reached.
  undo.push(() => decisions.close())
  const keys = exclusiveKeys({ calls: connection.calls, clock, hash })
  const perform = performerOf(world, guarded(egress, refused.known), keys)

  const webhook = config.roles.includes('webhook')
    ? await startWebhook({ world, credentials, perform, undo })
    : undefined
  // What keeps the registrations must end before they are taken away.
  const keeping = new AbortController()
  const leadership = new AbortController()
  const remake = install.outside
    ? await goOutside({ connection, install, registration, owner, clock, log }, undo)
    : undefined
  undo.push(() => Promise.resolve(keeping.abort()))

  const watching = createWatchman(watchmanPorts(world, (look) => noteLook(metrics, look)))
  watchman = watching
  running.push(watching.start(signal))
  notReady.push(() =>
    watching.unseen().map((namespace) => `the guard has not denied its canary in namespace ${namespace}`),
  )
  if (config.roles.includes('controller'))
    running.push(
      lead(world, {
        install,
        registration,
        remake,
        controller,
        perform,
        keys,
        refused,
        plugins,
        certificates: credentials.told,
        signal: AbortSignal.any([signal, leadership.signal]),
        keeping: keeping.signal,
      }),
    )
  starting.pop()
  log.info(
    { version: outside.version, owner, namespaces: config.veleroNamespaces, roles: config.roles },
    'tidewaiter runs',
  )
  running.push(noteReady(world, ready, signal))
  return {
    ports: { webhook: webhook?.port, metrics: metricsPort, dashboard: dashboard?.port },
    ready,
    stop: async () => {
      starting.push('stopping')
      // Another replica is to lead while this one still answers what is asked of it.
      leadership.abort()
      log.info({ owner }, 'stopping')
      await stop()
    },
  }
}

function noteLook(metrics: Metrics, { namespace, gateOff, guardClosed, reached }: Look): void {
  metrics.gateOff.set({ namespace }, gateOff ? 1 : 0)
  if (guardClosed !== undefined) metrics.guardClosed.set({ namespace }, guardClosed ? 1 : 0)
  if (reached !== undefined) metrics.probe.set({ namespace }, reached ? 1 : 0)
}

async function noteReady(
  { clock, metrics }: World,
  ready: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    metrics.ready.set(ready() ? 1 : 0)
    await clock.sleep(5_000, signal).catch(() => undefined)
  }
}

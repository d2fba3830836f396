/** A process that is nothing but a dashboard. */
import type { Config } from '../config.ts'
import { allOf, createCaches } from './caches.ts'
import { openDashboard, type DashboardPart } from './dashboard.ts'
import { installOf } from './install.ts'
import { begin, type Life, type Outside, type Service } from './life.ts'

/** Starts it: it registers nothing, leads nothing, and writes nothing. */
export async function assembleDashboard(config: Config, outside: Outside, life: Life): Promise<Service> {
  const { clock, log } = outside
  const { signal } = life.stopping
  const { notReady, starting, metricsPort, connection, owner, ready, metrics } = await begin(
    config,
    outside,
    life,
  )
  let dashboard: DashboardPart | undefined
  const { client, calls, cluster } = connection
  const caches = config.veleroNamespaces.map((namespace) =>
    createCaches(namespace, {
      client,
      clock,
      log,
      onObject: (object) => dashboard?.onState(object.namespace),
      onAction: (namespace) => dashboard?.onState(namespace),
    }),
  )
  const { version } = outside
  const install = installOf(config)
  const part = await openDashboard({
    config,
    client,
    calls,
    clock,
    log,
    caches,
    install,
    cluster,
    owner,
    version,
    metrics,
  })
  dashboard = part
  const running = [...caches.flatMap(allOf), part].map((one) => one.start(signal))
  life.undo.push(() => Promise.all(running))
  life.undo.push(() => Promise.resolve(life.stopping.abort()))
  life.undo.push(() => part.close())
  notReady.push(part.notReady)
  starting.pop()
  log.info({ version, owner, namespaces: config.veleroNamespaces, roles: config.roles }, 'tidewaiter runs')
  return {
    ports: { webhook: undefined, metrics: metricsPort, dashboard: part.port },
    ready,
    stop: async () => {
      starting.push('stopping')
      log.info({ owner }, 'stopping')
      await life.stop()
    },
  }
}

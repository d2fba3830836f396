/** The service, in the process of `tidewaiter sandbox`: on free ports, registered by URL, its log in a file. */
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import type { Folder } from '../sandbox/folder.ts'
import { ConfigError, parseConfig, type Config } from '../config.ts'
import { startService } from '../service.ts'
import type { Service } from '../wiring/life.ts'
import { StartError } from '../start-error.ts'
import { systemClock } from '../system-clock.ts'
import { logForm } from './log-form.ts'
import type { CliWorld } from './world.ts'

/** The running service. */
export type Beside = {
  readonly webhookUrl: string
  readonly metricsUrl: string
  readonly dashboardUrl: string
  /** Where its log is. */
  readonly log: string
  readonly stop: () => Promise<void>
}

const logName = 'tidewaiter.log'
const readyMs = 15_000
const lookMs = 10
// Between choosing a free port and listening on it another process may take it.
const tries = 3

/** What the flags of the sandbox give to it. */
type Given = { readonly dashboardListen: string; readonly trustedKeys: readonly string[] }

/** Starts it, and waits until it is ready. Throws StartError. */
export async function startBeside(
  folder: Folder,
  world: CliWorld,
  { signal, ...given }: Given & { readonly signal: AbortSignal },
): Promise<Beside> {
  const logFile = folder.file(logName)
  const destination = pino.destination({ dest: logFile, append: false, sync: false })
  const log = pino(logForm, destination)
  const { service, webhookUrl } = await start(folder, world, { log, ...given })
  const stop = async (): Promise<void> => {
    await service.stop()
    await new Promise<void>((resolve) => destination.flush(() => resolve()))
    destination.end()
  }
  for (const end = systemClock.now() + readyMs; !service.ready(); await systemClock.sleep(lookMs)) {
    if (systemClock.now() < end && !signal.aborted) continue
    await stop()
    signal.throwIfAborted()
    throw new StartError(
      4,
      `the service must be ready within ${readyMs / 1000} s, and was not: see ${logFile}`,
    )
  }
  return {
    webhookUrl,
    metricsUrl: `http://127.0.0.1:${service.ports.metrics}/metrics`,
    dashboardUrl: `http://127.0.0.1:${service.ports.dashboard ?? 0}/`,
    log: logFile,
    stop,
  }
}

type Started = { readonly service: Service; readonly webhookUrl: string }

async function start(
  folder: Folder,
  world: CliWorld,
  { log, ...given }: Given & { readonly log: pino.Logger },
): Promise<Started> {
  const kubeconfig = folder.file('tidewaiter.kubeconfig')
  for (let left = tries; ; left -= 1) {
    const at = `127.0.0.1:${await freePort()}`
    const webhookUrl = `https://${at}`
    const config = configOf({ kubeconfig, at, webhookUrl, ...given }, world)
    try {
      const service = await startService(config, {
        clock: systemClock,
        log,
        env: {},
        version: world.version,
        hostname: world.hostname,
      })
      return { service, webhookUrl }
    } catch (error) {
      if (left <= 1 || !(error instanceof StartError && error.message.includes('--listen'))) throw error
    }
  }
}

// Other settings of the environment may be of an install, and have no place here.
const passedOn = ['VELERO_PLUGINS_ENABLED', 'TIDEWAITER_REGISTRIES']

type Where = Given & {
  readonly kubeconfig: string
  readonly at: string
  readonly webhookUrl: string
}

function configOf(
  { kubeconfig, at, webhookUrl, dashboardListen, trustedKeys }: Where,
  { env }: CliWorld,
): Config {
  const flags = {
    kubeconfig,
    listen: at,
    'metrics-listen': '127.0.0.1:0',
    'webhook-url': webhookUrl,
    roles: 'webhook,controller,dashboard',
    'dashboard-listen': dashboardListen,
    // Whoever reaches a loopback address of this machine may read the kubeconfigs of the sandbox as well.
    'dashboard-sign-in': 'none',
    'trusted-keys': trustedKeys,
  }
  try {
    return parseConfig(flags, Object.fromEntries(passedOn.map((name) => [name, env[name]])))
  } catch (error) {
    throw error instanceof ConfigError ? new StartError(2, error.message, { cause: error }) : error
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

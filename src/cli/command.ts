/** What commands that end by themselves share: being stopped, errors that end them, and the cluster that they ask. */
import type { Clock } from '../clock.ts'
import { systemClock } from '../system-clock.ts'
import type { Log } from '../log.ts'
import { StartError } from '../start-error.ts'
import { reach, type Reached } from '../wiring/reach.ts'
import type { CliWorld } from './world.ts'

/** As a shell says of a process that Ctrl-C ended: 128 and the number of SIGINT. */
const interrupted = 130

/** Does the work; a stop ends it at once, and a StartError is told. */
export async function untilStopped(
  world: CliWorld,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController()
  world.onStop(() => stop.abort(new Error('asked to stop')))
  try {
    await work(stop.signal)
  } catch (error) {
    if (stop.signal.aborted) return world.exitCode(interrupted)
    if (!(error instanceof StartError)) throw error
    world.stderr(`tidewaiter: ${error.message}\n`)
    world.exitCode(error.exitCode)
  }
}

/** Asks a cluster; its connections are closed at the end. */
export async function withCluster<T>(
  kubeconfig: string | undefined,
  world: CliWorld,
  work: (cluster: Reached) => Promise<T>,
): Promise<T> {
  const userAgent = `tidewaiter/${world.version}`
  const cluster = await reach({
    kubeconfig,
    env: world.env,
    clock: clockOf(world),
    log: logTo(world),
    userAgent,
  })
  try {
    return await work(cluster)
  } finally {
    await cluster.client.close()
  }
}

/** The time of a command. */
export const clockOf = ({ clock }: CliWorld): Clock => clock ?? systemClock

const nothing = () => {}

/** A log for people: what is wrong, a line each. */
export const logTo = ({ stderr }: CliWorld): Log => ({
  debug: nothing,
  info: nothing,
  warn: (_, message) => stderr(`tidewaiter: warning: ${message}\n`),
  error: (_, message) => stderr(`tidewaiter: ${message}\n`),
})

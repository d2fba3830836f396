/** What a service is made of and what it gives, and what every process begins with. */
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import type { Reflector } from '../kube/reflector-options.ts'
import type { Log } from '../log.ts'
import { createMetrics } from '../observe/metrics.ts'
import { buildOps } from '../observe/ops.ts'
import { connect } from './connect.ts'
import { randomHex } from './crypto.ts'
import { listening } from './listening.ts'

/** What a service needs from the outside. */
export type Outside = {
  readonly clock: Clock
  readonly log: Log
  readonly env: Readonly<Record<string, string | undefined>>
  readonly version: string
  readonly hostname: string
  /** Aborts when the process is asked to end while it starts; what was begun is undone. */
  readonly stop?: AbortSignal
}

/** A running service. */
export type Service = {
  /** Where it listens. */
  readonly ports: {
    readonly webhook: number | undefined
    readonly metrics: number
    readonly dashboard: number | undefined
  }
  readonly ready: () => boolean
  /** Drains and stops; resolves when nothing of it runs any more. */
  readonly stop: () => Promise<void>
}

/** How a service is begun and undone. */
export type Life = {
  readonly stopping: AbortController
  readonly undo: (() => Promise<unknown>)[]
  readonly stop: () => Promise<void>
}

/** What every process begins with: the port for operations, and the connection to the API server. */
export async function begin(config: Config, outside: Outside, { stopping, undo }: Life) {
  const { clock, log } = outside
  const metrics = createMetrics(outside.version)
  const notReady: (() => readonly string[])[] = []
  const ops = buildOps({
    registry: metrics.registry,
    notReady: () => notReady.flatMap((reasons) => reasons()),
  })
  const starting = ['starting']
  notReady.push(() => starting)
  const { port: metricsPort } = await listening('--metrics-listen', config.metricsListen, () =>
    ops.listen(config.metricsListen),
  )
  undo.push(() => ops.close())
  const connection = await connect({
    config,
    env: outside.env,
    clock,
    log,
    userAgent: `tidewaiter/${outside.version}`,
    onCall: (method, code) => metrics.kubeRequests.inc({ method, code }),
    signal: stopping.signal,
  })
  undo.push(() => connection.client.close())
  const owner = `${config.podName || outside.hostname}-${randomHex(4)}`
  const ready = () => notReady.flatMap((reasons) => reasons()).length === 0
  return { metrics, notReady, starting, metricsPort, connection, owner, ready }
}

/** A watch that is half open is torn down after 150 s at most: who heard nothing for longer is cut off. */
export const cutOffMs = 180_000

/** Said of a process that is cut off. */
export const unheard = 'the API server has not been heard for three minutes'

/** Why what is followed cannot be relied on. */
export const copiesNotReady = (copies: readonly Reflector<unknown>[]): readonly string[] => [
  ...(copies.every((copy) => copy.synced()) ? [] : ['the copies of the API server are not synced yet']),
  ...(copies.some((copy) => copy.synced() && copy.silentMs() > cutOffMs) ? [unheard] : []),
]

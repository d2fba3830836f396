/** The load generator (bench/go/load): its own process on its own processor, so that what is measured is the server. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { goBinary } from './go.ts'
import { cores } from './world.ts'

const run = promisify(execFile)

/** What is sent. */
export type Load = {
  readonly url: string
  /** The file with the body. */
  readonly body: string
  readonly connections?: number
  readonly warmMs?: number
  readonly lastsMs?: number
  /** Requests a second over all connections; as fast as they are answered unless told. */
  readonly rate?: number
  /** Instead of a load: one request on each connection, so many times, with a pause between. */
  readonly bursts?: number
  readonly pauseMs?: number
}

/** What came back; times in microseconds. */
export type Seen = {
  readonly requests: number
  readonly seconds: number
  readonly p50: number
  readonly p99: number
  readonly eofs: number
  readonly failures: number
  readonly failure: string
  readonly answer: unknown
}

/** Sends, and says what came back. Throws where the generator was not built, or could not connect. */
export async function load({ url, body, connections = 16, ...rest }: Load): Promise<Seen> {
  const program = goBinary('load')
  if (program === undefined) throw new Error('the load generator must be built: Go is needed (bench/go)')
  const { warmMs = 500, lastsMs = 2_000, rate = 0, bursts = 0, pauseMs = 0 } = rest
  const flags = {
    url,
    body,
    connections,
    warm: `${warmMs}ms`,
    lasts: `${lastsMs}ms`,
    rate,
    bursts,
    pause: `${pauseMs}ms`,
  }
  const args = Object.entries(flags).flatMap(([flag, value]) => [`-${flag}`, String(value)])
  const { stdout } = await run('taskset', ['-c', String(cores.client), program, ...args])
  return JSON.parse(stdout) as Seen
}

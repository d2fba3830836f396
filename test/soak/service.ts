/** The service of a soak: `tidewaiter serve` as people start it, with both roles, in a process of its own. */
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../support/free-port.ts'
import { profiled, start } from './processes.ts'

/** A running service, and where its metrics are. */
export type SoakService = { readonly service: ChildProcess; readonly port: number }

const root = fileURLToPath(new URL('../..', import.meta.url))
const readyMs = 60_000

/** How it is started. */
export type ServiceOptions = {
  readonly kubeconfig: string
  readonly log: string
  /** Its folder for temporary files. */
  readonly temporary: string
  /** Where to write a profile of its processor time; undefined: nowhere. */
  readonly profile: string | undefined
}

/** Starts it, and waits until it is ready. */
export async function startService(options: ServiceOptions): Promise<SoakService> {
  const [port, webhook] = [await freePort(), await freePort()]
  const service = start({
    args: [
      ...profiled(options.profile, 'service'),
      '--expose-gc',
      '--import',
      join(root, 'test/soak/probe.ts'),
      join(root, 'src/main.ts'),
      'serve',
      `--kubeconfig=${options.kubeconfig}`,
      `--listen=127.0.0.1:${webhook}`,
      `--webhook-url=https://127.0.0.1:${webhook}`,
      `--metrics-listen=127.0.0.1:${port}`,
      '--drain-seconds=0',
      // A line for each decision, a hundred thousand times, is for who asks for it.
      '--log-level=warn',
    ],
    log: options.log,
    env: { POD_NAME: 'soak', TMPDIR: options.temporary },
    isService: true,
  })
  for (let left = readyMs; !(await isReady(port)); left -= 50) {
    if (left <= 0 || service.exitCode !== null)
      throw new Error(`the service must be ready within ${readyMs / 1000} s, and was not: see ${options.log}`)
    await sleep(50)
  }
  return { service, port }
}

const isReady = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/readyz`).then(
    ({ status }) => status === 200,
    () => false,
  )

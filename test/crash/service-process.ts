/** The service in processes of its own: `tidewaiter serve` as it is, but for the pace of its clock. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createWriteStream, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { paceVariable, type Pace } from './clock.ts'
import { startProxy, type PassingCall, type Proxy } from './proxy.ts'
import { freePort } from '../support/free-port.ts'

/** What every process of a harness has in common. */
export type ServiceWorld = {
  readonly folder: string
  /** Where the processes log. */
  readonly log: string
  readonly kubeconfig: string
  readonly api: { readonly url: string; readonly ca: string }
  readonly webhookUrl: string
  readonly pace: Pace
  /** What is done with a call of a process; what it does not take is passed on. */
  readonly onCall: (service: ServiceProcess, call: PassingCall) => Promise<void> | undefined
}

/** One process; `proxy` is what stands between it and the API server. */
export class ServiceProcess {
  readonly name: string
  readonly webhookPort: number
  /** Resolves when it has ended, however. */
  readonly ended: Promise<void>
  readonly #child: ChildProcess
  readonly #proxy: Proxy
  #ready = false
  #dead = false

  constructor(
    child: ChildProcess,
    { name, webhookPort, opsPort, proxy }: Ports & { readonly name: string; readonly proxy: Proxy },
  ) {
    this.name = name
    this.webhookPort = webhookPort
    this.#child = child
    this.#proxy = proxy
    // Also when this process is ended by hand.
    const endToo = () => void child.kill('SIGKILL')
    process.once('exit', endToo)
    this.ended = new Promise((resolve) => {
      child.once('close', () => {
        process.off('exit', endToo)
        this.#dead = true
        proxy.cut()
        resolve()
      })
    })
    void this.#watchReady(opsPort)
  }

  isReady(): boolean {
    return this.#ready && !this.#dead
  }

  isDead(): boolean {
    return this.#dead
  }

  /** Stands still until it is told to go on, as on a machine that is suspended. */
  pause(): void {
    this.#child.kill('SIGSTOP')
  }

  goOn(): void {
    this.#child.kill('SIGCONT')
  }

  /** SIGKILL: it is gone when this resolves, and nothing of it comes through any more. */
  async kill(): Promise<void> {
    this.#dead = true
    this.#child.kill('SIGKILL')
    this.#proxy.cut()
    await this.ended
  }

  async #watchReady(port: number): Promise<void> {
    while (!this.#dead && !this.#ready) {
      this.#ready = await isReady(port)
      if (!this.#ready) await sleep(25)
    }
  }
}

type Ports = { readonly webhookPort: number; readonly opsPort: number }

const root = fileURLToPath(new URL('../..', import.meta.url))
const src = (file: string): string => join(root, file)

/** Starts one; it need not be ready yet. */
export async function startProcess(world: ServiceWorld, name: string): Promise<ServiceProcess> {
  const ports = { webhookPort: await freePort(), opsPort: await freePort() }
  let service: ServiceProcess | undefined
  const proxy = await startProxy(world.api, (call) => service && world.onCall(service, call))
  const kubeconfig = join(world.folder, `${name}.kubeconfig`)
  writeFileSync(kubeconfig, world.kubeconfig.replace(world.api.url, `http://127.0.0.1:${proxy.port}`))
  const child = spawnServe(world, name, [
    `--kubeconfig=${kubeconfig}`,
    `--listen=127.0.0.1:${ports.webhookPort}`,
    `--metrics-listen=127.0.0.1:${ports.opsPort}`,
    `--webhook-url=${world.webhookUrl}`,
  ])
  service = new ServiceProcess(child, { name, ...ports, proxy })
  return service
}

const isReady = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/readyz`).then(
    ({ status }) => status === 200,
    () => false,
  )

function spawnServe(world: ServiceWorld, name: string, flags: readonly string[]): ChildProcess {
  const { NODE_OPTIONS: _hooksOfTap, ...env } = process.env
  const child = spawn(
    process.execPath,
    ['--import', src('test/crash/at-our-pace.ts'), src('src/main.ts'), 'serve', '--log-level=info', ...flags],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...env, POD_NAME: name, [paceVariable]: JSON.stringify(world.pace) },
    },
  )
  const log = createWriteStream(world.log, { flags: 'a' })
  child.stdout?.pipe(log)
  child.stderr?.pipe(log)
  return child
}

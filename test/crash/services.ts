/** The replicas: so many live at any time, and for each one that is killed a fresh one begins. */
import { setTimeout as sleep } from 'node:timers/promises'
import { startProcess, type ServiceProcess, type ServiceWorld } from './service-process.ts'

/** How many live, and how long one that is to be killed is left for others of its calls to come to where they are to be cut off. */
export type ServicesOptions = { readonly replicas: number; readonly parkMs: number }

/** All processes of one harness. */
export class Services {
  readonly #world: ServiceWorld
  readonly #options: ServicesOptions
  readonly #living = new Set<ServiceProcess>()
  readonly #doomed = new Set<ServiceProcess>()
  #count = 0
  #kills = 0
  #stopped = false

  constructor(world: ServiceWorld, options: ServicesOptions) {
    this.#world = world
    this.#options = options
  }

  /** When a leader was last killed, milliseconds of the wall; 0: never. */
  leaderKilledAt = 0

  get kills(): number {
    return this.#kills
  }
  get starts(): number {
    return this.#count
  }

  /** Those that answer. */
  ready(): readonly ServiceProcess[] {
    return [...this.#living].filter((one) => one.isReady())
  }

  /** Starts as many as are missing. */
  async fill(): Promise<void> {
    while (!this.#stopped && this.#living.size < this.#options.replicas) {
      const one = await startProcess(this.#world, `p${(this.#count += 1)}`)
      this.#living.add(one)
      void this.#replace(one)
    }
  }

  async #replace(one: ServiceProcess): Promise<void> {
    await one.ended
    this.#living.delete(one)
    // As the kubelet, which waits longer.
    await sleep(20)
    await this.fill()
  }

  /** Kills one in a moment: calls of other objects that are to end with a process end with this one, which saves hundreds of starts. */
  killSoon(service: ServiceProcess, isLeader: boolean): void {
    if (this.#doomed.has(service) || service.isDead()) return
    this.#doomed.add(service)
    setTimeout(() => {
      this.#kills += 1
      if (isLeader) this.leaderKilledAt = Date.now()
      void service.kill()
    }, this.#options.parkMs)
  }

  /** The process that an owner of a run was. */
  named(owner: string): ServiceProcess | undefined {
    return [...this.#living].find(({ name }) => owner.startsWith(`${name}-`))
  }

  /** The process that listens for the API server at a port. */
  at(port: number): ServiceProcess | undefined {
    return [...this.#living].find(({ webhookPort }) => webhookPort === port)
  }

  async whenReady(atLeast = 1, seconds = 180): Promise<void> {
    for (let left = seconds * 1000; this.ready().length < atLeast; left -= 20) {
      if (left <= 0 || this.#stopped)
        throw new Error(`waited ${seconds} s, and no process of the service is ready`)
      await sleep(20)
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all([...this.#living].map((one) => one.kill()))
  }
}

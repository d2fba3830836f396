/** Replicas with their Secret, a leader that registers, and API servers that learn late: what would become of a call at each moment. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Test } from 'tap'
import type { Clock } from '../../src/clock.ts'
import { certificateState } from '../../src/tls/certificate.ts'
import { buildKeeper, type Keeper } from '../../src/tls/keeper.ts'
import type { Told } from '../../src/tls/ports.ts'
import type { Standing } from '../../src/tls/standing.ts'
import { trusts } from '../../src/tls/told.ts'
import { FakeClock } from './fake-clock.ts'
import { FakeLog } from './fake-log.ts'
import { FakeSecret } from './fake-secret.ts'

/** The name that the replicas are called by. */
export const names = ['tidewaiter.tidewaiter.svc']
const stepMs = 1000
const overlapMs = 60_000
// Half the overlap: what is done too early is found out.
const lateMs = 30_000

type Replica = {
  readonly keeper: Keeper
  readonly stop: () => void
  /** It works, and waits for no clock. */
  readonly isBusy: () => boolean
  isUp: boolean
}

/** Two replicas and what surrounds them; `skews`: how far the clock of each is ahead. */
export class Turning {
  readonly clock = new FakeClock()
  readonly log = new FakeLog()
  readonly store = new FakeSecret()
  /** What would have failed: none of it may happen. */
  readonly failed: string[] = []
  /** Where the turn stood, as the first replica told it: each change once. */
  readonly standings: Standing[] = []
  leader = 0
  mayRegister = true
  mayReadTold = true
  /** Which replica cannot read the Secret. */
  blind: number | undefined
  /** How long the API server takes for each look at the Secret. */
  slowMs = 0
  readonly #replicas: Replica[] = []
  readonly #skews: readonly number[]
  readonly #history: { readonly at: number; readonly told: readonly Told[] }[] = []
  readonly #good = new Map<string, boolean>()
  #told: Told[] = [none, none]

  constructor(t: Test, skews: readonly number[] = [0, 0]) {
    this.#skews = skews
    for (const [i] of skews.entries()) this.restart(i)
    t.teardown(() => this.#replicas.forEach(({ stop }) => stop()))
  }

  /** Replaces a replica by one that knows nothing. */
  restart(index: number): void {
    this.#replicas[index]?.stop()
    const ending = new AbortController()
    const { clock, log } = this
    const at = workingClock(clock, this.#skews[index] ?? 0)
    const read = async () => {
      if (this.slowMs > 0) await at.clock.sleep(this.slowMs)
      return this.blind === index ? Promise.reject(new Error('no route')) : this.store.read()
    }
    const keeper = buildKeeper({
      store: { read, create: this.store.create, update: this.store.update },
      names,
      clock: at.clock,
      log,
      now: clock.now,
      readTold: async () => (this.mayReadTold ? this.#told : undefined),
      overlapMs,
      onStanding: (standing) => {
        if (index === 0 && !isDeepStrictEqual(standing, this.standings.at(-1))) this.standings.push(standing)
      },
    })
    const replica = { keeper, stop: () => ending.abort(), isBusy: at.isBusy, isUp: false }
    this.#replicas[index] = replica
    keeper.start(ending.signal).then(
      () => (replica.isUp = true),
      () => {},
    )
  }

  /** What a replica shows. */
  shown(index: number): ReturnType<Keeper['current']> {
    return this.#replicas[index]!.keeper.current()
  }

  /** Lets seconds go by; from `isWatched` on every call must succeed. */
  async pass(seconds: number, isWatched = true): Promise<void> {
    for (let i = 0; i < seconds; i += 1) {
      await this.#settled()
      await this.clock.pass(stepMs)
      this.#register()
      if (isWatched) this.#call()
    }
  }

  // Keys are made on another thread, which a still clock does not wait for.
  async #settled(): Promise<void> {
    for (let i = 0; i < 5_000 && this.#replicas.some(({ isBusy }) => isBusy()); i += 1) await sleep(1)
  }

  /** The leader looks each 10 s, at one configuration and a second later at the other. */
  #register(): void {
    const which = (this.clock.now() / stepMs) % 10
    const leader = this.#replicas[this.leader]
    if (!this.mayRegister || leader?.isUp !== true || which > 1) return
    this.#told = this.#told.with(which, {
      caBundle: leader.keeper.current().caBundle,
      token: leader.keeper.pathToken(),
    })
    this.#history.push({ at: this.clock.now(), told: this.#told })
  }

  #call(): void {
    const since = this.clock.now() - lateMs
    const late = this.#history.findLast(({ at }) => at <= since)?.told
    for (const [i, { keeper, isUp }] of this.#replicas.entries()) {
      if (!isUp) continue
      for (const [server, told] of Object.entries({ prompt: this.#told, late: late ?? this.#told }))
        this.#callOne(`replica ${i} by the ${server} API server`, told, keeper.current())
    }
  }

  #callOne(
    what: string,
    told: readonly Told[],
    { cert, expiresAt, pathTokens }: ReturnType<Keeper['current']>,
  ): void {
    const key = JSON.stringify([told, cert])
    const isGood = this.#good.get(key) ?? (trusts(told, cert) && this.#isValid(cert))
    this.#good.set(key, isGood)
    if (!isGood || expiresAt <= this.clock.now()) this.#fail(`${what}: the certificate is refused`)
    if (!told.every(({ token }) => pathTokens.includes(token))) this.#fail(`${what}: unknown path`)
  }

  #isValid(cert: string): boolean {
    return certificateState(cert, this.clock.now(), names).state === 'valid'
  }

  #fail(what: string): void {
    if (!this.failed.includes(what)) this.failed.push(what)
  }
}

const none: Told = { caBundle: '', token: '' }

/** A clock that tells whether its owner works between a deadline and its release, other than by waiting for it. */
function workingClock(clock: FakeClock, skewMs: number): { clock: Clock; isBusy: () => boolean } {
  let [isLooking, isAsleep] = [false, false]
  return {
    isBusy: () => isLooking && !isAsleep,
    clock: {
      now: () => clock.now() + skewMs,
      steady: clock.steady,
      random: clock.random,
      after: clock.after,
      sleep: async (ms, signal) => {
        isAsleep = true
        await clock.sleep(ms, signal).finally(() => (isAsleep = false))
      },
      abortAfter: (ms) => {
        const { signal, release } = clock.abortAfter(ms)
        isLooking = true
        return {
          signal,
          release: () => {
            isLooking = false
            release()
          },
        }
      },
    },
  }
}

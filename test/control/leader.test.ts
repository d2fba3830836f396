import t from 'tap'
import type { Clock, Deadline } from '../../src/clock.ts'
import { createLeader } from '../../src/control/leader.ts'
import type { Lease, LeasePort, LeaseWrite } from '../../src/control/lease-claim.ts'
import type { Log } from '../../src/log.ts'
import { FakeClock } from '../support/fake-clock.ts'

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** The Lease as the API server keeps it: an update is good only on the version that it carries. */
class FakeLease {
  lease: Lease | undefined
  #version = 0

  write(next: Lease, isCreate: boolean): LeaseWrite {
    const fits = isCreate ? this.lease === undefined : next.resourceVersion === this.lease?.resourceVersion
    if (!fits) return { conflict: true }
    this.lease = { ...next, resourceVersion: String(++this.#version) }
    return { ok: this.lease }
  }

  touch(change: Partial<Lease>): void {
    if (this.lease !== undefined)
      this.lease = { ...this.lease, ...change, resourceVersion: String(++this.#version) }
  }
}

/** What happens to one call on its way. */
type Fate = { readonly thereMs: number; readonly backMs: number; readonly lost: 'no' | 'request' | 'reply' }
const swift: Fate = { thereMs: 0, backMs: 0, lost: 'no' }

/** One process: its own clock, which may be wrong and slow, its own way to the API server, and pauses. */
class Candidate {
  readonly #base: FakeClock
  readonly #server: FakeLease
  readonly stop = new AbortController()
  readonly ended: Promise<void>
  readonly leader
  fate: () => Fate = () => swift
  skewMs = 0
  rate = 1
  #pausedUntil = 0
  /** The signals given to the work, in order; and those that say that the lease is lost. */
  readonly leads: AbortSignal[] = []
  readonly losses: AbortSignal[] = []
  work: (signal: AbortSignal) => Promise<void> = (signal) =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve()))

  constructor(base: FakeClock, server: FakeLease, identity: string) {
    this.#base = base
    this.#server = server
    this.leader = createLeader({
      lease: this.#port(),
      identity,
      clock: this.#clock(),
      log: silent,
      onLead: (signal, lost) => {
        this.leads.push(signal)
        this.losses.push(lost)
        return this.work(signal)
      },
    })
    this.ended = Promise.resolve().then(() => this.leader.start(this.stop.signal))
  }

  pause(ms: number): void {
    this.#pausedUntil = this.#base.now() + ms
  }

  get paused(): boolean {
    return this.#pausedUntil > this.#base.now()
  }

  /** Whether this process would act as the leader now. */
  get leads1(): boolean {
    return !this.paused && this.leader.isLeader()
  }

  /** Nothing of a paused process goes on before it wakes. */
  async #awake(): Promise<void> {
    while (this.paused) await this.#base.sleep(this.#pausedUntil - this.#base.now())
  }

  #clock(): Clock {
    const base = this.#base
    return {
      now: () => (base.now() - 1e12) * this.rate + 1e12 + this.skewMs,
      steady: () => base.steady() * this.rate,
      random: base.random,
      after: (ms, run) => base.after(ms / this.rate, run),
      sleep: async (ms, signal) => {
        await base.sleep(ms / this.rate, signal)
        await this.#awake()
        signal?.throwIfAborted()
      },
      abortAfter: (ms): Deadline => {
        const controller = new AbortController()
        const deadline = base.abortAfter(ms / this.rate)
        deadline.signal.addEventListener(
          'abort',
          () => void this.#awake().then(() => controller.abort(deadline.signal.reason)),
        )
        return { signal: controller.signal, release: deadline.release }
      },
    }
  }

  #port(): LeasePort {
    const via = async <T>(act: () => T): Promise<T> => {
      const fate = this.fate()
      await this.#base.sleep(fate.thereMs)
      if (fate.lost === 'request') throw new Error('connection reset')
      const answer = act()
      await this.#base.sleep(fate.backMs)
      await this.#awake()
      if (fate.lost === 'reply') throw new Error('connection reset')
      return answer
    }
    return {
      read: () => via(() => this.#server.lease),
      create: (lease) => via(() => this.#server.write(lease, true)),
      update: (lease) => via(() => this.#server.write(lease, false)),
    }
  }
}

const world = (identities: readonly string[]) => {
  const clock = new FakeClock()
  const server = new FakeLease()
  const all = identities.map((identity) => new Candidate(clock, server, identity))
  const [a, b] = all as [Candidate, Candidate]
  const end = async () => {
    for (const one of all) one.stop.abort()
    const ended = new Set<Candidate>()
    for (const one of all) void one.ended.then(() => ended.add(one))
    for (let n = 0; n < 1000 && ended.size < all.length; n++) await clock.pass(100)
    return ended.size === all.length
  }
  return { clock, server, all, a, b, end }
}

t.test(
  'one of two leads; when it stops, it ends its work, releases, and the other follows at once',
  async (t) => {
    const { clock, server, a, b, end } = world(['a', 'b'])
    await clock.pass(3000)
    t.same([a.leads1, b.leads1], [true, false])
    t.match(server.lease, { holder: 'a', durationSeconds: 15, transitions: 0 })
    a.stop.abort()
    await clock.pass(1)
    t.equal(a.leads[0]?.aborted, true)
    t.match(server.lease, { holder: '', durationSeconds: 1 })
    await clock.pass(5000)
    t.equal(b.leads1, true)
    t.match(server.lease, { holder: 'b', transitions: 1 })
    t.ok(await end())
    t.equal(clock.waiting, 0)
  },
)

t.test('a leader that dies is followed after the lease has run out, by the timer of the other', async (t) => {
  const { clock, a, b, end } = world(['a', 'b'])
  b.skewMs = 86_400_000
  await clock.pass(5000)
  t.equal(a.leads1, true)
  a.fate = () => ({ ...swift, lost: 'request' })
  await clock.pass(9000)
  t.equal(b.leads1, false)
  await clock.pass(15_000)
  t.same([a.leads1, b.leads1], [false, true])
  t.equal(a.leads[0]?.aborted, true)
  await end()
})

t.test('work goes on while one renewal after another fails, for ten seconds', async (t) => {
  const { clock, a, end } = world(['a'])
  await clock.pass(2100)
  a.fate = () => ({ ...swift, lost: 'request' })
  await clock.pass(7000)
  t.equal(a.leads[0]?.aborted, false)
  a.fate = () => swift
  await clock.pass(10_000)
  t.equal(a.leads.length, 1)
  t.equal(a.leads1, true)
  await end()
})

t.test('a renewal that hangs does not use up the time: the next one saves the lead', async (t) => {
  const { clock, a, end } = world(['a'])
  await clock.pass(3000)
  let first = true
  a.fate = () => {
    const fate = first ? { ...swift, thereMs: 1e7 } : swift
    first = false
    return fate
  }
  await clock.pass(30_000)
  t.equal(a.leads.length, 1)
  t.equal(a.leads1, true)
  await end()
})

t.test('a lost reply is found out by reading', async (t) => {
  const { clock, a, end } = world(['a'])
  let n = 0
  a.fate = () => ({ ...swift, lost: n++ % 4 === 1 ? 'reply' : 'no' })
  await clock.pass(60_000)
  t.equal(a.leads1, true)
  t.equal(a.leads.length, 1)
  await end()
})

t.test('a label on the Lease costs no lead; another holder does, at once', async (t) => {
  const { clock, server, a, b, end } = world(['a', 'b'])
  await clock.pass(3000)
  server.touch({})
  await clock.pass(4000)
  t.equal(a.leads1, true)
  server.touch({ holder: 'intruder', renewedAt: 1 })
  await clock.pass(2100)
  t.equal(a.leads[0]?.aborted, true)
  t.same([a.leads1, b.leads1], [false, false], 'and the intruder is left its time')
  await clock.pass(25_000)
  t.equal([a.leads1, b.leads1].filter(Boolean).length, 1)
  await end()
})

t.test(
  'a Lease that is deleted under a leader is not taken by another that knows of the leader',
  async (t) => {
    const { clock, server, a, b, end } = world(['a', 'b'])
    await clock.pass(6000)
    t.equal(a.leads1, true)
    server.lease = undefined
    for (let n = 0; n < 100; n++) {
      await clock.pass(100)
      t.notOk(a.leads1 && b.leads1)
    }
    t.equal(a.leads1, true)
    await end()
  },
)

t.test('a Lease of a huge duration holds nobody up for ever', async (t) => {
  const { clock, server, a, end } = world(['a'])
  server.lease = {
    holder: 'x',
    durationSeconds: 2e9,
    acquiredAt: 0,
    renewedAt: 4e15,
    transitions: 3,
    resourceVersion: '0',
  }
  await clock.pass(290_000)
  t.equal(a.leads1, false)
  await clock.pass(20_000)
  t.equal(a.leads1, true)
  t.ok((server.lease?.renewedAt ?? 0) > 4e15, 'and every renewal is a change that others see')
  await end()
})

t.test('work that ends or fails by itself gives the lease up, and is begun again later', async (t) => {
  const { clock, server, a, end } = world(['a'])
  a.work = () => Promise.reject(new Error('bug'))
  await clock.pass(1000)
  t.equal(a.leads.length, 1)
  t.equal(a.leads[0]?.aborted, true)
  t.match(server.lease, { holder: '' })
  await clock.pass(30_000)
  t.ok(a.leads.length > 3 && a.leads.length < 12)
  await end()
})

t.test('while work winds down after a stop the lease is kept, but not by work that never ends', async (t) => {
  const { clock, server, a, b, end } = world(['a', 'b'])
  a.work = () => new Promise(() => {})
  await clock.pass(3000)
  a.stop.abort()
  await clock.pass(25_000)
  t.same([a.leads1, b.leads1], [false, false])
  t.match(server.lease, { holder: 'a' })
  await clock.pass(30_000)
  t.same([a.leads1, b.leads1], [false, true])
  b.stop.abort()
  t.notOk(await end(), 'the stuck work is still there; the process must end')
})

t.test('a stop lets the work end; a lease that is lost ends it at once', async (t) => {
  const { clock, a, b, end } = world(['a', 'b'])
  const work = Promise.withResolvers<void>()
  a.work = () => work.promise
  await clock.pass(3000)
  a.stop.abort()
  await clock.pass(5000)
  t.same(
    [a.leads[0]?.aborted, a.losses[0]?.aborted, a.leader.isLeader(), a.leader.holds()],
    [true, false, false, true],
  )
  work.resolve()
  await clock.pass(5000)
  t.same([a.leader.holds(), b.leader.holds()], [false, true])
  b.fate = () => ({ ...swift, lost: 'request' })
  await clock.pass(10_000)
  t.same([b.leads[0]?.aborted, b.losses[0]?.aborted, b.leader.holds()], [true, true, false])
  await end()
})

t.test('who led before is known to the next one, who led once more is not', async (t) => {
  const { clock, server, a, b, end } = world(['a', 'b'])
  await clock.pass(5000)
  t.same([...a.leader.formers()], [])
  a.fate = () => ({ ...swift, lost: 'request' })
  await clock.pass(25_000)
  t.same([b.leads1, [...b.leader.formers()]], [true, ['a']])
  for (let n = 0; n < 100; n++) {
    server.touch({ holder: `c${n}`, renewedAt: n })
    await clock.pass(2500)
  }
  t.equal(b.leader.formers().size, 64, 'and not for ever')
  t.equal([...b.leader.formers()].at(-1), 'c99')
  await end()
})

t.test(
  'a clock that is set back costs no lead; one that is set forth costs one, for half a minute',
  async (t) => {
    const { clock, a, end } = world(['a'])
    await clock.pass(3000)
    for (const ms of [60_000, 5 * 3_600_000]) {
      a.skewMs -= ms
      t.equal(a.leader.holds(), true)
      await clock.pass(20_000)
    }
    t.equal(a.leads.length, 1)
    a.skewMs += 3_600_000
    t.equal(a.leader.holds(), false, 'it may have been a machine that was suspended')
    await clock.pass(30_000)
    t.same([a.leads.length, a.losses[0]?.aborted, a.leader.holds()], [2, true, true])
    await end()
  },
)

t.test(
  'who wakes up from a pause knows it before any timer, also if its clock was set back meanwhile',
  async (t) => {
    const { clock, a, b, end } = world(['a', 'b'])
    await clock.pass(3000)
    a.pause(40_000)
    await clock.pass(39_000)
    t.equal(b.leads1, true)
    t.equal(a.leads[0]?.aborted, false, 'nothing has told it yet')
    a.skewMs -= 3_600_000
    t.equal(a.leader.holds(), false)
    await end()
  },
)

t.test('durations that leave no margin are refused', async (t) => {
  const make = (leaseMs: number, renewDeadlineMs: number, retryMs: number) => () =>
    createLeader({
      lease: {} as LeasePort,
      identity: 'a',
      clock: new FakeClock(),
      log: silent,
      onLead: async () => {},
      durations: { leaseMs, renewDeadlineMs, retryMs },
    })
  t.throws(make(10_000, 10_000, 2000), TypeError)
  t.throws(make(15_000, 10_000, 9000), TypeError)
})

/** Numbers from a seed: mulberry32. */
const seeded = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let n = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  n = (n + Math.imul(n ^ (n >>> 7), 61 | n)) ^ n
  return ((n ^ (n >>> 14)) >>> 0) / 4294967296
}

t.test(
  'never do two lead at once, under lost calls, delays, skewed and drifting clocks, and pauses',
  async (t) => {
    let terms = 0
    for (let seed = 1; seed <= 8; seed++) {
      const random = seeded(seed)
      const { clock, all, end } = world(['a', 'b', 'c'])
      for (const one of all) {
        one.skewMs = (random() - 0.5) * 1e8
        one.rate = 0.9 + random() * 0.2
        one.fate = () => {
          const lost = random() < 0.15 ? 'request' : random() < 0.2 ? 'reply' : 'no'
          const slow = random() < 0.1 ? 12_000 : 200
          return { thereMs: random() * slow, backMs: random() * slow, lost }
        }
      }
      for (let step = 0; step < 500; step++) {
        await clock.pass(150 + random() * 200)
        const one = all[Math.floor(random() * all.length)]
        if (random() < 0.03) one?.pause(random() * 40_000)
        if (one !== undefined && random() < 0.02) one.skewMs += (random() - 0.5) * 1e5
        const leading = all.filter((other) => other.leads1)
        if (leading.length > 1) t.fail(`two lead at once: seed ${seed}, step ${step}`)
        const working = all.filter((other) => !other.paused && other.leads.some((signal) => !signal.aborted))
        if (working.length > 1) t.fail(`two work at once: seed ${seed}, step ${step}`)
      }
      terms += all.reduce((sum, one) => sum + one.leads.length, 0)
      t.ok(await end())
    }
    t.ok(terms > 20, `and there were many changes of leader: ${terms}`)
  },
)

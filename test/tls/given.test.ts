/** Certificates that others keep, under the eyes of API servers: each replica gets its files at another time, and no call fails. */
import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { mintAuthority, mintLeaf } from '../../src/tls/authority.ts'
import { readBundle, readCertificate, validity } from '../../src/tls/certificate.ts'
import type { FilePair } from '../../src/tls/file-pair.ts'
import { buildTlsFiles, type TlsFiles } from '../../src/tls/files.ts'
import { bundleFor, isTrustedBy } from '../../src/tls/given.ts'
import type { Told } from '../../src/tls/ports.ts'
import { FakeClock, newYear } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'

const names = ['a.svc']
const overlapMs = 60_000
const hourMs = 3_600_000
const [before, after] = [
  await mintAuthority({ name: 'before', now: newYear }),
  await mintAuthority({ name: 'after', now: newYear }),
]

async function aPair(authority: typeof before, validMs = 24 * hourMs): Promise<FilePair> {
  const { cert, key } = await mintLeaf({ authority, names, now: newYear, validMs })
  return { cert, key, caBundle: authority.cert, expiresAt: validity(readCertificate(cert)!).until }
}
const [first, second, other] = [await aPair(before), await aPair(before), await aPair(after)]

/** Two replicas with files of their own, a leader that registers, and API servers that learn half an overlap late. */
class Replicas {
  readonly clock = new FakeClock()
  readonly log = new FakeLog()
  readonly failed: string[] = []
  readonly files: FilePair[]
  leader = 0
  mayReadTold = true
  own: FilePair = first
  mayRegister = true
  readonly replicas: TlsFiles[] = []
  readonly #good = new Map<string, boolean>()
  readonly #ending = new AbortController()
  readonly #history: { readonly at: number; readonly told: readonly Told[] }[] = []

  constructor(t: Test, given: readonly FilePair[] = [first, first]) {
    this.files = [...given]
    t.teardown(() => this.#ending.abort())
  }
  /** What was registered before any of them started. */
  registered = ''
  get told(): readonly Told[] {
    return this.#history.at(-1)?.told ?? [{ caBundle: this.registered, token: '' }]
  }
  async start(index: number): Promise<void> {
    const { clock, log } = this
    const replica = buildTlsFiles({
      read: async () => ({ ok: this.files[index]! }),
      clock,
      log,
      now: clock.now,
      readTold: async () => (this.mayReadTold ? this.told : undefined),
      overlapMs,
      own: () => this.own,
    })
    this.replicas[index] = replica
    await replica.start(this.#ending.signal)
  }
  async pass(seconds: number, isWatched = true): Promise<void> {
    for (let i = 0; i < seconds; i += 1) {
      await this.clock.pass(1000)
      await setImmediate()
      if (this.mayRegister && i % 5 === 0) this.#register()
      if (isWatched) this.#call()
    }
  }
  #register(): void {
    const caBundle = this.replicas[this.leader]?.caBundle() ?? ''
    if (caBundle !== this.told[0]?.caBundle)
      this.#history.push({ at: this.clock.now(), told: [{ caBundle, token: '' }] })
  }
  #call(): void {
    const late = this.#history.findLast(({ at }) => at <= this.clock.now() - overlapMs / 2)?.told
    for (const [i, replica] of this.replicas.entries()) {
      for (const told of [this.told, late ?? this.told])
        if (!this.#isTrusted(told, replica.current())) this.failed.push(`replica ${i} is refused`)
    }
  }
  #isTrusted(told: readonly Told[], pair: FilePair): boolean {
    const key = JSON.stringify([told, pair.cert])
    const isGood = this.#good.get(key) ?? isTrustedBy(told, pair)
    this.#good.set(key, isGood)
    return isGood
  }
}

async function settled(t: Test): Promise<Replicas> {
  const world = new Replicas(t)
  await world.start(0)
  await world.start(1)
  await world.pass(150, false)
  return world
}

t.test(
  'no call fails when the authority is another one, whichever replica has the new files first',
  async (t) => {
    for (const leader of [0, 1]) {
      const world = await settled(t)
      world.leader = leader
      world.files[0] = other
      await world.pass(40)
      world.files[1] = other
      await world.pass(40)
      t.equal(world.replicas[1]!.current().cert, first.cert, 'not shown yet')
      await world.pass(200)
      t.same(world.failed, [])
      for (const replica of world.replicas) t.equal(replica.current().cert, other.cert)
      t.equal(world.told[0]?.caBundle, after.cert, 'nothing of before is registered')
    }
  },
)

t.test('a renewal under the same authority is shown at the next look', async (t) => {
  const world = await settled(t)
  world.files[0] = second
  await world.pass(11)
  t.equal(world.replicas[0]!.current().cert, second.cert)
  t.same(world.failed, [])
})

t.test(
  'while the registrations cannot be written, or not be read, the former certificate stays',
  async (t) => {
    for (const hindrance of ['mayRegister', 'mayReadTold'] as const) {
      const world = await settled(t)
      world[hindrance] = false
      world.files.fill(other)
      await world.pass(300)
      t.same(world.failed, [], hindrance)
      t.equal(world.replicas[0]!.current().cert, first.cert)
      world[hindrance] = true
      await world.pass(200)
      t.same(world.failed, [], hindrance)
      t.equal(world.replicas[0]!.current().cert, other.cert)
    }
  },
)

t.test('an authority that is replaced before its certificate takes none of the trust away', async (t) => {
  const world = await settled(t)
  for (const i of [0, 1]) world.files[i] = { ...first, caBundle: after.cert }
  await world.pass(300)
  t.same(world.failed, [])
  t.equal(readBundle(world.told[0]!.caBundle).length, 2)
  world.files.fill(other)
  await world.pass(300)
  t.same(world.failed, [])
  t.equal(world.told[0]?.caBundle, after.cert)
})

t.test('a leader that starts in the middle leaves the former authority registered', async (t) => {
  const world = await settled(t)
  world.files.fill(other)
  await world.pass(90)
  await world.start(0)
  await world.pass(10)
  t.equal(readBundle(world.told[0]!.caBundle).length, 2)
  await world.pass(200)
  t.same(world.failed, [])
  t.equal(world.told[0]?.caBundle, after.cert)
})

t.test('an install that takes to files shows its own certificate until theirs is trusted', async (t) => {
  const world = new Replicas(t, [other, other])
  world.registered = before.cert
  // The one that leads is still of before, and knows of no files.
  world.mayRegister = false
  await world.start(0)
  await world.pass(100)
  await world.start(1)
  world.mayRegister = true
  await world.pass(200)
  t.same(world.failed, [])
  for (const replica of world.replicas) t.equal(replica.current().cert, other.cert)
  t.equal(world.told[0]?.caBundle, after.cert)
})

t.test('what has ended is shown no longer, whether or not the other is trusted', async (t) => {
  const brief = await aPair(before, hourMs)
  const world = new Replicas(t, [brief])
  await world.start(0)
  world.mayRegister = false
  world.files[0] = other
  await world.clock.pass(3_500_000)
  t.equal(world.replicas[0]!.current().cert, brief.cert)
  await world.pass(120, false)
  t.equal(world.replicas[0]!.current().cert, other.cert)
})

t.test('a chain leads to its root over what is between them', async (t) => {
  const told = [{ caBundle: before.cert, token: '' }]
  t.ok(isTrustedBy(told, { ...first, cert: `${first.cert}${after.cert}` }))
  t.notOk(isTrustedBy(told, { ...other, cert: `${other.cert}${after.cert}` }))
  t.notOk(isTrustedBy([], first))
  t.notOk(isTrustedBy([...told, { caBundle: '', token: '' }], first), 'every webhook must')
})

t.test('without a CA file the registrations are left to others', async (t) => {
  const { caBundle: _ca, ...alone } = other
  t.equal(
    bundleFor(
      { read: alone, shown: alone, told: [{ caBundle: before.cert, token: '' }], isOver: true },
      newYear,
    ),
    undefined,
  )
})

t.test('what the file says is registered whole, however many authorities it holds', async (t) => {
  const many: string[] = []
  for (let i = 0; i < 11; i += 1) many.push((await mintAuthority({ name: `ca ${i}`, now: newYear })).cert)
  const read = { ...other, caBundle: [...many, after.cert].join('\n') }
  const told = [{ caBundle: before.cert, token: '' }]
  const bundle = bundleFor({ read, shown: first, told, isOver: false }, newYear) ?? ''
  t.equal(readBundle(bundle).length, 13)
  t.ok(isTrustedBy([{ caBundle: bundle, token: '' }], read), 'its issuer is the last one')
  t.ok(isTrustedBy([{ caBundle: bundle, token: '' }], first), 'and what is shown elsewhere is trusted still')
})

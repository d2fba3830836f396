/** Turning under the eyes of API servers: whatever happens to the Secret, no call fails, and in the end nothing of before is left. */
import t, { type Test } from 'tap'
import { mintAuthority, mintLeaf } from '../../src/tls/authority.ts'
import { readBundle } from '../../src/tls/certificate.ts'
import { keys } from '../../src/tls/material.ts'
import type { SecretValues } from '../../src/tls/ports.ts'
import { isOfNewest, isTurning } from '../../src/tls/turning.ts'
import { newYear } from '../support/fake-clock.ts'
import { names, Turning } from '../support/turning.ts'
import { whenThorough } from '../support/runs.ts'

/** Two replicas that are registered, and the Secret that they share. */
async function settled(t: Test, skews?: readonly number[]) {
  const world = new Turning(t, skews)
  await world.pass(60, false)
  return { world, before: world.store.values! }
}

/** Lets a turn come to its end. */
async function turned(world: Turning): Promise<void> {
  for (let i = 0; i < 40; i += 1) {
    await world.pass(10)
    if (world.store.values !== undefined && !isTurning(world.store.values) && !world.store.isTurnAsked) return
  }
}

const other = await mintAuthority({ name: 'other', now: newYear })
const otherLeaf = await mintLeaf({ authority: other, names, now: newYear })
/** A good Secret, but not ours. */
const otherSecret = {
  [keys.caBundle]: other.cert,
  [keys.caKey]: other.key,
  [keys.cert]: otherLeaf.cert,
  [keys.key]: otherLeaf.key,
  [keys.pathToken]: '0'.repeat(32),
}

const without =
  (key: string) =>
  (values: SecretValues): SecretValues =>
    Object.fromEntries(Object.entries(values).filter(([one]) => one !== key))

/** What becomes of the Secret, and what of it is another in the end. */
const happenings: Readonly<
  Record<
    string,
    {
      readonly damage: (values: SecretValues) => SecretValues | undefined
      readonly changes: readonly (keyof typeof keys)[]
    }
  >
> = {
  'it is deleted': { damage: () => undefined, changes: ['caBundle', 'cert', 'pathToken'] },
  'it is emptied': { damage: () => ({}), changes: ['caBundle', 'cert', 'pathToken'] },
  'the authority is lost': {
    damage: without(keys.caBundle),
    changes: ['caBundle', 'cert'],
  },
  'the authority is garbage': {
    damage: (values) => ({ ...values, [keys.caBundle]: '-----BEGIN CERTIFICATE-----\njunk' }),
    changes: ['caBundle', 'cert'],
  },
  'the key of the authority is lost': {
    damage: without(keys.caKey),
    changes: ['caBundle', 'cert'],
  },
  'the key of the authority is that of another': {
    damage: (values) => ({ ...values, [keys.caKey]: other.key }),
    changes: ['caBundle', 'cert'],
  },
  'the certificate is lost': { damage: without(keys.cert), changes: ['cert'] },
  'the key is lost': { damage: without(keys.key), changes: ['cert'] },
  'the key is that of another certificate': {
    damage: (values) => ({ ...values, [keys.key]: otherLeaf.key }),
    changes: ['cert'],
  },
  'certificate and key are of a foreign authority': {
    damage: (values) => ({ ...values, [keys.cert]: otherLeaf.cert, [keys.key]: otherLeaf.key }),
    changes: ['cert'],
  },
  'the path is lost': { damage: without(keys.pathToken), changes: ['pathToken'] },
  'the key of the stamps is lost': { damage: without(keys.macKey), changes: [] },
  'a good one of another time is brought back': {
    damage: (values) => ({ ...values, ...otherSecret }),
    changes: ['caBundle', 'cert', 'pathToken'],
  },
}

for (const [name, { damage, changes }] of Object.entries(happenings)) {
  const often = name === 'it is deleted' ? {} : whenThorough
  t.test(`no call fails, and nothing of before is left, when of the Secret ${name}`, often, async (t) => {
    const { world, before } = await settled(t)
    const damaged = damage(before)
    if (damaged === undefined) world.store.values = undefined
    else world.store.put(damaged)
    await turned(world)
    await world.pass(20)
    const after = world.store.values!
    t.same(world.failed, [])
    t.same(
      (['caBundle', 'cert', 'pathToken', 'macKey'] as const).filter(
        (part) => after[keys[part]] !== before[keys[part]],
      ),
      changes,
    )
    t.notOk(isTurning(after))
    t.ok(isOfNewest(after))
    t.same(world.shown(0), world.shown(1))
    t.equal(world.shown(0).cert, after[keys.cert])
  })
}

t.test('what an operator asks to turn is turned once, whole, and no call fails', async (t) => {
  const { world, before } = await settled(t)
  world.store.isTurnAsked = true
  await turned(world)
  await world.pass(20)
  const after = world.store.values!
  t.same(world.failed, [])
  for (const part of ['caBundle', 'caKey', 'cert', 'key', 'pathToken'] as const)
    t.not(after[keys[part]], before[keys[part]], part)
  t.equal(after[keys.macKey], before[keys.macKey], 'the stamps of Actions stay good')
  t.equal(readBundle(after[keys.caBundle]!).length, 1)
  t.equal(world.shown(0).pathTokens.length, 1)
  // Path and authority; the leaf; the former path; the former authority.
  t.ok(world.store.writes <= 5, `${world.store.writes} writes`)
})

t.test('each step of a turn is told once by each replica', whenThorough, async (t) => {
  const { world } = await settled(t)
  await secondsOfTurn(world)
  await world.pass(20)
  t.same(
    world.standings.map(({ authority, path }) => `${authority}, ${path}`),
    [
      'done, done',
      'to-be-registered, to-be-called',
      'to-sign, to-be-called',
      'former-to-go, former-to-go',
      'done, done',
    ],
  )
  const said = world.log.lines.filter((line) => line.includes('the turn of the certificates goes on'))
  t.equal(said.length, 2 * 4)
})

t.test(
  'a second turn that is asked for while one goes on begins when that has ended',
  whenThorough,
  async (t) => {
    const { world, before } = await settled(t)
    world.store.isTurnAsked = true
    await world.pass(20)
    const first = world.store.values![keys.pathToken]
    t.not(first, before[keys.pathToken])
    world.store.isTurnAsked = true
    await world.pass(30)
    t.equal(world.store.values![keys.pathToken], first)
    await turned(world)
    t.same(world.failed, [])
    t.notMatch([first, before[keys.pathToken]], [world.store.values![keys.pathToken]])
  },
)

t.test(
  'while the registrations cannot be written, or not be read, the former certificate stays',
  async (t) => {
    for (const hindrance of ['mayRegister', 'mayReadTold'] as const) {
      const { world, before } = await settled(t)
      world[hindrance] = false
      world.store.values = undefined
      await world.pass(200)
      t.same(world.failed, [], hindrance)
      t.equal(world.shown(0).cert, before[keys.cert])
      t.equal(world.store.values?.[keys.cert], before[keys.cert])
      world[hindrance] = true
      await turned(world)
      t.same(world.failed, [], hindrance)
      t.not(world.shown(0).cert, before[keys.cert])
    }
  },
)

/** How many seconds a turn takes that is asked for now. */
async function secondsOfTurn(world: Turning, between = async () => {}): Promise<number> {
  world.store.isTurnAsked = true
  for (let seconds = 1; seconds < 400; seconds += 1) {
    await between()
    await world.pass(1)
    if (!world.store.isTurnAsked && !isTurning(world.store.values!)) return seconds
  }
  return Infinity
}

// Of a look that nothing delays.
const lookSeconds = 6.6

t.test('a turn takes two overlaps and two looks', async (t) => {
  const { world } = await settled(t)
  const took = await secondsOfTurn(world)
  t.ok(took <= 2 * 60 + 2 * lookSeconds, `${took} s`)
  t.same(world.failed, [])
})

t.test(
  'a turn takes as much longer on a busy cluster as its looks take, and no more',
  whenThorough,
  async (t) => {
    const { world } = await settled(t)
    world.slowMs = 10_000
    const took = await secondsOfTurn(world)
    t.ok(took <= 2 * 60 + 2 * (lookSeconds + 2 * 10), `${took} s`)
    t.same(world.failed, [])
  },
)

t.test(
  'a registration that cannot be read now and then does not begin the turn anew',
  whenThorough,
  async (t) => {
    const { world } = await settled(t)
    let second = 0
    const took = await secondsOfTurn(world, async () => {
      second += 1
      world.mayReadTold = second % 30 < 20
    })
    t.ok(took <= 2 * 60 + 4 * lookSeconds, `${took} s`)
    t.same(world.failed, [])
  },
)

t.test('replicas that restart and leaders that change in the middle of a turn do no harm', async (t) => {
  const { world } = await settled(t)
  world.store.isTurnAsked = true
  for (let i = 0; i < 6; i += 1) {
    await world.pass(25)
    world.restart(i % 2)
    world.leader = (i + 1) % 2
  }
  await turned(world)
  t.same(world.failed, [])
  t.notOk(isTurning(world.store.values!))
})

t.test(
  'a replica that cannot read the Secret for most of the overlap is called without a failure',
  async (t) => {
    const { world, before } = await settled(t)
    world.store.isTurnAsked = true
    for (let i = 0; i < 4; i += 1) {
      world.blind = 1
      await world.pass(45)
      world.blind = undefined
      await world.pass(10)
    }
    await turned(world)
    t.same(world.failed, [])
    t.not(world.shown(1).cert, before[keys.cert])
  },
)

t.test('a replica that began with nothing gives way to one whose certificate is trusted', async (t) => {
  const { world, before } = await settled(t)
  world.leader = 1
  // All at once: the Secret goes, and the replica that makes it anew has seen nothing of it, nor hears from the other.
  world.store.values = undefined
  world.restart(0)
  world.blind = 1
  await world.pass(30, false)
  t.not(world.shown(0).cert, before[keys.cert], 'nobody is waited for for ever')
  world.blind = undefined
  await world.pass(50, false)
  t.equal(world.shown(1).cert, before[keys.cert])
  t.equal(world.shown(0).cert, before[keys.cert], 'the one that is trusted is back')
  await turned(world)
  t.same(world.failed, [])
  t.not(world.shown(0).cert, before[keys.cert])
})

const lasting = [keys.macKey, 'outputs.key', 'outputs.pub']

const lost: Readonly<Record<string, (values: SecretValues) => SecretValues | undefined>> = {
  'the Secret is gone': () => undefined,
  'the Secret is empty': () => ({}),
  'the key of the stamps is gone': without(keys.macKey),
  'the key of the stamps is damaged': (values) => ({ ...values, [keys.macKey]: 'YWJj' }),
  'the key of the outputs is damaged': (values) => ({ ...values, 'outputs.key': 'junk' }),
}

for (const [name, damage] of Object.entries(lost)) {
  t.test(`a replica that starts while ${name} leaves it to one that has it still`, async (t) => {
    const { world, before } = await settled(t)
    world.leader = 1
    const damaged = damage(before)
    if (damaged === undefined) world.store.values = undefined
    else world.store.put(damaged)
    // It looks at once, and the other one some seconds later.
    world.restart(0)
    await turned(world)
    await world.pass(20)
    for (const key of lasting) t.equal(world.store.values?.[key], before[key], key)
    t.same(world.shown(0), world.shown(1))
    t.same(world.failed, [])
  })
}

t.test('replicas that start after all have died with the Secret come up by themselves', async (t) => {
  const { world, before } = await settled(t)
  world.store.values = undefined
  world.restart(0)
  world.restart(1)
  await world.pass(15, false)
  for (const index of [0, 1]) t.throws(() => world.shown(index), TypeError, 'it is not up yet')
  await world.pass(15, false)
  t.same(world.shown(0), world.shown(1))
  for (const key of lasting) t.not(world.store.values?.[key], before[key], key)
  const said = world.log.lines.filter((line) => /put them back|no replica has put back/.test(line))
  t.equal(said.length, 2 * 2, 'each says that it waits, and that it does no more')
})

t.test('while nobody can read the Secret nobody is waited for in vain', async (t) => {
  const { world, before } = await settled(t)
  world.leader = 1
  world.store.values = undefined
  world.blind = 1
  world.restart(0)
  await world.pass(1)
  world.store.fault = { on: 'read', error: new Error('no route') }
  await world.pass(45)
  world.store.fault = undefined
  // The one that starts looks first again.
  await world.pass(8)
  t.equal(world.store.values, undefined)
  world.blind = undefined
  await world.pass(10)
  for (const key of lasting) t.equal(world.store.values?.[key], before[key], key)
})

for (const [name, skewMs] of Object.entries({
  'hours ahead': 5 * 3_600_000,
  'hours behind': -5 * 3_600_000,
  'two years ahead': 2 * 365 * 86_400_000,
})) {
  const often = name === 'two years ahead' ? {} : whenThorough
  t.test(`a clock that is ${name} replaces no good certificate, and is told of once`, often, async (t) => {
    const { world } = await settled(t, [skewMs, 0])
    const { writes } = world.store
    t.equal(writes, 1)
    await world.pass(150)
    t.equal(world.store.writes, writes)
    t.equal(world.log.lines.filter((line) => line.includes('the clock of this machine')).length, 1)
    world.store.values = undefined
    await turned(world)
    t.same(world.failed, [])
    t.ok(world.store.writes <= writes + 5, `${world.store.writes} writes`)
  })
}

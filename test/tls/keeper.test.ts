import { X509Certificate } from 'node:crypto'
import t, { type Test } from 'tap'
import { mintAuthority, mintLeaf } from '../../src/tls/authority.ts'
import { certificateState, readBundle } from '../../src/tls/certificate.ts'
import { buildKeeper, type Keeper } from '../../src/tls/keeper.ts'
import { keys, type Material } from '../../src/tls/material.ts'
import type { SecretValues, Told } from '../../src/tls/ports.ts'
import { isTurning } from '../../src/tls/turning.ts'
import { FakeClock, newYear } from '../support/fake-clock.ts'
import { FakeSecret } from '../support/fake-secret.ts'

const names = ['tidewaiter.tidewaiter.svc']
const dayMs = 86_400_000

/** Registrations that nobody is late to write. */
function prompt(keeper: Keeper): readonly Told[] {
  try {
    return [{ caBundle: keeper.current().caBundle, token: keeper.pathToken() }]
  } catch {
    return []
  }
}

function setUp(
  t: Test,
  { store = new FakeSecret(), clock = new FakeClock(), wanted = names, told = prompt, isServed = true } = {},
) {
  const lines: { level: string; fields: object; message: string }[] = []
  const say = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields, message })
  const log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
  const controller = new AbortController()
  t.teardown(() => controller.abort())
  const keeper: Keeper = buildKeeper({
    store,
    names: wanted,
    clock,
    log,
    now: clock.now,
    readTold: async () => told(keeper),
    overlapMs: 600_000,
    isServed,
  })
  const changes: Material[] = []
  keeper.onChange((material) => changes.push(material))
  return { keeper, store, clock, lines, changes, signal: controller.signal, stop: () => controller.abort() }
}

/** Lets time go by until `settled`: keys are made on another thread, which a still clock does not wait for. */
async function driven<T>(clock: FakeClock, settled: Promise<T>): Promise<T> {
  const waiting = new Set([settled])
  const over = () => waiting.delete(settled)
  settled.then(over, over)
  while (waiting.size > 0) await clock.pass(100)
  return settled
}

/** The next material that a keeper tells. */
const nextChange = (keeper: Keeper): Promise<Material> =>
  new Promise((resolve) => {
    const stop = keeper.onChange((material) => {
      stop()
      resolve(material)
    })
  })

const started = async (t: Test, given: Parameters<typeof setUp>[1] = {}) => {
  const all = setUp(t, given)
  await all.keeper.start(all.signal)
  return all
}

const goodSecret = async (t: Test): Promise<SecretValues> => (await started(t)).store.values!
const signs = (bundle: string, cert: string): boolean =>
  readBundle(bundle).some((one) => new X509Certificate(cert).verify(one.publicKey))

t.test(
  'the first replica makes the Secret, with a token of 32 hex digits and a key of 32 bytes',
  async (t) => {
    const { keeper, store } = await started(t)
    const { cert, caBundle, pathTokens, macKey, expiresAt } = keeper.current()
    t.match(certificateState(cert, newYear, names), { state: 'valid' })
    t.ok(signs(caBundle, cert))
    t.match(pathTokens, [/^[0-9a-f]{32}$/])
    t.equal(macKey.length, 32)
    t.equal(expiresAt, newYear + 365 * dayMs)
    t.equal(store.writes, 1)
  },
)

t.test(
  'a first start waits for nobody: a registration without a path shows that there is none',
  async (t) => {
    // As the manifests have it, or with a CA that somebody else put there.
    for (const caBundle of ['', 'a CA']) {
      const { store, clock } = await started(t, { told: () => [{ caBundle, token: '' }] })
      t.equal(store.writes, 1)
      t.equal(clock.now(), newYear)
    }
  },
)

t.test('a replica that finds a good Secret adopts it and writes nothing', async (t) => {
  const values = await goodSecret(t)
  const { keeper, store } = await started(t, { store: new FakeSecret(values) })
  t.equal(keeper.current().cert, values[keys.cert])
  t.equal(store.writes, 0)
})

t.test('of two replicas that make it at once the loser adopts what the winner wrote', async (t) => {
  const values = await goodSecret(t)
  const store = new FakeSecret()
  store.meanwhile = () => store.put(values)
  const { keeper, clock, signal } = setUp(t, { store })
  await driven(clock, keeper.start(signal))
  t.equal(keeper.current().cert, values[keys.cert])
  t.equal(store.writes, 0)
})

const damages: Readonly<
  Record<string, { readonly damage: SecretValues; readonly renewed: readonly (keyof typeof keys)[] }>
> = {
  'an emptied one': {
    damage: {
      [keys.cert]: '',
      [keys.key]: '',
      [keys.caBundle]: '',
      [keys.caKey]: '',
      [keys.pathToken]: '',
      [keys.macKey]: '',
    },
    renewed: ['cert', 'key', 'caBundle', 'caKey', 'pathToken', 'macKey'],
  },
  'one without its leaf': { damage: { [keys.cert]: '' }, renewed: ['cert', 'key'] },
  'one with half a key': {
    damage: { [keys.key]: '-----BEGIN PRIVATE KEY-----\nMIGH' },
    renewed: ['cert', 'key'],
  },
  'one whose authority is garbage': {
    damage: { [keys.caBundle]: 'junk' },
    renewed: ['caBundle', 'caKey', 'cert', 'key'],
  },
  'one with a short token': { damage: { [keys.pathToken]: 'abc' }, renewed: ['pathToken'] },
  'one with a short MAC key': { damage: { [keys.macKey]: 'YWJj' }, renewed: ['macKey'] },
}

for (const [name, { damage, renewed }] of Object.entries(damages)) {
  t.test(`a damaged Secret is mended and the good parts of it stay: ${name}`, async (t) => {
    const good = { ...(await goodSecret(t)), 'not-ours': 'stays' }
    const { keeper, store } = await started(t, { store: new FakeSecret({ ...good, ...damage }) })
    for (const [part, key] of Object.entries(keys)) {
      const changed = renewed.includes(part as keyof typeof keys)
      t.equal(store.values?.[key] !== good[key as keyof typeof good], changed, part)
    }
    t.equal(store.values?.['not-ours'], 'stays')
    t.ok(signs(keeper.current().caBundle, keeper.current().cert))
  })
}

t.test('a lost authority key makes a new authority, and the leaf of the former stays trusted', async (t) => {
  const good = await goodSecret(t)
  const { keeper } = await started(t, { store: new FakeSecret({ ...good, [keys.caKey]: '' }) })
  t.equal(keeper.current().cert, good[keys.cert])
  t.equal(readBundle(keeper.current().caBundle).length, 2)
  t.ok(signs(keeper.current().caBundle, keeper.current().cert))
})

t.test(
  'a Secret for another name gets a leaf for both, so that two replicas do not take turns',
  async (t) => {
    const good = await goodSecret(t)
    const store = new FakeSecret(good)
    const wanted = ['other.svc']
    const { keeper } = await started(t, { store, wanted })
    t.match(certificateState(keeper.current().cert, newYear, [...names, ...wanted]), { state: 'valid' })
    t.equal(keeper.current().caBundle, good[keys.caBundle])
    await started(t, { store })
    t.equal(store.writes, 1)
  },
)

t.test('an expired leaf is renewed at the next look, under the same authority', async (t) => {
  const good = await goodSecret(t)
  const store = new FakeSecret(good)
  const { keeper } = await started(t, { store, clock: new FakeClock(newYear + 366 * dayMs) })
  t.equal(keeper.current().caBundle, good[keys.caBundle])
  t.not(keeper.current().cert, good[keys.cert])
})

t.test('a leaf is renewed when a third of its life is left, and not before', async (t) => {
  const good = await goodSecret(t)
  for (const [days, writes] of [
    [240, 0],
    [245, 1],
  ] as const) {
    const { store } = await started(t, {
      store: new FakeSecret(good),
      clock: new FakeClock(newYear + days * dayMs),
    })
    t.equal(store.writes, writes, `after ${days} days`)
  }
})

t.test('an authority near its end is joined by a new one, which signs only after an overlap', async (t) => {
  const authority = await mintAuthority({ name: 'tidewaiter', now: newYear - 3000 * dayMs })
  const old = await mintLeaf({ authority, names, now: newYear - 250 * dayMs })
  const store = new FakeSecret({
    ...(await goodSecret(t)),
    [keys.caBundle]: authority.cert,
    [keys.caKey]: authority.key,
    [keys.cert]: old.cert,
    [keys.key]: old.key,
  })
  const { keeper, clock, changes } = await started(t, { store })
  t.equal(readBundle(keeper.current().caBundle).length, 2)
  t.equal(
    keeper.current().cert,
    old.cert,
    'the old leaf stays: API servers do not know the new authority yet',
  )
  await driven(clock, nextChange(keeper))
  t.ok(clock.now() >= newYear + 10 * 60_000)
  t.not(keeper.current().cert, old.cert)
  const [newest] = readBundle(keeper.current().caBundle)
  t.equal(new X509Certificate(keeper.current().cert).verify(newest!.publicKey), true)
  t.equal(changes.length, 2)
})

t.test('what another replica renews is adopted within some 66 seconds, and told once', async (t) => {
  const { keeper, store, clock, changes } = await started(t)
  const authority = { cert: store.values![keys.caBundle]!, key: store.values![keys.caKey]! }
  const leaf = await mintLeaf({ authority, names, now: newYear })
  const renewed = { ...store.values, [keys.cert]: leaf.cert, [keys.key]: leaf.key }
  store.put(renewed)
  await clock.pass(66_001)
  t.equal(keeper.current().cert, renewed[keys.cert])
  t.equal(changes.length, 2)
  await clock.pass(200_000)
  t.equal(changes.length, 2)
})

t.test('while the Secret cannot be read the former material is served', async (t) => {
  const { keeper, store, clock, lines } = await started(t)
  const before = keeper.current()
  store.fault = { on: 'read', error: new Error('no route') }
  await clock.pass(120_000)
  t.same(keeper.current(), before)
  t.match(lines.at(-1), { level: 'warn' })
})

t.test('start waits until the Secret can be read, with pauses that grow', async (t) => {
  const store = new FakeSecret()
  store.fault = { on: 'read', error: new Error('no route') }
  const { keeper, clock, signal, lines } = setUp(t, { store })
  const start = keeper.start(signal)
  await clock.pass(60_000)
  t.throws(() => keeper.current(), TypeError)
  const looks = lines.length
  t.ok(looks > 4 && looks < 12, `${looks} looks in a minute`)
  store.fault = undefined
  await driven(clock, start)
  t.match(keeper.current(), { pathTokens: [/./] })
})

t.test('material that is due but may not be written is served all the same', async (t) => {
  const store = new FakeSecret(await goodSecret(t))
  store.fault = { on: 'update', error: new Error('forbidden') }
  const { keeper, lines } = await started(t, { store, clock: new FakeClock(newYear + 300 * dayMs) })
  t.equal(keeper.current().cert, store.values![keys.cert])
  t.match(
    lines.map(({ level }) => level),
    ['warn', 'info'],
  )
})

t.test('a Secret that something else keeps breaking is given up for this look, not for ever', async (t) => {
  const store = new FakeSecret(await goodSecret(t))
  const broken = { ...store.values, [keys.cert]: '' }
  const endless = () => {
    store.put(broken)
    store.meanwhile = endless
  }
  store.put(broken)
  store.meanwhile = endless
  const { keeper, clock, signal, lines } = setUp(t, { store })
  const start = keeper.start(signal)
  while (lines.length === 0) await clock.pass(100)
  t.match(lines[0], { level: 'warn' })
  store.meanwhile = undefined
  await driven(clock, start)
  t.ok(keeper.current())
})

t.test('start ends with the signal, and so does the watch', async (t) => {
  const store = new FakeSecret()
  store.fault = { on: 'read', error: new Error('no route') }
  const { keeper, clock, signal, stop } = setUp(t, { store })
  const start = keeper.start(signal)
  const ended = t.rejects(start)
  await clock.pass(1)
  stop()
  await ended
  const running = await started(t)
  running.stop()
  await running.clock.pass(0)
  t.equal(running.clock.waiting, 0)
})

t.test(
  'a listener that throws stops neither the others nor the watch; one that has left hears nothing',
  async (t) => {
    const { keeper, signal, changes, lines } = setUp(t)
    keeper.onChange(() => {
      throw new Error('boom')
    })
    const heard: Material[] = []
    keeper.onChange((material) => heard.push(material))()
    await keeper.start(signal)
    t.equal(changes.length, 1)
    t.equal(heard.length, 0)
    t.match(lines.at(-1), { level: 'error' })
  },
)

t.test('no secret part is ever logged', async (t) => {
  const { keeper, store, lines, clock } = await started(t)
  store.put({ ...store.values, [keys.cert]: 'junk', [keys.pathToken]: 'a-bad-token' })
  await driven(clock, nextChange(keeper))
  const said = JSON.stringify(lines)
  for (const key of [keys.key, keys.caKey, keys.pathToken, keys.macKey]) {
    t.notOk(said.includes(JSON.stringify(store.values![key]).slice(1, -1)), key)
  }
  t.notOk(said.includes('a-bad-token'))
})

t.test(
  'where others keep the certificate that is shown a turn comes to its end, again and again',
  async (t) => {
    const foreign = await mintAuthority({ name: 'others', now: newYear })
    const told = (keeper: Keeper): readonly Told[] =>
      prompt(keeper).map(({ token }) => ({ token, caBundle: foreign.cert }))
    const { keeper, store, clock } = await started(t, { told, isServed: false })
    const paths = new Set([store.values![keys.pathToken]])
    for (let turn = 1; turn <= 2; turn += 1) {
      store.isTurnAsked = true
      const turned = async () => {
        while (store.isTurnAsked || isTurning(store.values!)) await nextChange(keeper)
      }
      await driven(clock, turned())
      paths.add(store.values![keys.pathToken])
      t.equal(paths.size, 1 + turn, 'the path is another')
    }
  },
)

t.test('whoever takes the key of the outputs away, and all that tells of it, gets another', async (t) => {
  const { keeper, store, clock } = await started(t)
  const before = keeper.current().outputsKeys?.publicKeys ?? []
  const { 'outputs.key': _key, 'outputs.pub': _public, ...rest } = store.values!
  store.put(rest)
  await driven(clock, nextChange(keeper))
  t.notMatch(keeper.current().outputsKeys?.publicKeys ?? [], before)
  const after = keeper.current().outputsKeys?.publicKeys ?? []
  store.values = undefined
  await driven(
    clock,
    (async () => {
      while (store.values === undefined || store.values['outputs.pub'] === undefined) await clock.pass(1_000)
    })(),
  )
  t.match(
    store.values!['outputs.pub'],
    after[0] ?? 'no key',
    'one of a Secret that is lost whole is brought back',
  )
})

t.test('a Secret that is all garbage gets its keys back, and that is told as a loss', async (t) => {
  const { keeper, store, clock, lines } = await started(t)
  const before = store.values!
  store.put(Object.fromEntries(Object.keys(before).map((key) => [key, 'garbage'])))
  await driven(clock, nextChange(keeper))
  for (const key of [keys.macKey, 'outputs.key', 'outputs.pub']) t.equal(store.values![key], before[key], key)
  t.match(
    lines.find(({ message }) => /deleted or damaged/.test(message)),
    { level: 'warn' },
  )
})

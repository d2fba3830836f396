import { execFileSync } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { mintAuthority, mintLeaf } from '../../src/tls/authority.ts'
import { readPair, type FilePair } from '../../src/tls/file-pair.ts'
import { buildTlsFiles } from '../../src/tls/files.ts'
import { FakeClock, newYear } from '../support/fake-clock.ts'

const names = ['a.svc']
const dayMs = 86_400_000
const authority = await mintAuthority({ name: 'given', now: newYear })
const first = await mintLeaf({ authority, names, now: newYear })
const second = await mintLeaf({ authority, names, now: newYear })
const encrypted = createPrivateKey(first.key)
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
  .toString()

function filesIn(t: Test, given: { cert?: string; key?: string; ca?: string } = {}) {
  const dir = t.testdir({ 'tls.crt': first.cert, 'tls.key': first.key, 'ca.crt': authority.cert })
  const paths = { cert: join(dir, 'tls.crt'), key: join(dir, 'tls.key'), ca: join(dir, 'ca.crt') }
  for (const part of ['cert', 'key', 'ca'] as const) {
    if (given[part] !== undefined) writeFileSync(paths[part], given[part])
  }
  return paths
}

function watching(t: Test) {
  const paths = filesIn(t)
  const clock = new FakeClock()
  const lines: { level: string; fields: object }[] = []
  const say = (level: string) => (fields: object) => void lines.push({ level, fields })
  const log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
  const controller = new AbortController()
  t.teardown(() => controller.abort())
  const files = buildTlsFiles({
    read: () => readPair(paths, names, clock.now()),
    clock,
    log,
    now: clock.now,
    // Nobody is late to register.
    readTold: async () => [{ caBundle: authority.cert, token: '' }],
    overlapMs: 600_000,
    own: () => ({ ...first, expiresAt: newYear }),
  })
  const changes: FilePair[] = []
  files.onChange((pair) => changes.push(pair))
  return { paths, clock, files, changes, lines, signal: controller.signal, stop: () => controller.abort() }
}

/** Lets time go by until `fits`: reading a file takes turns of the event loop that a still clock does not wait for. */
async function until(clock: FakeClock, fits: () => boolean): Promise<void> {
  while (!fits()) await clock.pass(1000)
}

const faults: Readonly<
  Record<
    string,
    {
      readonly given: { cert?: string; key?: string; ca?: string }
      readonly at?: number
      readonly says: RegExp
    }
  >
> = {
  'no PEM': { given: { cert: 'junk' }, says: /tls\.crt must be a certificate in PEM, got something else/ },
  'an empty certificate': { given: { cert: '' }, says: /tls\.crt must be a certificate in PEM, got nothing/ },
  'another key': {
    given: { key: second.key },
    says: /tls\.key must be the key of .*tls\.crt, got another key/,
  },
  'a key that is none': {
    given: { key: first.cert },
    says: /tls\.key must be a private key in PEM, got something else/,
  },
  'an encrypted key': { given: { key: encrypted }, says: /encrypted one; store it without a passphrase/ },
  'an expired certificate': { given: {}, at: newYear + 375 * dayMs, says: /expired 10 days ago; renew it/ },
  'a certificate of tomorrow': {
    given: {},
    at: newYear - 3 * 3_600_000,
    says: /begins in 2 h; check this machine's clock/,
  },
  'no authority': {
    given: { ca: 'junk' },
    says: /ca\.crt must hold a CA certificate in PEM that has not expired, got none/,
  },
  'too large a file': {
    given: { ca: 'x'.repeat(300_000) },
    says: /ca\.crt must have at most 262144 bytes, got 300000/,
  },
}

for (const [name, { given, at = newYear, says }] of Object.entries(faults)) {
  t.test(`unusable files are refused in clear words: ${name}`, async (t) => {
    t.match(await readPair(filesIn(t, given), names, at), { problems: [says] })
  })
}

t.test('a certificate for another name is refused, because API servers would refuse it', async (t) => {
  t.match(await readPair(filesIn(t), ['b.svc'], newYear), {
    problems: [/must be for b\.svc, got one for a\.svc/],
  })
})

t.test('all missing files are told at once', async (t) => {
  const paths = { cert: '/nowhere/tls.crt', key: '/nowhere/tls.key', ca: '/nowhere/ca.crt' }
  t.match(await readPair(paths, names, newYear), {
    problems: [/tls\.crt .*ENOENT/, /tls\.key .*ENOENT/, /ca\.crt .*ENOENT/],
  })
})

t.test('a directory or a pipe is refused and not waited for', async (t) => {
  const paths = filesIn(t)
  const pipe = join(t.testdirName, 'pipe')
  execFileSync('mkfifo', [pipe])
  t.match(await readPair({ ...paths, cert: t.testdirName, key: pipe }, names, newYear), {
    problems: [/must be a file/, /must be a file/],
  })
})

t.test('start rejects with what is wrong, and there is nothing to serve', async (t) => {
  const { files, paths, signal } = watching(t)
  rmSync(paths.key)
  await t.rejects(files.start(signal), { message: /unusable: .*tls\.key must be readable, got ENOENT/ })
  t.throws(() => files.current(), TypeError)
})

t.test('without a ca file the bundle is left to others', async (t) => {
  const { cert, key } = filesIn(t)
  t.same(await readPair({ cert, key }, names, newYear), {
    ok: { cert: first.cert, key: first.key, expiresAt: newYear + 365 * dayMs },
  })
})

t.test('a changed pair is served within ten seconds and told once', async (t) => {
  const { files, paths, clock, changes, signal } = watching(t)
  await files.start(signal)
  t.equal(files.current().cert, first.cert)
  writeFileSync(paths.cert, second.cert)
  writeFileSync(paths.key, second.key)
  await until(clock, () => changes.length > 0)
  t.equal(files.current().cert, second.cert)
  t.equal(files.caBundle(), authority.cert)
  await clock.pass(60_000)
  t.equal(changes.length, 1)
})

t.test(
  'while a replacement is half done the former pair is served, and the fault is logged once',
  async (t) => {
    const { files, paths, clock, changes, lines, signal } = watching(t)
    await files.start(signal)
    writeFileSync(paths.cert, second.cert)
    await until(clock, () => lines.length > 0)
    for (let looks = 0; looks < 20; looks += 1) await clock.pass(1000)
    t.equal(files.current().cert, first.cert)
    t.match(lines, [{ level: 'error' }])
    t.equal(lines.length, 1)
    writeFileSync(paths.key, second.key)
    await until(clock, () => changes.length > 0)
    t.equal(files.current().cert, second.cert)
  },
)

t.test('files that vanish leave the former pair in place', async (t) => {
  const { files, paths, clock, lines, signal } = watching(t)
  await files.start(signal)
  rmSync(paths.cert)
  await until(clock, () => lines.length > 0)
  t.equal(files.current().cert, first.cert)
})

t.test('a listener that throws does not end the watch', async (t) => {
  const { files, paths, clock, changes, lines, signal } = watching(t)
  files.onChange(() => {
    throw new Error('boom')
  })
  await files.start(signal)
  writeFileSync(paths.cert, second.cert)
  writeFileSync(paths.key, second.key)
  await until(clock, () => lines.some(({ level }) => level === 'error'))
  writeFileSync(paths.cert, first.cert)
  writeFileSync(paths.key, first.key)
  await until(clock, () => changes.length === 2)
  t.equal(files.current().cert, first.cert)
})

t.test('the watch ends with its signal', async (t) => {
  const { files, clock, signal, stop } = watching(t)
  await files.start(signal)
  t.equal(clock.waiting, 1)
  stop()
  t.equal(clock.waiting, 0)
})

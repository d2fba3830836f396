/** Exported outputs as a Restore's actions get them: signed with real keys, and changed by whoever can write to the object storage. */
import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createCel } from '../../src/cel/cel.ts'
import { keySetText, thumbprintOf, type OutputsKey } from '../../src/core/exported/keys.ts'
import { outputsAnnotation } from '../../src/core/exported/outputs.ts'
import type { Statement } from '../../src/core/exported/statement.ts'
import { backupOf, digest, exportedFor, ownKeys, signOutputs } from '../../src/wiring/exported.ts'
import { signStatement } from '../../src/wiring/outputs-signature.ts'
import { openTrustedKeys } from '../../src/wiring/trusted-keys.ts'
import { anActionSpec, anHttp, aRestore, type VeleroGiven } from '../support/build.ts'
import { FakeLog } from '../support/fake-log.ts'

const cel = createCel()
const newKeys = () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  return { key: privateKey, publicKeys: [createPublicKey(privateKey).export({ format: 'jwk' }).x ?? ''] }
}
const [ofA, ofB] = [newKeys(), newKeys()]
const trusted = ownKeys(ofA, 'cluster-a')
const [keyA = { kid: '', x: '', cluster: '' }] = trusted

const statement = (given: object = {}): Statement => ({
  v: 1,
  cluster: 'cluster-a',
  namespace: 'velero',
  backup: 'b1',
  uid: 'uid-in-a',
  run: 'b1-prebackup',
  at: '2026-01-01T02:00:00.000Z',
  outputs: { '10-a': { lsn: '0/16B' } },
  ...given,
})

const asking = anActionSpec({
  stage: 'PreRestore',
  http: anHttp({ url: "https://db.example/${exported['10-a'].lsn}" }),
})

/** A Backup as backup sync brings it into cluster B. */
const synced = (text: string | undefined, name = 'b1') => ({
  kind: 'Backup',
  metadata: {
    name,
    namespace: 'velero',
    uid: 'uid-in-b',
    creationTimestamp: '2026-01-03T00:00:00Z',
    annotations: text === undefined ? {} : { [outputsAnnotation]: text },
  },
  status: {
    phase: 'Completed',
    startTimestamp: '2026-01-01T02:00:01Z',
    completionTimestamp: '2026-01-01T02:10:00Z',
  },
})

const read = (
  text: string | undefined,
  { keys = trusted, name = 'b1' }: { readonly keys?: readonly OutputsKey[]; readonly name?: string } = {},
) =>
  exportedFor(
    'velero',
    { object: aRestore(), specs: [asking] },
    {
      names: cel.names,
      cluster: 'cluster-b',
      trusted: async () => keys,
      backupOf: async () => ({ backup: synced(text, name) }),
    },
  )

t.test('a cluster that trusts the key sees the outputs, and who signed them when', async (t) => {
  t.same(await read(await signOutputs(statement(), ofA)), {
    backup: 'b1',
    key: keyA.kid,
    cluster: 'cluster-a',
    at: '2026-01-01T02:00:00.000Z',
    outputs: { '10-a': { lsn: '0/16B' } },
  })
})

t.test('of several trusted keys each is believed, so that a key can be turned', async (t) => {
  const turned = newKeys()
  const keys = ownKeys({ ...turned, publicKeys: [...turned.publicKeys, ...ofA.publicKeys] }, 'cluster-a')
  for (const one of [ofA, turned])
    t.match(await read(await signOutputs(statement(), one), { keys }), { problem: undefined, outputs: {} })
})

t.test('nothing is looked for where no action refers to them', async (t) => {
  const backupOf = async () => Promise.reject(new Error('asked'))
  const world = { names: cel.names, cluster: '', trusted: async () => trusted, backupOf }
  const specs = [anActionSpec({ stage: 'PreRestore', http: anHttp({ body: "${'exported'}" }) })]
  t.equal(await exportedFor('velero', { object: aRestore(), specs }, world), undefined)
  await t.rejects(exportedFor('velero', { object: aRestore(), specs: [asking] }, world), /asked/)
})

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
/** A text with any header, signed by the key of A. */
const forged = (header: object, payload: unknown = statement()) => {
  const text = `${encoded(header)}.${encoded(payload)}`
  return `${text}.${sign(null, Buffer.from(text), ofA.key).toString('base64url')}`
}
const good = { alg: 'EdDSA', typ: 'tidewaiter-outputs+jws', kid: keyA.kid }
const good1 = await signOutputs(statement(), ofA)
const [header = '', payload = '', signature = ''] = good1.split('.')
const hmac = (text: string) =>
  `${text}.${createHmac('sha256', Buffer.from(keyA.x, 'base64url')).update(text).digest('base64url')}`

const notOurs = /not signed as tidewaiter signs them, or were changed/
const broken = /signature does not hold/

for (const [name, { text, want, backup = 'b1' }] of Object.entries<{
  readonly text: string | undefined
  readonly want: RegExp
  readonly backup?: string
}>({
  'nothing at all': { text: undefined, want: /it carries none.*lifted by hand/ },
  'an empty text': { text: '', want: notOurs },
  'no JWS': { text: '{"10-a":{"lsn":"0/0"}}', want: notOurs },
  'the algorithm none': { text: `${encoded({ ...good, alg: 'none' })}.${payload}.`, want: notOurs },
  'an HMAC with the public key as its secret': {
    text: hmac(`${encoded({ ...good, alg: 'HS256' })}.${payload}`),
    want: notOurs,
  },
  'another type, as of a token of something else': { text: forged({ ...good, typ: 'JWT' }), want: notOurs },
  'no type': { text: forged({ alg: 'EdDSA', kid: keyA.kid }), want: notOurs },
  'no key': { text: forged({ alg: 'EdDSA', typ: good.typ }), want: notOurs },
  'a key that brings itself along': {
    text: forged({ ...good, kid: 'mine', jwk: { kty: 'OKP', crv: 'Ed25519', x: keyA.x } }),
    want: /the key mine that is said to have signed them, by its own word in the cluster cluster-a, is not trusted here: .*"tidewaiter keys show" prints there to --trusted-keys/,
  },
  'a key and a cluster that nobody can have': {
    text: forged({ ...good, kid: 'mine' }, statement({ cluster: 'a\u001b[2J' })),
    want: /the key mine that is said to have signed them is not trusted here: /,
  },
  'a key that is not known, over what is no statement': {
    text: `${encoded({ ...good, kid: 'mine' })}.bm8.x`,
    want: /the key mine that is said to have signed them is not trusted here: /,
  },
  'an unknown extension that it calls critical': {
    text: forged({ ...good, crit: ['exp'], exp: 1 }),
    want: broken,
  },
  'a payload that is not encoded': { text: forged({ ...good, b64: false, crit: ['b64'] }), want: broken },
  'another payload under the signature': {
    text: `${header}.${encoded(statement({ outputs: { '10-a': { lsn: '0/0' } } }))}.${signature}`,
    want: broken,
  },
  'the payload of another key': {
    text: await signStatement(statement(), { key: ofB.key, kid: keyA.kid }),
    want: broken,
  },
  'a signature that is cut off': { text: good1.slice(0, -20), want: broken },
  'no signature': { text: `${header}.${payload}.`, want: broken },
  'a fourth part': { text: `${good1}.x`, want: notOurs },
  'more than anybody signs': {
    text: `${good1}${'x'.repeat(8192)}`,
    want: /at most 8192 characters, got \d+/,
  },
  'a signed payload that is no JSON': {
    text: (() => {
      const body = `${encoded(good)}.${Buffer.from('lsn').toString('base64url')}`
      return `${body}.${sign(null, Buffer.from(body), ofA.key).toString('base64url')}`
    })(),
    want: broken,
  },
  'a later format': { text: forged(good, statement({ v: 2 })), want: /format must be 1, got 2/ },
  'the word of another cluster by this key': {
    text: forged(good, statement({ cluster: 'cluster-c' })),
    want: /speaks for the cluster cluster-a, and they are said to come from cluster-c/,
  },
  'the outputs of another Backup': { text: good1, backup: 'b2', want: /another Backup \(b1/ },
  'those of a Backup of this name that was there before': {
    text: await signOutputs(statement({ at: '2025-12-01T02:00:00.000Z' }), ofA),
    want: /another Backup of this name/,
  },
}))
  t.test(`a Backup that carries ${name} exports nothing, and says why`, async (t) => {
    const kept = await read(text, { name: backup })
    t.match(kept, { backup, problem: want })
    t.match(kept?.problem, new RegExp(`^the exported outputs of Backup ${backup} may not be used: `))
    t.equal(kept?.outputs, undefined)
  })

t.test('a key that is not trusted is named, whoever wrote the rest', async (t) => {
  const got = await read(await signOutputs(statement(), ofB))
  t.match(got, { key: thumbprintOf(ofB.publicKeys[0] ?? '', digest), problem: /is not trusted here/ })
})

t.test('there is no signature without a key', async (t) => {
  await t.rejects(signOutputs(statement(), undefined), /no key for it yet/)
})

const backup = (name: string, given: VeleroGiven & { readonly start: string; readonly phase: string }) => ({
  metadata: { name, namespace: 'velero', labels: { 'velero.io/schedule-name': 'nightly' } },
  status: { phase: given.phase, startTimestamp: given.start },
})
const restoreOf = (spec: object) => ({ metadata: { name: 'r1', namespace: 'velero' }, spec })

/** A cluster that holds these Backups and has no copy of them. */
const holding = (...all: readonly ReturnType<typeof backup>[]) =>
  ({
    caches: new Map(),
    calls: {
      velero: () => ({
        list: async () => ({ items: all }),
        find: async (wanted: string) => all.find(({ metadata }) => metadata.name === wanted),
      }),
    },
  }) as unknown as Parameters<typeof backupOf>[0]

t.test('the Backup of a Restore is the named one, or the newest Completed one of the Schedule', async (t) => {
  const world = holding(
    backup('old', { phase: 'Completed', start: '2026-01-01T00:00:00Z' }),
    backup('new', { phase: 'Completed', start: '2026-01-02T00:00:00Z' }),
    backup('partly', { phase: 'PartiallyFailed', start: '2026-01-03T00:00:00Z' }),
  )
  const found = (spec: object) => backupOf(world, 'velero', restoreOf(spec))
  t.match(await found({ backupName: 'old' }), { backup: { metadata: { name: 'old' } } })
  t.match(await found({ scheduleName: 'nightly' }), { backup: { metadata: { name: 'new' } } })
  t.match(await found({ scheduleName: 'hourly' }), {
    problem: /no Backup of the Schedule "hourly" is Completed/,
  })
  t.match(await found({ backupName: 'gone' }), {
    name: 'gone',
    problem: /Backup gone is not in namespace velero/,
  })
  t.match(await found({}), { problem: /no exported outputs/ })
})

t.test(
  'trusted keys are read anew when they are needed; a file that became wrong changes nothing',
  async (t) => {
    const folder = t.testdir({
      'a.json': keySetText(trusted),
      'b.json': keySetText(ownKeys(ofB, 'cluster-b')),
    })
    const [a, b] = [join(folder, 'a.json'), join(folder, 'b.json')]
    const log = new FakeLog()
    const keys = await openTrustedKeys([a, b], log)
    t.same(
      (await keys()).map(({ cluster }) => cluster),
      ['cluster-a', 'cluster-b'],
    )
    writeFileSync(b, 'half a fi')
    t.same(
      (await keys()).map(({ cluster }) => cluster),
      ['cluster-a', 'cluster-b'],
    )
    t.match(log.lines, [/^error a file of trusted keys is wrong/])
    writeFileSync(b, keySetText(trusted))
    t.same(
      (await keys()).map(({ cluster }) => cluster),
      ['cluster-a', 'cluster-a'],
    )
    writeFileSync(b, 'half a fi')
    writeFileSync(a, '{"keys": []}')
    t.same(
      (await keys()).map(({ cluster }) => cluster),
      ['cluster-a'],
      'the only key of a set is distrusted, whatever became of another file',
    )
    rmSync(b)
    t.same(await keys(), [], 'and so are those of a file that is taken away')
    t.match(log.lines.at(-1), /^error a file of trusted keys is gone: its keys are trusted no more/)
  },
)

t.test('a start with files that are wrong tells all that is wrong', async (t) => {
  const folder = t.testdir({ 'a.json': '{}', 'large.json': 'x'.repeat(70_000) })
  const files = ['a.json', 'none.json', 'large.json'].map((name) => join(folder, name))
  await t.rejects(openTrustedKeys(files, new FakeLog()), {
    exitCode: 4,
    message:
      /a\.json must be a JSON Web Key Set.*none\.json must be a file that can be read.*large\.json must have at most 65536 bytes/,
  })
})

/** `keys show`, and a `plan` that believes what a Backup exported. */
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { keySetText } from '../../src/core/exported/keys.ts'
import { ownKeys, signOutputs } from '../../src/wiring/exported.ts'
import { anActionObject, anHttp } from '../support/build.ts'
import { cli } from '../support/cli.ts'
import { after, madeAt, standingAt, startKept } from '../support/kept-cluster.ts'

const { privateKey } = generateKeyPairSync('ed25519')
const keys = { key: privateKey, publicKeys: [createPublicKey(privateKey).export({ format: 'jwk' }).x ?? ''] }
const set = keySetText(ownKeys(keys, 'cluster-a'))
const signed = await signOutputs(
  {
    v: 1,
    cluster: 'cluster-a',
    namespace: 'velero',
    backup: 'b1',
    uid: 'in-a',
    run: 'b1-prebackup',
    at: after(-3_601_000),
    outputs: { '10-a': { lsn: '0/16B' } },
  },
  keys,
)
const tidewaiter = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'tidewaiter' } }
const published = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'tidewaiter-keys', namespace: 'tidewaiter' },
  data: { 'jwks.json': set },
}
/** As an install outside the cluster publishes them, beside Velero. */
const outside = (install: string, text = set) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name: `${install}-keys`,
    namespace: 'velero',
    labels: { 'tidewaiter.io/publishes': 'keys' },
  },
  data: { 'jwks.json': text },
})
/** What says that an install looks after Velero's namespace. */
const registration = (name: string) => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name, labels: { 'app.kubernetes.io/part-of': 'tidewaiter' } },
  webhooks: [
    {
      name: 'gate.tidewaiter.io',
      clientConfig: { url: 'https://127.0.0.1:1/' },
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      namespaceSelector: {
        matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['velero'] }],
      },
    },
  ],
})
const backup = {
  apiVersion: 'velero.io/v1',
  kind: 'Backup',
  metadata: { name: 'b1', namespace: 'velero', annotations: { 'tidewaiter.io/outputs': signed } },
  spec: {},
  status: { phase: 'Completed', startTimestamp: after(-3_600_000), completionTimestamp: after(-3_000_000) },
}
const replay = anActionObject({
  name: '10-replay',
  stage: 'PreRestore',
  http: anHttp({ url: "https://db.example/${exported['10-a'].lsn}" }),
  annotations: {
    'tidewaiter.io/author': JSON.stringify({ user: 'alice', groups: [], spec: 'x', mac: 'x' }),
  },
})
const restore = `
apiVersion: velero.io/v1
kind: Restore
metadata: {name: r1}
spec: {backupName: b1}
`

t.test('keys show prints what the cluster has published, as --trusted-keys takes it', async (t) => {
  const kept = await startKept(t, [tidewaiter, published])
  const show = (as: string) => cli(['keys', 'show', '--kubeconfig', kept.kubeconfig(as)])
  t.same(await show('admin'), { out: set, err: '', code: 0 })
  const refused = await show('alice')
  t.equal(refused.code, 4)
  t.match(refused.err, /tidewaiter-keys.*forbidden/)
})

t.test('keys show finds those of an install outside the cluster, and says which they are', async (t) => {
  const kept = await startKept(t, [outside('tidewaiter-dev-1')])
  const show = (...args: readonly string[]) =>
    cli(['keys', 'show', '--kubeconfig', kept.kubeconfig(), ...args])
  const told = {
    out: set,
    err: 'tidewaiter: these are of the ConfigMap velero/tidewaiter-dev-1-keys\n',
    code: 0,
  }
  t.same(await show(), told)
  t.same(await show('-n', 'velero'), told)
  t.same(await show('-n', 'velero', '--config-map', 'tidewaiter-dev-1-keys'), { ...told, err: '' })
})

t.test(
  'of several installs the one in the namespace tidewaiter comes first, and no other is guessed',
  async (t) => {
    const objects = [outside('tidewaiter-dev-1'), outside('tidewaiter-dev-2', '{"keys":[]}')]
    const both = await startKept(t, objects)
    const guess = await cli(['keys', 'show', '--kubeconfig', both.kubeconfig()])
    t.match(guess, {
      out: '',
      code: 1,
      err: /got several: tidewaiter-dev-1-keys, tidewaiter-dev-2-keys; name one: -n velero --config-map NAME/,
    })
    const registered = await startKept(t, [...objects, registration('tidewaiter-dev-2')])
    t.match(await cli(['keys', 'show', '--kubeconfig', registered.kubeconfig()]), {
      out: /"keys":\[\]/,
      code: 0,
    })
    const three = await startKept(t, [tidewaiter, published, ...objects])
    t.same(await cli(['keys', 'show', '--kubeconfig', three.kubeconfig()]), { out: set, err: '', code: 0 })
  },
)

t.test('keys show says where it looked for keys, and found none', async (t) => {
  const kept = await startKept(t, [tidewaiter])
  const show = (...args: readonly string[]) =>
    cli(['keys', 'show', '--kubeconfig', kept.kubeconfig(), ...args])
  const { code, err, out } = await show()
  t.match(
    err,
    /in namespace tidewaiter or velero \(-n\), in the ConfigMap tidewaiter-keys or one with the label tidewaiter\.io\/publishes=keys \(--config-map\), and were not found/,
  )
  t.same({ code, out }, { code: 1, out: '' })
  t.match(await show('--config-map', 'mine'), {
    code: 1,
    err: /namespace tidewaiter \(-n\) must hold the ConfigMap mine \(--config-map\)/,
  })
})

/** Plans the Restore against a cluster of these objects, as its user may see it. */
async function planning(t: Test, objects: readonly unknown[]) {
  const kept = await startKept(t, [tidewaiter, backup, replay, ...objects])
  const dir = t.testdir({ 'r.yaml': restore, 'keys.json': set, 'bad.json': '{}' })
  const kubeconfig = kept.kubeconfig()
  return (...args: readonly string[]) =>
    cli(
      [
        'plan',
        '-f',
        join(dir, 'r.yaml'),
        '--kubeconfig',
        kubeconfig,
        ...args.map((one) => one.replace('DIR', dir)),
      ],
      { clock: standingAt(madeAt) },
    )
}
const verified = {
  admitted: true,
  exported: { backup: 'b1', cluster: 'cluster-a', outputs: { '10-a': { lsn: '0/16B' } } },
  before: [{ request: /^POST https:\/\/db\.example\/0%2F16B\n/ }],
}

t.test('a plan shows what a Backup exported, if the cluster that is asked signed it', async (t) => {
  const plan = await planning(t, [published])
  t.match(JSON.parse((await plan('-o', 'json')).out).plans[0], verified)
  t.match((await plan()).out, /Exported outputs\n +of Backup b1, signed at 2026-01-31T01:59:59.000Z/)
})

t.test(
  'a plan finds the keys of the install that looks after the namespace, wherever that runs',
  async (t) => {
    const alone = await planning(t, [outside('tidewaiter-dev-1')])
    t.match(JSON.parse((await alone('-o', 'json')).out).plans[0], verified)
    // Two that publish: only the one that answers for the namespace counts.
    const gone = await planning(t, [
      outside('tidewaiter-dev-1'),
      outside('tidewaiter-dev-2', '{"keys":[]}'),
      registration('tidewaiter-dev-2'),
    ])
    t.match((await gone()).out.replaceAll(/\s+/g, ' '), /is not trusted here/)
  },
)

t.test('a plan believes another cluster by a file, and says what it does not believe', async (t) => {
  const plan = await planning(t, [])
  const given = await plan('-o', 'json', '--trusted-keys', 'DIR/keys.json')
  t.match(JSON.parse(given.out).plans[0], verified)
  const untrusted = await plan()
  t.equal(untrusted.code, 1)
  t.match(untrusted.out.replaceAll(/\s+/g, ' '), /is not trusted here: .*--trusted-keys/)
  t.match(await plan('--trusted-keys', 'DIR/bad.json'), { code: 4, err: /must be a JSON Web Key Set/ })
})

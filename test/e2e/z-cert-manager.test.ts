/**
 * The certificate of cert-manager's overlay on a real cluster. A stand-in signs as its CA issuer would, and writes the Secret; the
 * real kubelet swaps the files. What cert-manager itself does is its own business.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { X509Certificate } from 'node:crypto'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { mintAuthority, mintLeaf, type Pair } from '../../src/tls/authority.ts'
import { startLoad } from './load.ts'
import { aMark, call, eventually, kubectl, must, type Loose } from './support.ts'
import { certificateOf, ownNamespace, replicas, whole } from './z-install.ts'

const overlay: Loose = parse(
  readFileSync(join(import.meta.dirname, '../../deploy/overlays/cert-manager/deployment.yaml'), 'utf8'),
  { version: '1.1' },
)
const [{ secret }] = overlay.spec.template.spec.volumes
const secretPath = `/api/v1/namespaces/${ownNamespace}/secrets`
const overlapSeconds = 10
const names = ['tidewaiter.tidewaiter.svc']
// What a cluster beside this one leaves of the machine: the load of z-certificates wants it whole.
const perSecond = 20

/** Signs a new certificate, and writes the Secret as cert-manager does: all three parts at once. Gives the fingerprint. */
async function issue(authority: Pair): Promise<string> {
  const leaf = await mintLeaf({ authority, names, now: Date.now(), validMs: 90 * 86_400_000 })
  const body = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name: secret.secretName, namespace: ownNamespace },
    stringData: { 'tls.crt': leaf.cert, 'tls.key': leaf.key, 'ca.crt': authority.cert },
  }
  const made = await call('POST', secretPath, { body })
  if (made.status === 409) await call('PATCH', `${secretPath}/${secret.secretName}`, { body })
  // A pod that changes is looked at: its kubelet would else swap the files at its next minute.
  const touched = { metadata: { annotations: { 'e2e/issued': String(Date.now()) } } }
  for (const { name } of await replicas())
    await call('PATCH', `/api/v1/namespaces/${ownNamespace}/pods/${name}`, { body: touched })
  return new X509Certificate(leaf.cert).fingerprint256
}

/** The bundles of both registrations, each once. */
async function bundles(): Promise<readonly string[]> {
  const kinds = ['validatingwebhookconfigurations', 'mutatingwebhookconfigurations']
  const answers = await Promise.all(
    kinds.map((kind) => call('GET', `/apis/admissionregistration.k8s.io/v1/${kind}/tidewaiter`)),
  )
  const all = answers.flatMap(({ body }) =>
    body.webhooks.map(({ clientConfig }: Loose) => clientConfig.caBundle),
  )
  return [...new Set(all.map((one) => atob(one).trim()))]
}

/** Waits until every replica shows it, and only its authority is registered. */
async function settled(t: Test, fingerprint: string, { cert }: Pair): Promise<void> {
  const began = performance.now()
  await eventually(
    async () => {
      const shown = await Promise.all((await replicas()).map(({ ip }) => certificateOf(ip)))
      return shown.every((one) => one === fingerprint) && (await bundles()).join() === cert.trim()
    },
    { ms: 120_000, what: 'the certificate of the Secret everywhere, and its authority alone', everyMs: 500 },
  )
  t.comment(`settled in ${Math.round((performance.now() - began) / 1000)} s`)
}

/** The overlay's change of the Deployment, with a short overlap; taken back afterwards. */
async function overlaid(t: Test): Promise<void> {
  const spec = structuredClone(overlay)
  spec.spec.template.spec.containers[0].env.push({
    name: 'TIDEWAITER_CERTIFICATE_OVERLAP_SECONDS',
    value: String(overlapSeconds),
  })
  const deployment = ['-n', ownNamespace, 'patch', 'deployment/tidewaiter', '--type=strategic', '-p']
  must(await kubectl([...deployment, JSON.stringify(spec)]))
  t.teardown(async () => {
    must(await kubectl(['-n', ownNamespace, 'rollout', 'undo', 'deployment/tidewaiter']))
    must(await kubectl(['-n', ownNamespace, 'rollout', 'status', 'deployment/tidewaiter', '--timeout=90s']))
    await call('DELETE', `${secretPath}/${secret.secretName}`)
    await whole()
  })
  must(await kubectl(['-n', ownNamespace, 'rollout', 'status', 'deployment/tidewaiter', '--timeout=90s']))
  await whole()
}

t.test(
  'an install takes to the files of cert-manager, and follows them without a restart, and no admission fails',
  async (t) => {
    await whole()
    const [first, second] = [
      await mintAuthority({ name: 'first', now: Date.now() }),
      await mintAuthority({ name: 'second', now: Date.now() }),
    ]
    const { mark } = aMark()
    const loading = startLoad(mark, perSecond)
    try {
      const shown = await issue(first)
      await overlaid(t)
      await settled(t, shown, first)
      const before = (await replicas()).map(({ name }) => name)
      await settled(t, await issue(first), first)
      await settled(t, await issue(second), second)
      const after = (await replicas()).map(({ name }) => name)
      t.same(after, before, 'the same pods')
    } finally {
      const told = await loading.end()
      t.comment(told)
      t.same(told.lost, {}, 'none fails')
      t.ok(told.answered > 100, `${told.answered} admissions`)
    }
  },
)

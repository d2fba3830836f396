/** Certificates and path turn, and the Secret is deleted, under 200 admissions a second on a real cluster: none fails. */
import { X509Certificate } from 'node:crypto'
import t, { type Test } from 'tap'
import { startLoad } from './load.ts'
import { aMark, call, eventually, kubectl, must, type Loose } from './support.ts'
import { certificateOf, logs, ownNamespace, replicas, whole } from './z-install.ts'

const secretPath = `/api/v1/namespaces/${ownNamespace}/secrets/tidewaiter-tls`
const overlapSeconds = 10
// Two overlaps, and for each of six looks the second between them and what a busy API server takes to answer.
const turnMs = 2 * overlapSeconds * 1000 + 6 * 11_000
const perSecond = 200
const leastPerSecond = 25

/** The parts of the Secret, as text. */
async function parts(): Promise<Loose> {
  const { body } = await call('GET', secretPath)
  const decoded = Object.entries(body.data ?? {}).map(([key, value]) => [key, atob(String(value))])
  return Object.fromEntries(decoded)
}

/** Paths and bundles of both registrations, each once. */
async function registered(): Promise<{
  readonly paths: readonly string[]
  readonly bundles: readonly string[]
}> {
  const kinds = ['validatingwebhookconfigurations', 'mutatingwebhookconfigurations']
  const answers = await Promise.all(
    kinds.map((kind) => call('GET', `/apis/admissionregistration.k8s.io/v1/${kind}/tidewaiter`)),
  )
  const configs = answers.flatMap(({ body }) => body.webhooks.map(({ clientConfig }: Loose) => clientConfig))
  return {
    paths: [...new Set(configs.map(({ service }: Loose) => String(service.path).split('/')[1] ?? ''))],
    bundles: [...new Set(configs.map(({ caBundle }: Loose) => atob(String(caBundle))))],
  }
}

/** What the replicas say of where a turn stands: the last of it is what it waits for. */
async function steps(): Promise<readonly string[]> {
  const told = (await logs()).filter(({ msg }) => msg === 'the turn of the certificates goes on')
  return told.map(({ time, authority, path }) => `${time} authority ${authority}, path ${path}`).toSorted()
}

/** Waits until everything of before is gone from the Secret, the registrations and what the replicas show. */
async function turned(t: Test, before: Loose): Promise<Loose> {
  const began = performance.now()
  const isOver = async () => {
    const [now, { paths, bundles }] = [await parts(), await registered()]
    const shown = await Promise.all((await replicas()).map(({ ip }) => certificateOf(ip)))
    const { fingerprint256 } = new X509Certificate(now['tls.crt'])
    return (
      now['tls.crt'] !== before['tls.crt'] &&
      now['path-token'] !== before['path-token'] &&
      (now['former-path-token'] ?? '') === '' &&
      paths.join() === now['path-token'] &&
      bundles.join() === now['ca.crt'] &&
      now['ca.crt'].match(/BEGIN/g).length === 1 &&
      shown.every((one) => one === fingerprint256) &&
      now
    )
  }
  try {
    return await eventually(isOver, { ms: turnMs, what: 'everything of before to be gone', everyMs: 500 })
  } catch (cause) {
    throw new Error([String(cause), ...(await steps())].join('\n'), { cause })
  } finally {
    t.comment(`turned in ${Math.round((performance.now() - began) / 1000)} s`)
  }
}

/** A short overlap, so that a turn takes less than a minute; put back afterwards. */
async function hurry(t: Test): Promise<void> {
  const path = '/spec/template/spec/containers/0/args/-'
  const patch = [{ op: 'add', path, value: `--certificate-overlap-seconds=${overlapSeconds}` }]
  must(
    await kubectl([
      '-n',
      ownNamespace,
      'patch',
      'deployment/tidewaiter',
      '--type=json',
      '-p',
      JSON.stringify(patch),
    ]),
  )
  t.teardown(async () => {
    must(await kubectl(['-n', ownNamespace, 'rollout', 'undo', 'deployment/tidewaiter']))
    must(await kubectl(['-n', ownNamespace, 'rollout', 'status', 'deployment/tidewaiter', '--timeout=90s']))
    await whole()
  })
  must(await kubectl(['-n', ownNamespace, 'rollout', 'status', 'deployment/tidewaiter', '--timeout=80s']))
  await whole()
}

t.test('200 admissions a second over a turn and over a deleted Secret: none fails', async (t) => {
  await whole()
  await hurry(t)
  const { mark } = aMark()
  const first = await parts()
  const loading = startLoad(mark, perSecond)
  const after: Loose = {}
  try {
    must(await kubectl(['-n', ownNamespace, 'annotate', 'secret/tidewaiter-tls', 'tidewaiter.io/rotate=now']))
    after.turn = await turned(t, first)
    must(await kubectl(['-n', ownNamespace, 'delete', 'secret/tidewaiter-tls']))
    after.loss = await turned(t, after.turn)
  } finally {
    after.load = await loading.end()
    t.comment(after.load)
  }
  t.same(after.load.lost, {}, 'none fails')
  const { perSecond: rate, machineBusy, senderBusy } = after.load
  const told = `${Math.round(rate)} of ${perSecond} admissions a second`
  const isMachineSlow = machineBusy > 0.9 && senderBusy < 0.7
  t.ok(rate >= perSecond * 0.9 || isMachineSlow, `${told}: the service, and not the machine, is too slow`)
  if (rate < perSecond * 0.9)
    t.comment(`this machine was too busy for the load: ${told}; let nothing else run beside it`)
  t.ok(rate >= leastPerSecond, `${told}: too few to show anything`)
  t.notOk('tidewaiter.io/rotate' in ((await call('GET', secretPath)).body.metadata.annotations ?? {}))
  for (const key of ['ca.crt', 'ca.key', 'tls.crt', 'tls.key', 'path-token']) {
    t.not(after.turn[key], first[key], key)
    t.not(after.loss[key], after.turn[key], key)
  }
  t.equal(after.loss['mac-key'], first['mac-key'], 'the stamps of Actions are still good')
})

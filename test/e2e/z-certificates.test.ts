/** Certificates and path turn, and the Secret is deleted, under 200 admissions a second on a real cluster: none fails. */
import { X509Certificate } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { aBackup, aMark, aName, call, eventually, kubectl, must, type Loose } from './support.ts'
import { certificateOf, ownNamespace, replicas, whole } from './z-install.ts'

t.setTimeout(240_000)

const secretPath = `/api/v1/namespaces/${ownNamespace}/secrets/tidewaiter-tls`
const overlapSeconds = 10
const perSecond = 200

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

/** Waits until everything of before is gone from the Secret, the registrations and what the replicas show. */
const turned = (before: Loose): Promise<Loose> =>
  eventually(
    async () => {
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
    },
    { ms: 80_000, what: 'everything of before to be gone', everyMs: 500 },
  )

/** Dry runs of a Backup at a rate, which waits for no answer; what was lost is told at the end. */
function load(mark: string) {
  const ending = new AbortController()
  const lost = new Map<string, number>()
  const asking = new Set<Promise<void>>()
  const name = aName('b')
  let [answered, leftOut] = [0, 0]
  const note = (what: string) => lost.set(what, (lost.get(what) ?? 0) + 1)
  const ask = async () => {
    try {
      const { status, body } = await call('POST', '/apis/velero.io/v1/namespaces/velero/backups?dryRun=All', {
        body: aBackup(name, mark),
      })
      if (status === 201) answered += 1
      else note(`${status} ${String(body.message ?? body).slice(0, 300)}`)
    } catch (error) {
      note(String(error))
    }
  }
  const send = () => {
    // A machine that is slower than the load leaves out what it cannot send.
    if (asking.size >= 400) leftOut += 1
    else {
      const one: Promise<void> = ask().finally(() => asking.delete(one))
      asking.add(one)
    }
  }
  const run = async () => {
    const began = Date.now()
    for (let sent = 0; !ending.signal.aborted; await sleep(5)) {
      const due = Math.floor(((Date.now() - began) * perSecond) / 1000)
      for (; sent < due; sent += 1) send()
    }
    await Promise.all(asking)
    return { answered, lost: Object.fromEntries(lost), leftOut, seconds: (Date.now() - began) / 1000 }
  }
  const running = run()
  return {
    end: () => {
      ending.abort()
      return running
    },
  }
}

/** A short overlap, so that a turn takes less than a minute; put back afterwards. */
async function hurry(t: Test): Promise<void> {
  const rolled = async () => {
    must(await kubectl(['-n', ownNamespace, 'rollout', 'status', 'deployment/tidewaiter', '--timeout=80s']))
    await whole()
  }
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
    await rolled()
  })
  await rolled()
}

t.test('200 admissions a second over a turn and over a deleted Secret: none fails', async (t) => {
  await whole()
  await hurry(t)
  const { mark } = aMark()
  const first = await parts()
  const loading = load(mark)
  const after: Loose = {}
  try {
    must(await kubectl(['-n', ownNamespace, 'annotate', 'secret/tidewaiter-tls', 'tidewaiter.io/rotate=now']))
    after.turn = await turned(first)
    must(await kubectl(['-n', ownNamespace, 'delete', 'secret/tidewaiter-tls']))
    after.loss = await turned(after.turn)
  } finally {
    after.load = await loading.end()
    t.comment(after.load)
  }
  t.same(after.load.lost, {}, 'none fails')
  t.ok(after.load.answered / after.load.seconds > perSecond * 0.9, 'the rate was kept')
  t.notOk('tidewaiter.io/rotate' in ((await call('GET', secretPath)).body.metadata.annotations ?? {}))
  for (const key of ['ca.crt', 'ca.key', 'tls.crt', 'tls.key', 'path-token']) {
    t.not(after.turn[key], first[key], key)
    t.not(after.loss[key], after.turn[key], key)
  }
  t.equal(after.loss['mac-key'], first['mac-key'], 'the stamps of Actions are still good')
})

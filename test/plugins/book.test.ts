import t, { type Test } from 'tap'
import { readDocument } from '../../src/core/plugin/sources.ts'
import { readPodTemplate, type PodTemplate } from '../../src/core/plugin/deployment.ts'
import type { PodCredentials } from '../../src/core/plugin/pod-credentials.ts'
import { pluginsAnnotation } from '../../src/core/plugin/patch.ts'
import { standingOf } from '../../src/core/plugin/findings.ts'
import { imageChecks } from '../../src/api/velero-plugin.ts'
import { createQueue } from '../../src/control/queue.ts'
import { createBook, DeclarationsUnread, mostPlugins, type Book } from '../../src/plugins/book.ts'
import type { BookPorts, Source, Stored } from '../../src/plugins/book-ports.ts'
import { createInspections } from '../../src/plugins/inspections.ts'
import type { CheckPorts, PullSecret } from '../../src/plugins/ports.ts'
import type { Written } from '../../src/plugins/review.ts'
import { hash } from '../../src/wiring/crypto.ts'
import { registriesOf } from '../../src/wiring/registries.ts'
import { aClient } from '../images/support.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'
import { anImageConfig, fakeCa, serveRegistry, type FakeRegistry } from '../support/fake-registry.ts'
import { installed, withPodSpec } from '../support/velero-deployments.ts'

/** A VeleroPlugin of this name as a source of plugins. */
function source(name: string, spec: object, stored?: Stored): Source {
  const read = readDocument({
    apiVersion: 'tidewaiter.io/v1beta1',
    kind: 'VeleroPlugin',
    metadata: { name, namespace: 'velero' },
    spec,
  })
  if (read.kind !== 'plugins') throw new Error('no source')
  return { document: read.document, stored }
}

/** A write of Velero's Deployment with this in its pod. */
function written(pod: object = {}): Written {
  const template = readPodTemplate(withPodSpec(installed, (spec) => ({ ...spec, ...pod })))
  if (template === undefined) throw new Error('no Velero')
  return { namespace: 'velero', template }
}

/** Velero's Deployment with this image put in by us. */
function carrying(image: string): Written {
  const { namespace, template } = written({
    initContainers: [{ name: 'acme-plugin', image, volumeMounts: [] }],
  })
  return { namespace, template: { ...template, annotations: { [pluginsAnnotation]: 'acme-plugin' } } }
}

const credentials = (name: string, host: string, pair: string): PullSecret => ({
  name: `velero/${name}`,
  type: 'kubernetes.io/dockerconfigjson',
  data: { '.dockerconfigjson': btoa(JSON.stringify({ auths: { [host]: { auth: btoa(pair) } } })) },
})

type Desk = {
  readonly book: Book
  readonly clock: FakeClock
  readonly registry: FakeRegistry
  readonly image: string
  readonly declare: (...sources: readonly Source[]) => void
  /** Standing and reason of Ready's first trouble, by plugin. */
  readonly shown: () => Readonly<Record<string, string>>
  /** Lets time pass, and waits until the looks that it brought have ended. */
  readonly pass: (ms: number) => Promise<void>
  /** Waits until every look that is under way has ended. */
  readonly settled: () => Promise<void>
  readonly secrets: Map<string, PullSecret>
  /** The pull secrets of ServiceAccounts. */
  readonly accounts: Map<string, readonly string[]>
  /** What Velero's Deployments are from now on. */
  readonly deploy: (...all: readonly Written[]) => void
  /** The registries that are allowed; none: all. */
  readonly allowed: string[]
  readonly most: () => number
}

async function desk(t: Test, given: Partial<BookPorts> = {}): Promise<Desk> {
  const registry = await serveRegistry(t)
  const clock = new FakeClock()
  const secrets = new Map<string, PullSecret>()
  const allowed: string[] = []
  let sources: readonly Source[] | undefined = []
  let [running, most] = [0, 0]
  const { ports } = aClient([registry])
  const registries = registriesOf({ ...ports }, [{ registry: registry.host, ca: fakeCa }])
  const inspections = createInspections()
  const accounts = new Map<string, readonly string[]>()
  let templates: readonly PodTemplate[] = [written().template]
  const accountSecrets: BookPorts['accountSecrets'] = async ({ name }) => {
    if (name === 'hidden') throw new Error('serviceaccounts "hidden" is forbidden')
    return accounts.get(name) ?? []
  }
  const podSecretsOf = (credentials: readonly PodCredentials[]) => async (signal: AbortSignal) => {
    const names = await Promise.all(
      credentials.map(async (one) =>
        'secrets' in one ? one.secrets : accountSecrets({ namespace: 'velero', name: one.account }, signal),
      ),
    )
    return names.flat().flatMap((name) => secrets.get(name) ?? [])
  }
  const checks: CheckPorts = {
    // The registry's side is real and takes real time; what is fake is when the book looks.
    clock: ports.clock,
    registries,
    allowed,
    inspections,
    secretOf: async (name) => secrets.get(name),
    podSecretsOf: async () => [],
    nodesOf: async () => [{ os: 'linux', architecture: 'amd64' }],
  }
  const book = createBook({
    clock,
    hash,
    sources: () => sources,
    ask: async () => Promise.reject(new Error('nobody answers')),
    whenRead: async () => {},
    templates: () => templates,
    checks: (_, credentials) => ({ ...checks, podSecretsOf: podSecretsOf(credentials) }),
    accountSecrets,
    offer: (key) => queue.add(key),
    onFound: () => {},
    ...given,
  })
  const queue = createQueue({
    clock,
    log: new FakeLog(),
    name: 'plugins',
    workers: 8,
    work: async (key, signal) => {
      running += 1
      most = Math.max(most, running)
      try {
        const again = await book.look(key, signal)
        if (again !== undefined) queue.addAfter(key, again)
      } finally {
        running -= 1
      }
    },
  })
  const stop = new AbortController()
  const worked = queue.start(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await worked
  })
  const settled = async () => {
    do await new Promise((resolve) => setImmediate(resolve))
    while (queue.depth().running > 0 || queue.depth().waiting > 0)
  }
  return {
    book,
    clock,
    registry,
    image: `${registry.host}/acme/plugin:v1`,
    declare: (...all) => {
      sources = all
      book.changed('velero')
    },
    shown: () =>
      Object.fromEntries(
        (book.now('velero')?.findings ?? []).map((one) => [
          one.plugin.name,
          `${standingOf(one)} ${one.results.find(({ ok }) => ok !== true)?.reason ?? one.results[3]?.reason}`,
        ]),
      ),
    pass: async (ms) => {
      await clock.pass(ms)
      await settled()
    },
    settled,
    secrets,
    accounts,
    deploy: (...all) => {
      templates = all.map(({ template }) => template)
      book.changed('velero')
    },
    allowed,
    most: () => most,
  }
}

const soon = () => AbortSignal.timeout(5000)
const down = (registry: FakeRegistry) => {
  registry.intercept = (_request, response) => {
    response.writeHead(503).end()
    return true
  }
}

t.test('what is declared is looked at ahead of time, and then known without asking anybody', async (t) => {
  const { book, registry, image, declare, settled, shown } = await desk(t)
  const digest = registry.push('acme/plugin', 'v1')
  declare(source('acme', { image }))
  await settled()
  t.same(shown(), { acme: 'Ready Reachable' })
  const asked = registry.seen.length
  t.match(await book.known(written(), soon()), { findings: [{ digest }], problems: [] })
  t.equal(registry.seen.length, asked)
})

t.test('who asks before the first look waits for it, and no longer than told', async (t) => {
  const { book, registry, image, declare } = await desk(t)
  const hold = Promise.withResolvers<void>()
  registry.push('acme/plugin', 'v1')
  registry.intercept = (_request, response) => {
    void hold.promise.then(() => response.writeHead(503).end())
    return true
  }
  declare(source('acme', { image }))
  const given = new AbortController()
  const known = book.known(written(), given.signal)
  given.abort(new Error('out of time'))
  t.match(await known, { findings: [{ digest: undefined, results: [{ reason: 'NotChecked' }] }] })
  hold.resolve()
})

t.test('what was mended is looked at when somebody asks, not only when its turn comes', async (t) => {
  const { book, registry, image, declare, settled, shown, clock, secrets } = await desk(t)
  registry.push('acme/plugin', 'v1')
  declare(source('acme', { image, imagePullSecret: 'pull' }))
  await settled()
  t.same(shown(), { acme: 'NotReady SecretNotFound' })
  secrets.set('pull', {
    name: 'velero/pull',
    type: 'kubernetes.io/dockercfg',
    data: { '.dockercfg': Buffer.from('{}').toString('base64') },
  })
  await clock.pass(5_001)
  const { findings } = await book.known(written(), soon())
  t.same(findings.map(standingOf), ['Ready'])
})

t.test('what is wrong is looked at less and less often, and never less than every few minutes', async (t) => {
  const { registry, image, declare, settled, pass } = await desk(t)
  down(registry)
  declare(source('acme', { image }))
  await settled()
  const looks: number[] = []
  for (let minute = 0; minute < 60; minute += 1) {
    const before = registry.seen.length
    await pass(60_000)
    if (registry.seen.length > before) looks.push(minute)
  }
  t.ok(looks.length >= 12 && looks.length <= 16, `looked in the minutes ${looks.join(' ')}`)
  t.ok((looks.at(-1) ?? 0) - (looks.at(-2) ?? 0) <= 6)
})

t.test('a registry that is down for an hour leaves ready what was ready, and says so', async (t) => {
  const { book, registry, image, declare, settled, pass, shown } = await desk(t)
  const digest = registry.push('acme/plugin', 'v1')
  declare(source('acme', { image }))
  await settled()
  down(registry)
  for (let minute = 0; minute < 60; minute += 5) await pass(300_000)
  t.same(shown(), { acme: 'Ready RegistryError' })
  const [one] = book.now('velero')?.findings ?? []
  t.equal(one?.digest, digest)
  t.match(one?.results[3], { check: 'ManifestReachable', ok: true, reason: 'LastKnown' })
  t.ok((one?.results[3]?.message.length ?? 0) < 600, 'the words do not grow from look to look')
  registry.intercept = () => false
  await pass(400_000)
  t.same(shown(), { acme: 'Ready Reachable' })
})

t.test('what was found under former settings is not believed once they are others', async (t) => {
  const { book, registry, image, declare, settled, allowed } = await desk(t)
  registry.push('acme/plugin', 'v1')
  declare(source('acme', { image }))
  await settled()
  // A look that began under the former ones, and ends under the new ones.
  const [asked, hold] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  registry.intercept = (_request, response) => {
    asked.resolve()
    void hold.promise.then(() => response.writeHead(503).end())
    return true
  }
  book.renewed('velero')
  await asked.promise
  allowed.push('ghcr.io')
  book.renewed('velero')
  const known = book.known(written(), soon())
  hold.resolve()
  t.match((await known).findings, [{ results: { 1: { ok: false, reason: 'NotAllowed' } } }])
})

t.test('what stands in a status is looked at before it is first believed, if that can be', async (t) => {
  const { book, image, declare, allowed, registry } = await desk(t)
  const digest = registry.push('acme/plugin', 'v1')
  const results = imageChecks.map((check) => ({ check, ok: true, reason: 'Fine', message: 'fine' }))
  allowed.push('ghcr.io')
  declare(source('acme', { image }, { digest, results }))
  t.match((await book.known(written(), soon())).findings, [{ results: { 1: { reason: 'NotAllowed' } } }])
})

t.test('a no ends what was only known', async (t) => {
  const { registry, image, declare, settled, pass, shown } = await desk(t)
  registry.push('acme/plugin', 'v1')
  declare(source('acme', { image }))
  await settled()
  registry.door = { kind: 'basic', users: ['me:right'] }
  await pass(400_000)
  t.same(shown(), { acme: 'NotReady Unauthorized' })
})

t.test(
  'a plugin that is declared otherwise while it is looked at gets nothing of what was found',
  async (t) => {
    const { book, registry, image, declare, settled } = await desk(t)
    const first = registry.push('acme/plugin', 'v1')
    const second = registry.push('acme/plugin', 'v2', anImageConfig({ author: 'x' }))
    const hold = Promise.withResolvers<void>()
    registry.intercept = (_request, response, { path }) => {
      if (!path.endsWith('/v1')) return false
      void hold.promise.then(() => response.writeHead(503).end())
      return true
    }
    declare(source('acme', { image }))
    await new Promise((resolve) => setTimeout(resolve, 50))
    declare(source('acme', { image: image.replace('v1', 'v2') }))
    hold.resolve()
    await settled()
    t.match(book.now('velero')?.findings, [{ digest: second, plugin: { reference: { tag: 'v2' } } }])
    t.not(first, second)
  },
)

t.test('a plugin that is declared no more is forgotten, also while it is looked at', async (t) => {
  const { book, registry, image, declare, settled } = await desk(t)
  registry.push('acme/plugin', 'v1')
  declare(source('acme', { image }))
  declare()
  await settled()
  t.same(book.now('velero')?.findings, [])
})

t.test('enforcement can change without a new look', async (t) => {
  const { book, registry, image, declare, settled } = await desk(t)
  registry.push('acme/plugin', 'v1')
  declare(source('acme', { image }))
  await settled()
  const asked = registry.seen.length
  declare(source('acme', { image, enforcement: 'Warn' }))
  await settled()
  t.match(book.now('velero')?.findings, [{ plugin: { enforcement: 'Warn' }, digest: /^sha256:/ }])
  t.equal(registry.seen.length, asked)
})

t.test('a digest in the status counts for all replicas, and is what is looked at', async (t) => {
  const { book, registry, image, declare, settled } = await desk(t)
  const old = registry.push('acme/plugin', 'v1')
  const now = registry.push('acme/plugin', 'v1', anImageConfig({ author: 'x' }))
  declare(source('acme', { image }))
  await settled()
  t.match(book.now('velero')?.findings, [{ digest: now }])
  declare(source('acme', { image }, { digest: old, results: [] }))
  await book.known(written(), soon())
  await settled()
  t.match(book.now('velero')?.findings, [{ digest: old, results: { 4: { reason: 'TagMoved' } } }])
})

t.test(
  'a digest that is settled on, or carried, while another is looked at, is the one that counts',
  async (t) => {
    for (const how of ['settled', 'carried'] as const) {
      const { book, registry, image, declare, deploy, settled } = await desk(t)
      const old = registry.push('acme/plugin', 'v1')
      registry.push('acme/plugin', 'v1', anImageConfig({ author: 'x' }))
      const begun = Promise.withResolvers<void>()
      const hold = Promise.withResolvers<void>()
      const blobs: string[] = []
      registry.intercept = (_request, response, { path }) => {
        if (!path.includes('/blobs/') || blobs.push(path) > 1) return false
        begun.resolve()
        void hold.promise.then(() => response.writeHead(503).end())
        return true
      }
      declare(source('acme', { image }))
      await begun.promise
      if (how === 'settled') declare(source('acme', { image }, { digest: old, results: [] }))
      else deploy(carrying(`${image}@${old}`))
      hold.resolve()
      const { findings } = await book.known(written(), soon())
      t.match(findings, [{ digest: old, results: { 4: { reason: 'TagMoved' } } }], how)
      await settled()
    }
  },
)

t.test('what Velero carries is read before the first look, which would pin another', async (t) => {
  const read = Promise.withResolvers<void>()
  const { book, registry, image, declare, deploy, settled } = await desk(t, { whenRead: () => read.promise })
  const old = registry.push('acme/plugin', 'v1')
  registry.push('acme/plugin', 'v1', anImageConfig({ author: 'x' }))
  declare(source('acme', { image }))
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(registry.seen.length, 0)
  deploy(carrying(`${image}@${old}`))
  read.resolve()
  await settled()
  t.match(book.now('velero')?.findings, [{ digest: old, results: { 4: { reason: 'TagMoved' } } }])
})

t.test('a Velero that cannot be read holds up no look for ever', async (t) => {
  const { book, clock, registry, image, declare, settled } = await desk(t, {
    whenRead: () => new Promise(() => {}),
  })
  const digest = registry.push('acme/plugin', 'v1')
  declare(source('acme', { image }))
  await new Promise((resolve) => setTimeout(resolve, 50))
  await clock.pass(60_000)
  await settled()
  t.match(book.now('velero')?.findings, [{ digest }])
})

t.test(
  'what a status says of an image that was never right is not said of one that is carried',
  async (t) => {
    const { book, image, declare, deploy } = await desk(t)
    const old = `sha256:${'1'.repeat(64)}`
    const results = imageChecks.map((check) => ({ check, ok: true, reason: 'Fine', message: 'fine' }))
    deploy(carrying(`${image}@${old}`))
    declare(source('acme', { image }, { digest: undefined, results }))
    t.match(book.now('velero')?.findings, [{ digest: old, results: { 6: { ok: undefined } } }])
  },
)

t.test('an image that was never right is pinned to nothing: the next push of the tag counts', async (t) => {
  const { book, registry, image, declare, settled, pass } = await desk(t)
  registry.push('acme/plugin', 'v1', anImageConfig({ config: {} }))
  declare(source('acme', { image }))
  await settled()
  t.match(book.now('velero')?.findings, [{ results: { 6: { ok: false, reason: 'NoEntrypoint' } } }])
  const mended = registry.push('acme/plugin', 'v1')
  await pass(60_000)
  t.match(book.now('velero')?.findings, [{ digest: mended, results: { 4: { ok: true }, 6: { ok: true } } }])
})

t.test('many plugins are looked at a few at a time, and one that fails touches no other', async (t) => {
  const { registry, declare, settled, shown, most } = await desk(t)
  const names = Array.from({ length: 40 }, (_, index) => `p${index}`)
  for (const name of names.slice(1)) registry.push(`acme/${name}`, 'v1')
  declare(...names.map((name) => source(name, { image: `${registry.host}/acme/${name}:v1` })))
  await settled()
  const { p0, ...others } = shown()
  t.equal(p0, 'NotReady NotFound')
  t.same(new Set(Object.values(others)), new Set(['Ready Reachable']))
  t.ok(most() <= 8, `${most()} at once`)
})

t.test('more plugins than any Velero has are told, and not looked at', async (t) => {
  const { book, declare } = await desk(t)
  const all = Array.from({ length: mostPlugins + 2 }, (_, index) =>
    source(`p${index}`, { image: `registry.invalid/acme/p${index}:v1` }),
  )
  declare(...all)
  const known = book.now('velero')
  t.equal(known?.findings.length, mostPlugins)
  t.match(known?.problems, [/at most 256 plugins are looked at, and 2 more are declared/])
  declare()
})

t.test(
  'what is wrong with a declaration is told by its document, and the others are known all the same',
  async (t) => {
    const { book, registry, image, declare, settled } = await desk(t)
    registry.push('acme/plugin', 'v1')
    declare(source('acme', { image }), source('twin', { image }), source('torn', { image: 'Wrong/Image' }))
    await settled()
    const known = await book.known(written(), soon())
    t.same(
      known.findings.map(({ plugin }) => plugin.name),
      ['acme'],
    )
    t.same([...known.faults.keys()], ['VeleroPlugin velero/twin', 'VeleroPlugin velero/torn'])
    t.match(known.problems, [/^VeleroPlugin velero\/twin: spec\.image must not be a repository that another/])
  },
)

t.test('while it is not known what is declared, nothing is taken for declared no more', async (t) => {
  const { book } = await desk(t, { sources: () => undefined })
  for (const asked of [book.known(written(), soon()), book.declared('velero', soon())]) {
    const error: unknown = await asked.then(
      () => undefined,
      (caught: unknown) => caught,
    )
    // By its class: the webhooks tell this one to whoever asked, and other errors only to the log.
    t.ok(error instanceof DeclarationsUnread)
    t.match(error, {
      message:
        'what declares plugins for velero could not be read lately, and the API server did not answer (nobody answers)',
    })
  }
  t.equal(book.now('velero'), undefined)
})

// --- what Velero's pod has ---

t.test(
  "what Velero's pod can pull is Ready, whether its template or its account has the secret",
  async (t) => {
    const { registry, image, declare, settled, shown, secrets, accounts, deploy } = await desk(t)
    registry.push('acme/plugin', 'v1')
    registry.door = { kind: 'token', users: ['me:right'] }
    secrets.set('pull', credentials('pull', registry.host, 'me:right'))
    declare(source('acme', { image }))
    await settled()
    t.same(shown(), { acme: 'NotReady Unauthorized' })
    deploy(written({ imagePullSecrets: [{ name: 'pull' }, { name: 'gone' }] }))
    await settled()
    t.same(shown(), { acme: 'Ready Reachable' })
    deploy(written())
    await settled()
    t.same(shown(), { acme: 'NotReady Unauthorized' })
    accounts.set('velero', ['pull'])
    deploy(written({ serviceAccountName: 'other' }))
    deploy(written())
    await settled()
    t.same(shown(), { acme: 'Ready Reachable' })
    // Whoever names one gets none of the account's, and an entry without a name is one too.
    deploy(written({ imagePullSecrets: [{ name: '' }] }))
    await settled()
    t.same(shown(), { acme: 'NotReady Unauthorized' })
  },
)

t.test('the Deployment that is being written counts with the pull secrets that it brings', async (t) => {
  const { book, registry, image, declare, settled, shown, secrets, deploy } = await desk(t)
  const digest = registry.push('acme/plugin', 'v1')
  registry.door = { kind: 'token', users: ['me:right'] }
  secrets.set('pull', credentials('pull', registry.host, 'me:right'))
  const [bare, equipped] = [written(), written({ imagePullSecrets: [{ name: 'pull' }] })]
  const standing = async (one: Written) =>
    (await book.known(one, soon())).findings.map((found) => [standingOf(found), found.digest])
  deploy()
  declare(source('acme', { image }))
  await settled()
  t.same(await standing(bare), [['NotReady', undefined]])
  t.same(await standing(equipped), [['Ready', digest]])
  t.same(shown(), { acme: 'NotReady Unauthorized' }, 'nothing was written yet')
  deploy(equipped)
  await settled()
  t.same(shown(), { acme: 'Ready Reachable' })
  const asked = registry.seen.length
  t.same(await standing(equipped), [['Ready', digest]])
  t.equal(registry.seen.length, asked, 'from memory')
  t.same(await standing(bare), [['NotReady', digest]], 'whoever takes the secret away is told')
  down(registry)
  const third = await book.known(written({ serviceAccountName: 'third' }), AbortSignal.timeout(300))
  t.same(third.findings.map(standingOf), ['Ready'], 'as last known')
})

t.test('who tries the same again and again asks the registry once in five seconds', async (t) => {
  const { book, registry, image, declare, settled, deploy, clock } = await desk(t)
  registry.door = { kind: 'token', users: ['me:right'] }
  deploy()
  declare(source('acme', { image }))
  await settled()
  await book.known(written(), soon())
  const asked = registry.seen.length
  await book.known(written(), soon())
  t.equal(registry.seen.length, asked)
  await clock.pass(5_001)
  await book.known(written(), soon())
  t.ok(registry.seen.length > asked)
})

t.test(
  'the pull secrets of the account are known to whoever would keep them away, and to nobody else',
  async (t) => {
    const { book, registry, image, declare, settled, accounts, deploy } = await desk(t)
    registry.push('acme/plugin', 'v1')
    accounts.set('velero', ['of-account'])
    deploy(written())
    const ask = (pod: object = {}) => book.known(written(pod), soon())
    declare(source('acme', { image }))
    await settled()
    t.match(await ask(), { accountSecrets: [], warnings: [] }, 'no plugin brings one')
    declare(source('acme', { image, imagePullSecret: 'pull' }))
    await settled()
    t.match(await ask(), { accountSecrets: ['of-account'], warnings: [] })
    t.match(await ask({ imagePullSecrets: [{ name: 'own' }] }), { accountSecrets: [], warnings: [] })
    const hidden = await ask({ serviceAccountName: 'hidden' })
    t.equal(hidden.accountSecrets, undefined)
    t.match(hidden.warnings, [
      /^ServiceAccount hidden could not be read, and a pod with a pull secret gets none of/,
    ])
  },
)

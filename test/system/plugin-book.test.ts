/** What becomes of declared plugins: the whole service, an API server, and a real registry with TLS and a door. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { eventually, type Loose } from '../support/asking.ts'
import { startCluster, type System } from '../support/cluster.ts'
import { anImageConfig, fakeCa, serveRegistry, type FakeRegistry } from '../support/fake-registry.ts'
import { whenThorough } from '../support/runs.ts'

// Most of each test is waiting.
t.jobs = 4

const node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n1' },
  status: {
    nodeInfo: { operatingSystem: 'linux', architecture: 'amd64' },
    addresses: [{ type: 'InternalIP', address: '192.0.2.7' }],
  },
}
const plugins = '/apis/tidewaiter.io/v1beta1/namespaces/velero/veleroplugins'
const deployment = '/apis/apps/v1/namespaces/velero/deployments/velero'

type Started = { readonly system: System; readonly registry: FakeRegistry }

async function start(
  t: Test,
  given: {
    readonly speed?: number
    readonly allowed?: readonly string[]
    readonly objects?: readonly unknown[]
    readonly flags?: Readonly<Record<string, string>>
    readonly registry?: FakeRegistry
  } = {},
): Promise<Started> {
  const registry = given.registry ?? (await serveRegistry(t, 'localhost'))
  // Not t.testdir: the system has one of its own, and each call empties it.
  const folder = mkdtempSync(join(tmpdir(), 'tidewaiter-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'ca.pem'), fakeCa)
  const file = join(folder, 'registries.yaml')
  writeFileSync(
    file,
    JSON.stringify({
      allowed: given.allowed ?? [],
      registries: [{ registry: registry.host, caFile: 'ca.pem' }],
    }),
  )
  const system = await startCluster(t, {
    speed: given.speed ?? 20,
    objects: [node, ...(given.objects ?? [])],
    env: { VELERO_PLUGINS_ENABLED: 'true' },
    flags: { registries: file, ...given.flags },
  })
  return { system, registry }
}

const aVeleroPlugin = (name: string, spec: object) => ({
  apiVersion: 'tidewaiter.io/v1beta1',
  kind: 'VeleroPlugin',
  metadata: { name, namespace: 'velero' },
  spec,
})

async function apply(t: Test, { system }: Started, name: string, spec: object): Promise<void> {
  t.match(await system.call('POST', plugins, { body: aVeleroPlugin(name, spec) }), { status: 201 })
}

const conditionOf = (plugin: Loose, type: string): Loose =>
  plugin.status?.conditions?.find((one: Loose) => one.type === type) ?? {}

/** The VeleroPlugin once a condition says this. */
const once = (
  { system }: Started,
  name: string,
  [type, status, reason]: readonly [string, string, string?],
): Promise<Loose> =>
  eventually(
    `${name} has ${type}=${status} ${reason ?? ''}`,
    async () => {
      const { body } = await system.call('GET', `${plugins}/${name}`)
      const found = conditionOf(body, type)
      return found.status === status && (reason === undefined || found.reason === reason) ? body : undefined
    },
    { seconds: 20 },
  )

/** Begins a rollout of Velero as `kubectl rollout restart` does. */
const restart = (system: System, at: string) =>
  system.call('PATCH', deployment, {
    type: 'application/merge-patch+json',
    body: { spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': at } } } } },
  })

const images = (deployment: Loose): readonly string[] =>
  (deployment.spec.template.spec.initContainers ?? []).map(({ image }: Loose) => image)

t.test('a plugin is checked, pinned, waits for a rollout, is injected by it, and rolled out', async (t) => {
  const started = await start(t)
  const { system, registry } = started
  const digest = registry.push('acme/plugin', 'v1')
  await apply(t, started, 'acme', { image: `${registry.host}/acme/plugin:v1` })
  const waiting = await once(started, 'acme', ['Injected', 'False', 'WaitsForRollout'])
  t.match(waiting.status, { digest, observedGeneration: 1, initContainer: 'acme-plugin' })
  t.same(
    waiting.status.conditions.map(({ type, status }: Loose) => `${type}=${status}`),
    [
      'ReferenceValid=True',
      'RegistryAllowed=True',
      'PullSecretValid=True',
      'ManifestReachable=True',
      'TagUnmoved=True',
      'PlatformSupported=True',
      'ShapeValid=True',
      'SignatureVerified=True',
      'Ready=True',
      'Injected=False',
      'RolledOut=False',
    ],
  )
  t.match(conditionOf(waiting, 'Injected').message, 'tidewaiter plugins rollout -n velero')
  t.match(await restart(system, 'first'), { status: 200 })
  await once(started, 'acme', ['Injected', 'True'])
  const { body } = await system.call('GET', deployment)
  t.ok(images(body).includes(`${registry.host}/acme/plugin:v1@${digest}`), images(body).join(' '))
  await once(started, 'acme', ['RolledOut', 'False', 'RollingOut'])
  const { generation } = body.metadata
  const status = { observedGeneration: generation, replicas: 1, updatedReplicas: 1, availableReplicas: 1 }
  await system.call('PATCH', `${deployment}/status`, {
    type: 'application/merge-patch+json',
    body: { status },
  })
  await once(started, 'acme', ['RolledOut', 'True'])
  const events = await eventually('it is told', async () => {
    const { body } = await system.call('GET', '/api/v1/namespaces/velero/events')
    const own = body.items.filter(({ involvedObject }: Loose) => involvedObject.kind === 'VeleroPlugin')
    return own.some(({ reason }: Loose) => reason === 'RolledOut') ? own : undefined
  })
  t.same(new Set(events.map(({ reason }: Loose) => reason)), new Set(['Ready', 'Injected', 'RolledOut']))
  t.match(events[0].involvedObject, { apiVersion: 'tidewaiter.io/v1beta1', name: 'acme' })
})

t.test(
  'a tag that moves is told of, and what is injected stays what was pinned until the new one is named',
  whenThorough,
  async (t) => {
    const started = await start(t, { speed: 40 })
    const { system, registry } = started
    const old = registry.push('acme/plugin', 'v1')
    const image = `${registry.host}/acme/plugin:v1`
    await apply(t, started, 'acme', { image })
    await once(started, 'acme', ['Ready', 'True'])
    const now = registry.push('acme/plugin', 'v1', anImageConfig({ author: 'somebody else' }))
    const moved = await once(started, 'acme', ['TagUnmoved', 'False', 'TagMoved'])
    t.equal(moved.status.digest, old)
    t.equal(conditionOf(moved, 'Ready').status, 'True')
    const answer = await restart(system, 'first')
    t.match(answer, { status: 200 })
    t.match(answer.warnings, [/plugin acme .*its tag was moved; the image that was pinned stays/])
    t.ok(images(answer.body).includes(`${image}@${old}`))
    const patch = { spec: { image: `${image}@${now}` } }
    await system.call('PATCH', `${plugins}/acme`, { type: 'application/merge-patch+json', body: patch })
    await once(started, 'acme', ['Injected', 'False', 'OtherImage'])
    const named = await once(started, 'acme', ['Ready', 'True'])
    t.match(named.status, { digest: now, observedGeneration: 2 })
    t.ok(images((await restart(system, 'second')).body).includes(`${image}@${now}`))
  },
)

t.test('a pull secret is looked for again: missing, wrong, mended', whenThorough, async (t) => {
  const started = await start(t)
  const { system, registry } = started
  registry.push('acme/plugin', 'v1')
  registry.door = { kind: 'token', users: ['me:right'] }
  await apply(t, started, 'acme', { image: `${registry.host}/acme/plugin:v1`, imagePullSecret: 'pull' })
  await once(started, 'acme', ['Ready', 'False', 'SecretNotFound'])
  const refused = await restart(system, 'first')
  t.match(refused, { status: 403, body: { message: /SecretNotFound/ } })
  const config = (pair: string) => JSON.stringify({ auths: { [registry.host]: { auth: btoa(pair) } } })
  const secret = (pair: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/dockerconfigjson',
    metadata: { name: 'pull', namespace: 'velero' },
    stringData: { '.dockerconfigjson': config(pair) },
  })
  await system.call('POST', '/api/v1/namespaces/velero/secrets', { body: secret('me:wrong-one') })
  const wrong = await once(started, 'acme', ['Ready', 'False', 'Unauthorized'])
  t.notMatch(JSON.stringify([wrong, system.logged()]), 'wrong-one')
  await system.call('PUT', '/api/v1/namespaces/velero/secrets/pull', { body: secret('me:right') })
  await once(started, 'acme', ['Ready', 'True'])
  t.match(await restart(system, 'second'), { status: 200 })
})

t.test(
  'with the registry down a restart forgets nothing: what was ready stays ready at its digest',
  async (t) => {
    const started = await start(t)
    const { system, registry } = started
    const digest = registry.push('acme/plugin', 'v1')
    await apply(t, started, 'acme', { image: `${registry.host}/acme/plugin:v1` })
    await once(started, 'acme', ['Ready', 'True'])
    registry.intercept = (_request, response) => {
      response.writeHead(503).end()
      return true
    }
    await system.service.kill()
    await system.startService()
    const known = await once(started, 'acme', ['ManifestReachable', 'True', 'LastKnown'])
    t.match(known.status.digest, digest)
    const answer = await restart(system, 'first')
    t.match(answer, { status: 200 })
    t.ok(images(answer.body).includes(`${registry.host}/acme/plugin:v1@${digest}`))
  },
)

/** A pull secret in Velero's namespace with these credentials for the registry. */
const pullSecret = (name: string, { host }: FakeRegistry, pair: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'kubernetes.io/dockerconfigjson',
  metadata: { name, namespace: 'velero' },
  stringData: { '.dockerconfigjson': JSON.stringify({ auths: { [host]: { auth: btoa(pair) } } }) },
})

t.test(
  "Velero's account can pull a plugin that names no secret, and keeps that when another names one",
  whenThorough,
  async (t) => {
    const registry = await serveRegistry(t, 'localhost')
    registry.door = { kind: 'token', users: ['me:right', 'acme:right'] }
    const bare = registry.push('acme/bare', 'v1')
    const named = registry.push('acme/named', 'v1')
    const metadata = { name: 'velero', namespace: 'velero' }
    const started = await start(t, {
      registry,
      objects: [
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata, imagePullSecrets: [{ name: 'of-account' }] },
        pullSecret('of-account', registry, 'me:right'),
        pullSecret('of-plugin', registry, 'acme:right'),
      ],
    })
    const { system } = started
    await apply(t, started, 'bare', { image: `${registry.host}/acme/bare:v1` })
    await once(started, 'bare', ['Ready', 'True'])
    const first = await restart(system, 'first')
    t.same(images(first.body), [`${registry.host}/acme/bare:v1@${bare}`])
    t.equal(first.body.spec.template.spec.imagePullSecrets, undefined)
    await apply(t, started, 'named', {
      image: `${registry.host}/acme/named:v1`,
      imagePullSecret: 'of-plugin',
    })
    await once(started, 'named', ['Ready', 'True'])
    const second = await restart(system, 'second')
    t.ok(images(second.body).includes(`${registry.host}/acme/named:v1@${named}`))
    t.same(second.body.spec.template.spec.imagePullSecrets, [{ name: 'of-plugin' }, { name: 'of-account' }])
  },
)

t.test(
  'the first Deployment of an install brings the pull secret that its plugins are pulled with',
  whenThorough,
  async (t) => {
    const registry = await serveRegistry(t, 'localhost')
    registry.door = { kind: 'token', users: ['me:right'] }
    const digest = registry.push('acme/plugin', 'v1')
    const started = await start(t, { registry, objects: [pullSecret('of-chart', registry, 'me:right')] })
    const { system } = started
    const { body } = await system.call('GET', deployment)
    await system.call('DELETE', deployment)
    await apply(t, started, 'acme', { image: `${registry.host}/acme/plugin:v1` })
    await once(started, 'acme', ['Ready', 'False', 'Unauthorized'])
    const { template } = body.spec
    const install = (pod: object) =>
      system.call('POST', '/apis/apps/v1/namespaces/velero/deployments', {
        body: {
          ...body,
          metadata: { name: 'velero', labels: body.metadata.labels },
          spec: { ...body.spec, template: { ...template, spec: { ...template.spec, ...pod } } },
        },
      })
    // A look has a few seconds, which a busy machine may use up: what is refused for that is asked again.
    const inTime = async (pod: object, what: RegExp): ReturnType<typeof install> => {
      for (let tries = 1; ; tries += 1) {
        const answer = await install(pod)
        if (tries === 20 || what.test(JSON.stringify([answer.status, answer.body.message]))) return answer
      }
    }
    t.match(await inTime({}, /Unauthorized/), { status: 403, body: { message: /Unauthorized/ } })
    const installed = await inTime({ imagePullSecrets: [{ name: 'of-chart' }] }, /^\[201/)
    t.match(installed, { status: 201 })
    t.same(images(installed.body), [`${registry.host}/acme/plugin:v1@${digest}`])
    await once(started, 'acme', ['Ready', 'True'])
  },
)

const config = (image: string, more: string = '') => `apiVersion: embeddedcluster.replicated.com/v1beta1
kind: Config
metadata: {name: app}
spec:
  extensions:
    velero:
      plugins:
        - {name: listed, image: "${image}"}
${more}`
const configMap = (text: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'tidewaiter-plugins', namespace: 'velero' },
  data: { 'config.yaml': text },
})

t.test(
  'plugins of a ConfigMap are injected too, a large one as well as a small, and what cannot be read refuses',
  whenThorough,
  async (t) => {
    const started = await start(t, { speed: 2 })
    const { system, registry } = started
    const digest = registry.push('acme/listed', 'v1')
    const image = `${registry.host}/acme/listed:v1`
    const maps = '/api/v1/namespaces/velero/configmaps'
    let attempts = 0
    const large = config(image, Array.from({ length: 2000 }, (_, index) => `# line ${index}`).join('\n'))
    await system.call('POST', maps, { body: configMap(large) })
    const answer = await eventually('it is injected', async () => {
      const found = await restart(system, `attempt ${(attempts += 1)}`)
      return found.status === 200 && images(found.body).length > 0 ? found : undefined
    })
    t.ok(images(answer.body).includes(`${image}@${digest}`), images(answer.body).join(' '))
    t.match(answer.body.spec.template.spec.initContainers.at(-1), { name: 'listed' })
    await system.call('PUT', `${maps}/tidewaiter-plugins`, { body: configMap(config(image, 'spec: {')) })
    const refused = await eventually('it is refused', async () => {
      const found = await restart(system, `attempt ${(attempts += 1)}`)
      return found.status === 403 ? found : undefined
    })
    t.match(refused.body.message, 'ConfigMap velero/tidewaiter-plugins')
  },
)

t.test('a plugin from a registry that is not allowed is never asked for', whenThorough, async (t) => {
  const started = await start(t, { allowed: ['ghcr.io'] })
  const { registry } = started
  await apply(t, started, 'acme', { image: `${registry.host}/acme/plugin:v1` })
  const refused = await once(started, 'acme', ['Ready', 'False', 'NotAllowed'])
  t.match(conditionOf(refused, 'Injected'), { status: 'False', reason: 'NotReady' })
  t.same(registry.paths, [])
})

t.test(
  'a copy of what is declared that has been silent is not believed: the API server is asked',
  whenThorough,
  async (t) => {
    const started = await start(t, { speed: 12 })
    const { system, registry } = started
    const { faults } = system.api
    for (const name of ['acme', 'listed', 'late']) registry.push(`acme/${name}`, 'v1')
    const imageOf = (name: string) => `${registry.host}/acme/${name}:v1`
    await apply(t, started, 'acme', { image: imageOf('acme') })
    await system.call('POST', '/api/v1/namespaces/velero/configmaps', {
      body: configMap(config(imageOf('listed'))),
    })
    await once(started, 'acme', ['Ready', 'True'])
    const forever = Number.POSITIVE_INFINITY
    for (const resource of ['veleroplugins', 'configmaps']) {
      faults.add({ match: { verb: 'watch', resource }, times: forever, effect: { kind: 'freeze' } })
      faults.dropWatches({ resource })
    }
    await apply(t, started, 'late', { image: imageOf('late') })
    let attempts = 0
    const answer = await eventually(
      'the new plugin goes in',
      async () => {
        const found = await restart(system, `attempt ${(attempts += 1)}`)
        t.equal(found.status, 200, JSON.stringify(found.body.message))
        return images(found.body).some((image) => image.startsWith(imageOf('late'))) ? found : undefined
      },
      { everyMs: 500, seconds: 20 },
    )
    t.equal(images(answer.body).length, 3, images(answer.body).join(' '))
    const twin = { body: aVeleroPlugin('twin', { image: imageOf('late') }) }
    t.match(await system.call('POST', plugins, twin), { status: 422, body: { message: /velero\/late/ } })
    faults.add({
      match: { verb: 'list', resource: 'veleroplugins' },
      times: forever,
      effect: { kind: 'answer', code: 500 },
    })
    const refused = await restart(system, 'last')
    t.match(refused, {
      status: 500,
      body: { message: /what declares plugins for velero could not be read lately, and the API server/ },
    })
  },
)

/** As Embedded Cluster defines it, as far as it is read. */
const installations = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'installations.embeddedcluster.replicated.com' },
  spec: {
    group: 'embeddedcluster.replicated.com',
    scope: 'Cluster',
    names: { plural: 'installations', singular: 'installation', kind: 'Installation' },
    versions: [
      {
        name: 'v1beta1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
}
const installation = (name: string, image: string, plugin = 'listed') => ({
  apiVersion: 'embeddedcluster.replicated.com/v1beta1',
  kind: 'Installation',
  metadata: { name },
  spec: { config: { extensions: { velero: { plugins: [{ name: plugin, image }] } } } },
})

t.test(
  'a ConfigMap and an Installation name the proxy, and the domain of this install is asked',
  whenThorough,
  async (t) => {
    const registry = await serveRegistry(t, 'localhost')
    const digest = registry.push('proxy/app/listed', 'v1')
    const started = await start(t, {
      registry,
      objects: [
        installations,
        installation('20260101000000', 'proxy.replicated.com/proxy/app/listed:v1', 'installed'),
        configMap(config('proxy.replicated.com/proxy/app/other:v1')),
      ],
      flags: { 'plugins-installation': 'newest', 'proxy-domain': registry.host },
    })
    const other = registry.push('proxy/app/other', 'v1')
    let attempts = 0
    const answer = await eventually('both are injected', async () => {
      const found = await restart(started.system, `attempt ${(attempts += 1)}`)
      return found.status === 200 && images(found.body).length === 2 ? found : undefined
    })
    t.same(images(answer.body), [
      `${registry.host}/proxy/app/other:v1@${other}`,
      `${registry.host}/proxy/app/listed:v1@${digest}`,
    ])
  },
)

t.test(
  'the newest Installation of Embedded Cluster declares plugins, and no older one',
  whenThorough,
  async (t) => {
    const started = await start(t, { objects: [installations], flags: { 'plugins-installation': 'newest' } })
    const { system, registry } = started
    const digest = registry.push('acme/listed', 'v2')
    const path = '/apis/embeddedcluster.replicated.com/v1beta1/installations'
    const place = `${registry.host}/acme/listed`
    for (const [name, tag] of [
      ['20260101000000', 'v1'],
      ['20260202000000', 'v2'],
    ] as const)
      t.match(await system.call('POST', path, { body: installation(name, `${place}:${tag}`) }), {
        status: 201,
      })
    let attempts = 0
    const answer = await eventually('the newest is injected', async () => {
      const found = await restart(system, `attempt ${(attempts += 1)}`)
      return found.status === 200 && images(found.body).length > 0 ? found : undefined
    })
    t.same(images(answer.body), [`${place}:v2@${digest}`])
  },
)

t.test(
  'a declaration that cannot be used any more says so in its status, and what Velero has of it stays',
  whenThorough,
  async (t) => {
    const started = await start(t)
    const { system, registry } = started
    registry.push('acme/plugin', 'v1')
    const image = `${registry.host}/acme/plugin:v1`
    await apply(t, started, 'acme', { image })
    await once(started, 'acme', ['Ready', 'True'])
    await restart(system, 'first')
    await once(started, 'acme', ['Injected', 'True'])
    // As an older CRD, or a write while nobody was asked, may have left it.
    await unregister(system)
    const twin = aVeleroPlugin('a-twin', { image })
    t.match(await system.call('POST', plugins, { body: twin }), { status: 201 })
    const invalid = await once(started, 'a-twin', ['Ready', 'False', 'Invalid'])
    t.match(
      conditionOf(invalid, 'Ready').message,
      /spec\.image must not be a repository that another plugin has: VeleroPlugin velero\/acme/,
    )
    await once(started, 'acme', ['Injected', 'True'])
  },
)

/** Takes the webhooks away: nobody is asked. */
async function unregister(system: System): Promise<void> {
  const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations'
  const { body } = await system.call('GET', path)
  for (const { metadata } of body.items) await system.call('DELETE', `${path}/${metadata.name}`)
}

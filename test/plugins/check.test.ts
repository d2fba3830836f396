import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { imageChecks, pluginConditions } from '../../src/api/velero-plugin.ts'
import type { Platform } from '../../src/core/plugin-check/platform.ts'
import { standingOf } from '../../src/core/plugin/findings.ts'
import { checkPlugin, type Checking } from '../../src/plugins/check.ts'
import { createInspections } from '../../src/plugins/inspections.ts'
import type { CheckPorts, PullSecret } from '../../src/plugins/ports.ts'
import { registriesOf } from '../../src/wiring/registries.ts'
import { aClient } from '../images/support.ts'
import { aPlugin } from '../support/velero-deployments.ts'
import {
  anImageConfig,
  fakeCa,
  serveRegistry,
  sha256,
  types,
  type FakeRegistry,
} from '../support/fake-registry.ts'

const amd: Platform = { os: 'linux', architecture: 'amd64' }
const arm: Platform = { os: 'linux', architecture: 'arm64' }

function portsOf(registry: FakeRegistry, given: Partial<CheckPorts> = {}): CheckPorts {
  const { ports } = aClient([registry])
  return {
    clock: ports.clock,
    registries: registriesOf(ports, [{ registry: registry.host, ca: fakeCa }]),
    allowed: [],
    secretOf: async () => undefined,
    podSecretsOf: async () => [],
    nodesOf: async () => [amd],
    ...given,
  }
}

const checking = (
  image: string,
  given: Partial<Checking> & { readonly imagePullSecret?: string } = {},
): Checking => {
  const { imagePullSecret, ...rest } = given
  return {
    plugin: aPlugin(image, imagePullSecret === undefined ? {} : { imagePullSecret }),
    pinnedBefore: undefined,
    signal: new AbortController().signal,
    timeoutMs: 5000,
    ...rest,
  }
}

const pullSecret = (pair: string, host: string): PullSecret => ({
  name: 'velero/pull',
  type: 'kubernetes.io/dockerconfigjson',
  data: {
    '.dockerconfigjson': Buffer.from(
      JSON.stringify({ auths: { [host]: { auth: Buffer.from(pair).toString('base64') } } }),
    ).toString('base64'),
  },
})

/** The results as `check: reason`, and a mark for yes, no and undecided. */
const shown = ({ results }: Awaited<ReturnType<typeof checkPlugin>>): readonly string[] =>
  results.map(({ check, ok, reason }) => `${ok === undefined ? '?' : ok ? '+' : '-'} ${check} ${reason}`)

t.test('every check has a condition of its name, in the same order', async (t) => {
  t.same(
    pluginConditions.filter((name) => (imageChecks as readonly string[]).includes(name)),
    imageChecks,
  )
})

t.test('an image that is right passes every check, and is pinned to what the registry has', async (t) => {
  const registry = await serveRegistry(t)
  const digest = registry.push('acme/plugin', 'v1')
  const findings = await checkPlugin(checking(`${registry.host}/acme/plugin:v1`), portsOf(registry))
  t.same(shown(findings), [
    '+ ReferenceValid Valid',
    '+ RegistryAllowed AllAllowed',
    '+ PullSecretValid NoneNamed',
    '+ ManifestReachable Reachable',
    '+ TagUnmoved FirstSeen',
    '+ PlatformSupported PlatformFits',
    '+ ShapeValid HasEntrypoint',
    '+ SignatureVerified NotRequired',
  ])
  t.equal(findings.digest, digest)
  t.equal(standingOf(findings), 'Ready')
})

t.test('an image that is named by digest is asked for by it, and needs no tag', async (t) => {
  const registry = await serveRegistry(t)
  const digest = registry.push('acme/plugin', 'v1')
  const findings = await checkPlugin(
    checking(`${registry.host}/acme/plugin:gone@${digest}`),
    portsOf(registry),
  )
  t.match(findings, { digest, results: { 4: { check: 'TagUnmoved', ok: true, reason: 'ByDigest' } } })
  t.notOk(registry.paths.some((path) => path.endsWith('/gone')))
})

t.test('a registry that is not allowed is not called, and no Secret is read for it', async (t) => {
  const registry = await serveRegistry(t)
  const findings = await checkPlugin(
    checking(`${registry.host}/acme/plugin:v1`, { imagePullSecret: 'pull' }),
    portsOf(registry, { allowed: ['ghcr.io'], secretOf: async () => t.fail('read') as never }),
  )
  t.same(shown(findings), [
    '+ ReferenceValid Valid',
    '- RegistryAllowed NotAllowed',
    '? PullSecretValid NotChecked',
    '? ManifestReachable NotChecked',
    '? TagUnmoved NotChecked',
    '? PlatformSupported NotChecked',
    '? ShapeValid NotChecked',
    '+ SignatureVerified NotRequired',
  ])
  t.match(findings.results[3], { message: 'not looked at: RegistryAllowed comes first' })
  t.same(registry.paths, [])
  t.equal(standingOf(findings), 'NotReady')
})

const lists: Readonly<Record<string, { allowed: readonly string[]; image: string; ok: boolean }>> = {
  'a registry allows all that is in it': { allowed: ['ghcr.io'], image: 'ghcr.io/acme/plugin', ok: true },
  'a path allows what is below it': { allowed: ['ghcr.io/acme/'], image: 'ghcr.io/acme/plugin', ok: true },
  'a path is no prefix of text': { allowed: ['ghcr.io/acme'], image: 'ghcr.io/acme-two/plugin', ok: false },
  'a whole repository can be allowed': {
    allowed: ['ghcr.io/acme/plugin'],
    image: 'ghcr.io/acme/plugin:1',
    ok: true,
  },
  'another port is another registry': { allowed: ['ghcr.io'], image: 'ghcr.io:5000/acme/plugin', ok: false },
  '443 is the usual port, and hosts have no case': {
    allowed: ['GHCR.io:443'],
    image: 'ghcr.io/acme/plugin',
    ok: true,
  },
  'Docker Hub has several names': { allowed: ['index.docker.io/velero'], image: 'velero/plugin:1', ok: true },
  'a host that ends alike is another': { allowed: ['hcr.io'], image: 'ghcr.io/acme/plugin', ok: false },
}
for (const [name, { allowed, image, ok }] of Object.entries(lists)) {
  t.test(name, async (t) => {
    const signal = AbortSignal.abort(new Error('no calls in this test'))
    const registry = await serveRegistry(t)
    const { results } = await checkPlugin(checking(image, { signal }), portsOf(registry, { allowed }))
    t.match(results[1], { check: 'RegistryAllowed', ok })
  })
}

t.test('a pull secret that is missing, wrong or unread says so, and the registry is not asked', async (t) => {
  const registry = await serveRegistry(t)
  registry.push('acme/plugin', 'v1')
  const cases: Readonly<Record<string, CheckPorts['secretOf']>> = {
    '- PullSecretValid SecretNotFound': async () => undefined,
    '- PullSecretValid SecretUnusable': async () => ({ name: 'velero/pull', type: 'Opaque', data: {} }),
    '? PullSecretValid SecretUnread': () => Promise.reject(new Error('secrets "pull" is forbidden')),
  }
  for (const [want, secretOf] of Object.entries(cases)) {
    const asked = checking(`${registry.host}/acme/plugin:v1`, { imagePullSecret: 'pull' })
    const findings = await checkPlugin(asked, portsOf(registry, { secretOf }))
    t.equal(shown(findings)[2], want)
    t.equal(shown(findings)[3], '? ManifestReachable NotChecked')
  }
  t.same(registry.paths, [])
})

t.test('the credentials of the pull secret are used; without them the registry says no', async (t) => {
  const registry = await serveRegistry(t)
  registry.push('acme/plugin', 'v1')
  registry.door = { kind: 'token', users: ['me:right'] }
  const ports = (pair: string) => portsOf(registry, { secretOf: async () => pullSecret(pair, registry.host) })
  const asked = checking(`${registry.host}/acme/plugin:v1`, { imagePullSecret: 'pull' })
  t.equal(standingOf(await checkPlugin(asked, ports('me:right'))), 'Ready')
  const refused = await checkPlugin(asked, ports('me:wrong-and-secret'))
  t.match(refused.results[3], { check: 'ManifestReachable', ok: false, reason: 'Unauthorized' })
  t.notMatch(JSON.stringify(refused), 'wrong-and-secret')
})

t.test('a tag that moved leaves the pin where it was, and what is pinned is what is looked at', async (t) => {
  const registry = await serveRegistry(t)
  const old = registry.push('acme/plugin', 'v1')
  const now = registry.push('acme/plugin', 'v1', anImageConfig({ config: {} }))
  const findings = await checkPlugin(
    checking(`${registry.host}/acme/plugin:v1`, { pinnedBefore: old }),
    portsOf(registry),
  )
  t.match(findings, { digest: old, results: { 4: { ok: false, reason: 'TagMoved' }, 6: { ok: true } } })
  t.match(findings.results[4]?.message, `${registry.host}/acme/plugin:v1@${now}`)
  t.equal(standingOf(findings), 'Ready')
})

t.test('a tag that is gone leaves the pin as long as its digest is there', async (t) => {
  const registry = await serveRegistry(t)
  const old = registry.push('acme/plugin', 'v0')
  const asked = checking(`${registry.host}/acme/plugin:v1`, { pinnedBefore: old })
  const findings = await checkPlugin(asked, portsOf(registry))
  t.equal(shown(findings)[4], '? TagUnmoved NotFound')
  t.equal(standingOf(findings), 'Ready')
})

t.test('a pinned image that the registry has no more is a no, whatever the tag is', async (t) => {
  const registry = await serveRegistry(t)
  registry.push('acme/plugin', 'v1')
  const asked = checking(`${registry.host}/acme/plugin:v1`, { pinnedBefore: sha256('gone') })
  const findings = await checkPlugin(asked, portsOf(registry))
  t.match(findings.results[3], { ok: false, reason: 'NotFound' })
  t.equal(findings.digest, sha256('gone'))
})

t.test('what was looked at once costs one HEAD of the tag afterwards', async (t) => {
  const registry = await serveRegistry(t)
  const digest = registry.push('acme/plugin', 'v1')
  const ports = portsOf(registry, { inspections: createInspections() })
  const image = `${registry.host}/acme/plugin:v1`
  await checkPlugin(checking(image), ports)
  registry.seen.length = 0
  const again = await checkPlugin(checking(image, { pinnedBefore: digest }), ports)
  t.equal(standingOf(again), 'Ready')
  t.same(
    registry.seen.map(({ method, path }) => `${method} ${path}`),
    ['HEAD /v2/acme/plugin/manifests/v1'],
  )
})

t.test('a new kind of node is looked at anew', async (t) => {
  const registry = await serveRegistry(t)
  const digest = registry.push('acme/plugin', 'v1')
  const inspections = createInspections()
  const image = `${registry.host}/acme/plugin:v1`
  await checkPlugin(checking(image), portsOf(registry, { inspections }))
  const findings = await checkPlugin(
    checking(image, { pinnedBefore: digest }),
    portsOf(registry, { inspections, nodesOf: async () => [amd, arm] }),
  )
  t.match(findings.results[5], {
    check: 'PlatformSupported',
    ok: false,
    reason: 'PlatformMissingOnSomeNodes',
  })
})

t.test('a registry that takes pulls away again is noticed although the image is known', async (t) => {
  const registry = await serveRegistry(t)
  const digest = registry.push('acme/plugin', 'v1')
  const ports = portsOf(registry, { inspections: createInspections() })
  const image = `${registry.host}/acme/plugin:v1`
  await checkPlugin(checking(image), ports)
  registry.door = { kind: 'basic', users: ['me:right'] }
  const again = await checkPlugin(checking(image, { pinnedBefore: digest }), ports)
  t.match(again.results[3], { ok: false, reason: 'Unauthorized' })
})

t.test('a registry without the header of the digest is asked for the manifest', async (t) => {
  const registry = await serveRegistry(t)
  const digest = registry.push('acme/plugin', 'v1')
  registry.intercept = (_request, response, { method }) => {
    if (method !== 'HEAD') return false
    response.writeHead(200, { 'content-type': types.image, 'content-length': 2 }).end()
    return true
  }
  const asked = checking(`${registry.host}/acme/plugin:v1`, { pinnedBefore: digest })
  t.equal(standingOf(await checkPlugin(asked, portsOf(registry))), 'Ready')
})

t.test('nodes that cannot be read leave the platform undecided', async (t) => {
  const registry = await serveRegistry(t)
  registry.push('acme/plugin', 'v1')
  const nodesOf = () => Promise.reject(new Error('nodes is forbidden'))
  const findings = await checkPlugin(
    checking(`${registry.host}/acme/plugin:v1`),
    portsOf(registry, { nodesOf }),
  )
  t.equal(shown(findings)[5], '? PlatformSupported NodesUnknown')
  t.equal(standingOf(findings), 'Unknown')
})

t.test(
  'a registry that does not answer leaves everything undecided in time, and the pin where it was',
  async (t) => {
    const registry = await serveRegistry(t)
    registry.intercept = () => true
    const asked = checking(`${registry.host}/acme/plugin:v1`, {
      pinnedBefore: sha256('old'),
      timeoutMs: 1000,
    })
    const findings = await checkPlugin(asked, portsOf(registry))
    t.same(shown(findings).slice(3, 5), ['? ManifestReachable Timeout', '? TagUnmoved Timeout'])
    t.equal(findings.digest, sha256('old'))
    t.equal(standingOf(findings), 'Unknown')
    t.equal(registry.seen.length, 1)
  },
)

t.test('a Secret and nodes that are never read do not hold up the checks', async (t) => {
  const registry = await serveRegistry(t)
  const never = () => new Promise<never>(() => {})
  const asked = checking(`${registry.host}/acme/plugin:v1`, { imagePullSecret: 'pull', timeoutMs: 500 })
  const findings = await Promise.race([
    checkPlugin(asked, portsOf(registry, { secretOf: never, nodesOf: never })),
    sleep(5000, undefined, { ref: false }),
  ])
  t.match(findings, { results: { 2: { reason: 'SecretUnread', ok: undefined } } })
})

// --- what Velero's pod has anyway ---

const asking = (registry: FakeRegistry, secret?: string) =>
  checking(`${registry.host}/acme/plugin:v1`, secret === undefined ? {} : { imagePullSecret: secret })

t.test("credentials that Velero's pod has count after those of the named secret", async (t) => {
  const registry = await serveRegistry(t)
  registry.push('acme/plugin', 'v1')
  registry.door = { kind: 'token', users: ['me:right'] }
  const right = pullSecret('me:right', registry.host)
  const podSecretsOf = async () => [right]
  const bare = await checkPlugin(asking(registry), portsOf(registry, { podSecretsOf }))
  t.equal(standingOf(bare), 'Ready')
  t.match(bare.results[2], {
    reason: 'NoneNamed',
    message: /asked with what Velero's pod has \(velero\/pull\)$/,
  })
  const named = portsOf(registry, { podSecretsOf, secretOf: async () => pullSecret('me:old', registry.host) })
  t.equal(standingOf(await checkPlugin(asking(registry, 'pull'), named)), 'Ready')
  const missing = await checkPlugin(asking(registry, 'pull'), portsOf(registry, { podSecretsOf }))
  t.equal(shown(missing)[2], '- PullSecretValid SecretNotFound', 'the named one must be there all the same')
})

t.test(
  'a secret of the pod that is none for pulling is passed over, one that cannot be parsed is not',
  async (t) => {
    const registry = await serveRegistry(t)
    registry.push('acme/plugin', 'v1')
    const json = 'kubernetes.io/dockerconfigjson'
    const of = (type: string, data: PullSecret['data']) => async () => [{ name: 'velero/odd', type, data }]
    const passed = [of('Opaque', { a: 'b' }), of(json, {}), of(json, { '.dockerconfigjson': '' })]
    for (const podSecretsOf of passed)
      t.equal(standingOf(await checkPlugin(asking(registry), portsOf(registry, { podSecretsOf }))), 'Ready')
    const asked = registry.seen.length
    const podSecretsOf = of(json, { '.dockerconfigjson': btoa('{"auths":{"a":{"auth":"%%"}}}') })
    const { results } = await checkPlugin(asking(registry), portsOf(registry, { podSecretsOf }))
    t.match(results[2], {
      ok: false,
      reason: 'SecretUnusable',
      message:
        /Secret velero\/odd .*Velero's pod has it too, and with it the kubelet pulls none of its images/,
    })
    t.equal(registry.seen.length, asked)
  },
)

t.test('an identity token of the pod is not used: the kubelet does not read it', async (t) => {
  const registry = await serveRegistry(t)
  registry.push('acme/plugin', 'v1')
  registry.door = { kind: 'token', users: ['me:right'] }
  const auths = { [registry.host]: { auth: btoa('me:'), identitytoken: 'let-me-in' } }
  const data = { '.dockerconfigjson': btoa(JSON.stringify({ auths })) }
  const podSecretsOf = async () => [{ name: 'velero/odd', type: 'kubernetes.io/dockerconfigjson', data }]
  const found = await checkPlugin(asking(registry), portsOf(registry, { podSecretsOf }))
  t.equal(shown(found)[3], '- ManifestReachable Unauthorized')
  t.notMatch(JSON.stringify(registry.seen), 'let-me-in')
})

t.test("a no is none while it is not known what Velero's pod has; a yes is one", async (t) => {
  const registry = await serveRegistry(t)
  registry.push('acme/plugin', 'v1')
  const podSecretsOf = () => Promise.reject(new Error('serviceaccounts "odd" is forbidden'))
  t.equal(standingOf(await checkPlugin(asking(registry), portsOf(registry, { podSecretsOf }))), 'Ready')
  registry.door = { kind: 'token', users: ['me:right'] }
  const { results } = await checkPlugin(asking(registry), portsOf(registry, { podSecretsOf }))
  t.match(results[3], {
    check: 'ManifestReachable',
    ok: undefined,
    reason: 'PullSecretsUnread',
    message: /Velero's pod may have other pull secrets: serviceaccounts "odd" is forbidden$/,
  })
})

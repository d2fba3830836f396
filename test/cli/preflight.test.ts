/** `tidewaiter preflight`, with real registries and a real API server: what it prints, what it refuses, how it ends. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/system-clock.ts'
import { eventually } from '../support/asking.ts'
import { cli, type CliSetting, type Said } from '../support/cli.ts'
import { anImageConfig, fakeCa, serveRegistry, type FakeRegistry } from '../support/fake-registry.ts'
import { aVeleroPlugin, startVeleroCluster } from '../support/velero-cluster.ts'
import { whenThorough } from '../support/runs.ts'

t.jobs = 4

const plugin = (name: string, image: string, more = '') => `apiVersion: tidewaiter.io/v1beta1
kind: VeleroPlugin
metadata: { name: ${name}, namespace: velero }
spec: { image: '${image}'${more} }
---
`
const secret = (name: string, host: string, pair: string) => `apiVersion: v1
kind: Secret
metadata: { name: ${name} }
type: kubernetes.io/dockerconfigjson
stringData: { .dockerconfigjson: '${dockerConfig(host, pair)}' }
---
`
const dockerConfig = (host: string, pair: string) =>
  JSON.stringify({ auths: { [host]: { auth: Buffer.from(pair).toString('base64') } } })

/** A registry on 127.0.0.1 with a plugin in it, and settings that trust its authority. */
async function harbour(t: Test, more = '') {
  const registry = await serveRegistry(t, '127.0.0.1')
  const digest = registry.push('acme/plugin', 'v1')
  const ca = JSON.stringify(fakeCa)
  const settings = `${more}\nregistries: [{ registry: '${registry.host}', ca: ${ca} }]\n`
  return { registry, digest, settings, image: `${registry.host}/acme/plugin:v1` }
}

/** Runs it on these files, for nodes of linux/amd64. */
async function preflight(
  t: Test,
  files: Readonly<Record<string, string>>,
  {
    args = ['--platform', 'linux/amd64'],
    ...setting
  }: CliSetting & { readonly args?: readonly string[] } = {},
): Promise<Said> {
  const folder = t.testdir({ ...files })
  const named = Object.keys(files).includes('plugins.yaml') ? ['-f', join(folder, 'plugins.yaml')] : []
  const settings = Object.keys(files).includes('registries.yaml')
    ? ['--registries', join(folder, 'registries.yaml')]
    : []
  const said = await cli(
    ['preflight', ...named, ...settings, ...args.map((arg) => arg.replace('FOLDER', folder))],
    setting,
  )
  return { ...said, out: said.out.replaceAll(`${folder}/`, ''), err: said.err.replaceAll(`${folder}/`, '') }
}

const cells = (out: string): readonly (readonly string[])[] =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {3,}/))
/** `CHECK RESULT REASON` of each check of an image. */
const verdicts = (out: string) =>
  Object.fromEntries(
    cells(out)
      .slice(1)
      .map(([, check = '', result, reason]) => [check, `${result} ${reason}`]),
  )

t.test('a plugin that is right: the whole table, 0', async (t) => {
  const { registry, digest, settings, image } = await harbour(t)
  const said = await preflight(t, { 'plugins.yaml': plugin('acme', image), 'registries.yaml': settings })
  t.same(said, {
    code: 0,
    err: 'tidewaiter: all 8 checks say yes\n',
    out: `SUBJECT       CHECK               RESULT   REASON          MESSAGE
plugin acme   ReferenceValid      yes      Valid           it is read as ${image}
plugin acme   RegistryAllowed     yes      AllAllowed      images may come from any registry
plugin acme   PullSecretValid     yes      NoneNamed       no pull secret is named: the registry is asked without credentials
plugin acme   ManifestReachable   yes      Reachable       its digest is ${digest}
plugin acme   TagUnmoved          yes      FirstSeen       ${image} is ${digest}
plugin acme   PlatformSupported   yes      PlatformFits    it is built for linux/amd64
plugin acme   ShapeValid          yes      HasEntrypoint   it says itself what to start
plugin acme   SignatureVerified   yes      NotRequired     no signature is required
`,
  })
  t.ok(registry.seen.length > 0)
})

t.test('the same as JSON: a shape that programs rely on', async (t) => {
  const { digest, settings, image } = await harbour(t)
  const args = ['-o', 'json', '--platform', 'linux/arm64']
  const files = { 'plugins.yaml': plugin('acme', image), 'registries.yaml': settings }
  const { out, err, code } = await preflight(t, files, { args })
  const told = JSON.parse(out)
  t.same([Object.keys(told), told.ok, code, err], [['ok', 'checks', 'plugins', 'warnings'], false, 1, ''])
  t.equal(told.checks.length, 8)
  t.match(
    told.checks.find(({ check }: { readonly check: string }) => check === 'PlatformSupported'),
    {
      subject: { kind: 'Plugin', name: 'acme' },
      check: 'PlatformSupported',
      status: 'False',
      reason: 'PlatformMissing',
      message:
        'wanted an image for linux/arm64, got linux/amd64. Push an image for it, or keep Velero off those nodes',
    },
  )
  t.same(told.plugins, [
    {
      name: 'acme',
      declaredIn: 'VeleroPlugin velero/acme',
      image,
      enforcement: 'Enforce',
      standing: 'NotReady',
      digest,
    },
  ])
})

type Failing = {
  readonly prepare?: (registry: FakeRegistry) => void
  readonly more?: string
  readonly tag?: string
  readonly want: Readonly<Record<string, string>>
}

const failing: Readonly<Record<string, Failing>> = {
  'an image that is not there': {
    tag: 'v2',
    want: { ManifestReachable: 'no NotFound', ShapeValid: '? NotChecked' },
  },
  'an image that does not say what to start': {
    prepare: (registry) => registry.push('acme/plugin', 'v1', anImageConfig({ config: {} })),
    want: { ManifestReachable: 'yes Reachable', ShapeValid: 'no NoEntrypoint' },
  },
  'a registry that wants a password, and none is given': {
    prepare: (registry) => (registry.door = { kind: 'basic', users: ['robot:secret'] }),
    want: { ManifestReachable: 'no Unauthorized' },
  },
  'a registry that has trouble: nobody knows': {
    prepare: (registry) =>
      (registry.intercept = (_, response) => {
        response.writeHead(503, { 'retry-after': '60' })
        response.end()
        return true
      }),
    want: { ManifestReachable: '? RegistryError', PlatformSupported: '? NotChecked' },
  },
  'a registry that is not allowed': {
    more: 'allowed: [registry.example.com/acme]',
    want: { RegistryAllowed: 'no NotAllowed', ManifestReachable: '? NotChecked' },
  },
}

for (const [name, { prepare, more, tag = 'v1', want }] of Object.entries(failing))
  t.test(`${name}: 1`, async (t) => {
    const { registry, settings } = await harbour(t, more)
    prepare?.(registry)
    const image = `${registry.host}/acme/plugin:${tag}`
    const said = await preflight(t, { 'plugins.yaml': plugin('acme', image), 'registries.yaml': settings })
    t.equal(said.code, 1)
    t.match(verdicts(said.out), want)
    t.match(said.err, /of 8 checks \d say yes, \d no, and \d could not be decided/)
  })

t.test(
  'what is wrong with declarations is told by line, and the others are checked all the same',
  async (t) => {
    const { settings, image } = await harbour(t)
    const text = `${plugin('acme', image)}${plugin('bad', 'Upper/Case')}${plugin('acme', 'a/b')}`
    const said = await preflight(t, { 'plugins.yaml': text, 'registries.yaml': settings })
    t.equal(said.code, 1)
    t.match(cells(said.out).slice(1, 3), [
      [
        'plugins.yaml:9',
        'DeclarationValid',
        'no',
        'Invalid',
        /spec.image must have a repository in lower case/,
      ],
      [
        'plugins.yaml:13',
        'DeclarationValid',
        'no',
        'Invalid',
        /metadata.name must not be a name that another/,
      ],
    ])
    t.equal(verdicts(said.out)['ManifestReachable'], 'yes Reachable')
    const none = await preflight(t, { 'plugins.yaml': 'kind: Other\n' })
    t.match(none, { code: 1, out: /plugins.yaml:1 +DeclarationValid +no +Invalid +must hold a VeleroPlugin/ })
  },
)

const locked = async (t: Test) => {
  const found = await harbour(t)
  found.registry.door = { kind: 'token', users: ['robot:secret'] }
  return { ...found, declared: plugin('acme', found.image, ', imagePullSecret: pull') }
}

t.test('a pull secret among the files is what the registry is asked with', async (t) => {
  const { registry, settings, declared } = await locked(t)
  const files = {
    'plugins.yaml': declared + secret('pull', registry.host, 'robot:secret'),
    'registries.yaml': settings,
  }
  const said = await preflight(t, files)
  t.equal(said.code, 0, said.out)
  t.match(verdicts(said.out), { PullSecretValid: 'yes SecretUsable', ManifestReachable: 'yes Reachable' })
  const wrong = { ...files, 'plugins.yaml': declared + secret('pull', registry.host, 'robot:wrong') }
  const refused = await preflight(t, wrong)
  t.match(verdicts(refused.out), {
    PullSecretValid: 'yes SecretUsable',
    ManifestReachable: 'no Unauthorized',
  })
  t.notMatch(refused.out + refused.err, /wrong|secret"/, 'no password is shown')
})

t.test(
  'a pull secret that nobody gave is undecided; credentials that stand in are told as such',
  async (t) => {
    const { registry, settings, declared } = await locked(t)
    const files = { 'plugins.yaml': declared, 'registries.yaml': settings }
    const said = await preflight(t, files)
    t.equal(said.code, 1)
    t.match(
      said.out,
      /PullSecretValid +\? +SecretUnread +wanted the Secret pull, got: no manifest of it\. Give that with -f/,
    )
    t.equal(registry.seen.length, 0, 'nothing is asked without the credentials that are meant')
    const args = ['--platform', 'linux/amd64', '--docker-config', 'FOLDER/config.json']
    const stood = await preflight(
      t,
      { ...files, 'config.json': dockerConfig(registry.host, 'robot:secret') },
      { args },
    )
    t.equal(stood.code, 0, stood.out)
    t.match(
      stood.out,
      /PullSecretValid +yes +StandIn +the credentials of config.json stand in for the Secret pull/,
    )
  },
)

t.test('a helper that credentials are left to is not run, which is said', async (t) => {
  const { settings, image } = await harbour(t)
  const said = await preflight(
    t,
    {
      'plugins.yaml': plugin('acme', image),
      'registries.yaml': settings,
      'config.json': '{"credsStore":"desktop"}',
    },
    { args: ['--platform', 'linux/amd64', '--docker-config', 'FOLDER/config.json'] },
  )
  t.match(said.err, /warning: config.json leaves credentials to a helper \(credsStore\), which is not run/)
})

t.test('for a machine of its own without --platform, which is said', async (t) => {
  const { settings, image } = await harbour(t)
  const files = { 'plugins.yaml': plugin('acme', image), 'registries.yaml': settings }
  t.match(
    (await preflight(t, files, { args: [] })).err,
    /without --platform and --cluster images are checked for linux\//,
  )
})

t.test('progress and colour: only on a terminal, colour not with NO_COLOR', async (t) => {
  const { settings, image } = await harbour(t)
  const files = { 'plugins.yaml': plugin('acme', image), 'registries.yaml': settings }
  const seen = await preflight(t, files, { terminals: ['stdout', 'stderr'] })
  t.match(seen.out, '\u001b[32myes')
  t.match(seen.err, 'checking images: 1 of 1\r\u001b[2K')
  const plain = await preflight(t, files, { terminals: ['stdout'], env: { NO_COLOR: '1' } })
  t.notMatch(plain.out + plain.err, '\u001b')
})

t.test('Ctrl-C while a registry keeps silent ends it at once, with 130', async (t) => {
  const { registry, settings, image } = await harbour(t)
  registry.intercept = () => true
  const stop = new AbortController()
  const began = systemClock.now()
  const [said] = await Promise.all([
    preflight(
      t,
      { 'plugins.yaml': plugin('acme', image), 'registries.yaml': settings },
      { stop: stop.signal },
    ),
    eventually('the registry is asked', () => (registry.seen.length > 0 ? true : undefined)).then(() =>
      stop.abort(),
    ),
  ])
  t.match(said, { code: 130, out: '' })
  t.ok(systemClock.now() - began < 4000)
})

// --- the cluster ---

const node = (name: string, architecture: string, operatingSystem = 'linux') => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  status: { nodeInfo: { architecture, operatingSystem } },
})

t.test('a cluster that has what an install needs: each thing a line, 0', async (t) => {
  const cluster = await startVeleroCluster(t)
  const said = await cli(['preflight', '--kubeconfig', cluster.kubeconfig()])
  t.equal(said.code, 0, said.out)
  t.same(verdicts(said.out), {
    KubernetesVersion: 'yes NewEnough',
    PoliciesServed: 'yes Served',
    NamespaceExists: 'yes Found',
    VeleroInstalled: 'yes Served',
    KindsServed: 'yes Served',
    RightsToInstall: 'yes Granted',
  })
})

t.test('a cluster without Velero, and a user without rights: 1', async (t) => {
  const cluster = await startVeleroCluster(t)
  const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
  await cluster.call('DELETE', `${crds}/restores.velero.io`)
  await cluster.call('DELETE', `${crds}/veleroplugins.tidewaiter.io`)
  const said = await cli(['preflight', '--kubeconfig', cluster.kubeconfig('reader'), '-n', 'backup'])
  t.equal(said.code, 1)
  t.match(verdicts(said.out), {
    NamespaceExists: 'no NotFound',
    VeleroInstalled: 'no NotServed',
    KindsServed: 'yes NotYet',
    RightsToInstall: 'no NotGranted',
  })
  t.match(said.out, /who may not: create namespaces, patch namespaces, create customresourcedefinitions/)
  const nobody = await cli(['preflight', '--kubeconfig', cluster.kubeconfig('nobody')])
  t.match(verdicts(nobody.out), { NamespaceExists: '? Forbidden' })
  t.equal(nobody.code, 1)
})

t.test('platforms of the nodes, the pull secret and what is pinned come from the cluster', async (t) => {
  const { registry, settings, declared, image, digest } = await locked(t)
  const cluster = await startVeleroCluster(t)
  const pull = {
    '.dockerconfigjson': Buffer.from(dockerConfig(registry.host, 'robot:secret')).toString('base64'),
  }
  const there = aVeleroPlugin('acme', image)
  cluster.seed(
    node('a', 'amd64'),
    node('w', 'amd64', 'windows'),
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'pull', namespace: 'velero' },
      type: 'kubernetes.io/dockerconfigjson',
      data: pull,
    },
    { ...there, status: { ...there.status, digest } },
  )
  const files = { 'plugins.yaml': declared, 'registries.yaml': settings }
  const args = ['--kubeconfig', cluster.kubeconfig()]
  const said = await preflight(t, files, { args })
  t.equal(said.code, 0, said.out)
  t.match(verdicts(said.out), {
    PullSecretValid: 'yes SecretUsable',
    TagUnmoved: 'yes TagUnmoved',
    PlatformSupported: 'yes PlatformFits',
  })
  registry.push('acme/plugin', 'v1', anImageConfig({ author: 'another' }))
  cluster.seed(node('b', 'arm64'))
  await cluster.call('DELETE', '/api/v1/namespaces/velero/secrets/pull')
  const later = await preflight(
    t,
    { ...files, 'plugins.yaml': declared + secret('pull', registry.host, 'robot:secret') },
    { args },
  )
  t.equal(later.code, 1)
  t.match(verdicts(later.out), {
    TagUnmoved: 'no TagMoved',
    PlatformSupported: 'no PlatformMissingOnSomeNodes',
  })
  const none = await preflight(t, files, { args })
  t.match(verdicts(none.out), { PullSecretValid: 'no SecretNotFound' })
})

t.test("what Velero's pod in the cluster pulls with counts there, and not without the cluster", async (t) => {
  const { registry, settings, declared } = await locked(t)
  const cluster = await startVeleroCluster(t)
  const metadata = { name: 'velero', namespace: 'velero' }
  const data = { '.dockerconfigjson': btoa(dockerConfig(registry.host, 'robot:secret')) }
  cluster.seed(
    node('a', 'amd64'),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata, imagePullSecrets: [{ name: 'of-velero' }] },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { ...metadata, name: 'of-velero' },
      type: 'kubernetes.io/dockerconfigjson',
      data,
    },
  )
  const files = {
    'plugins.yaml': declared.replace(', imagePullSecret: pull', ''),
    'registries.yaml': settings,
  }
  const there = await preflight(t, files, { args: ['--kubeconfig', cluster.kubeconfig()] })
  t.match(verdicts(there.out), { PullSecretValid: 'yes NoneNamed', ManifestReachable: 'yes Reachable' })
  const here = await preflight(t, files)
  t.match(verdicts(here.out), { ManifestReachable: 'no Unauthorized' })
})

t.test('a cluster that does not answer: 3', whenThorough, async (t) => {
  const cluster = await startVeleroCluster(t)
  const kubeconfig = cluster.kubeconfig()
  await cluster.api.stop()
  t.match(await cli(['preflight', '--kubeconfig', kubeconfig]), {
    code: 3,
    out: '',
    err: /the API server https:\S+ must answer, got: /,
  })
})

// --- usage and files ---

t.test('flags that cannot be understood, all at once: 2', async (t) => {
  const said = await cli(['preflight', '--platform', 'linux', '-o', 'xml', '--proxy-domain', 'a/b'])
  t.same(said, {
    code: 2,
    out: '',
    err: [
      'tidewaiter: -f must name a file, a folder, or - for stdin, or --cluster be given: there is nothing to check',
      'tidewaiter: --proxy-domain must be HOST[:PORT], got "a/b"',
      'tidewaiter: --platform must be OS/ARCHITECTURE[/VARIANT] such as linux/arm64, got "linux"',
      'tidewaiter: -o must be table or json, got "xml"',
      'Run `tidewaiter preflight --help` for what there is.',
      '',
    ].join('\n'),
  })
})

t.test('files that cannot be read or used: 4', async (t) => {
  t.match(await cli(['preflight', '-f', '/nowhere']), {
    code: 4,
    err: /\/nowhere cannot be read: there is no such file/,
  })
  t.match(
    await preflight(t, {
      'plugins.yaml': plugin('a', 'b/c'),
      'registries.yaml': 'allow: []\nregistries: 1\n',
    }),
    {
      code: 4,
      err: /--registries cannot be used: registries.yaml: line 1: allow must.*; registries.yaml: line 2: registries must/,
    },
  )
})

t.test('the docs name every flag of preflight and rollout', async (t) => {
  const docs = readFileSync(join(import.meta.dirname, '../../docs/plugins.md'), 'utf8')
  for (const command of [['preflight'], ['plugins', 'rollout'], ['plugins', 'list']]) {
    const { out } = await cli([...command, '--help'])
    const long = [...out.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag = '']) => flag)
    const flags = long.filter((flag) => !['--help', '--filename', '--namespace', '--output'].includes(flag))
    t.ok(flags.length >= 2, command.join(' '))
    const short: Readonly<Record<string, string>> = { '--all-namespaces': '-A' }
    for (const flag of flags) t.match(docs, short[flag] ?? flag, flag)
  }
})

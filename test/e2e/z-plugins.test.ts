/**
 * Plugins come aboard a real Velero: declared, checked at real registries, pinned, pulled by the kubelet, called by a Backup, taken
 * off again. Whoever applies and changes things here is the real kubectl, velero and helm.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { charted } from '../support/velero-deployments.ts'
import {
  copy,
  digestOf,
  move,
  openRegistry,
  privateRegistry,
  pullSecret,
  pushExample,
  pushIdle,
} from './plugin-images.ts'
import {
  aBackupName,
  aName,
  apply,
  call,
  eventually,
  kubectl,
  kubectlJson,
  must,
  ready,
  run,
  velero,
  veleroNamespace,
  type Loose,
  type Ran,
} from './support.ts'
import { logs, whole } from './z-install.ts'
import { pluginsOn, started, stopped } from './z-plugins-install.ts'

const stamp = `${privateRegistry}/acme/stamp:1.0.0`
const moving = `${openRegistry}/acme/moving:1`
const awsPlugin = `${openRegistry}/velero/velero-plugin-for-aws:v1.14.3`

const pluginsPath = `/apis/tidewaiter.io/v1beta1/namespaces/${veleroNamespace}/veleroplugins`
const veleroPlugin = (name: string, spec: Loose): Loose => ({
  apiVersion: 'tidewaiter.io/v1beta1',
  kind: 'VeleroPlugin',
  metadata: { name, namespace: veleroNamespace },
  spec,
})

/** Waits until a condition of a VeleroPlugin is so for its generation; gives the whole object. */
const told = (name: string, type: string, status: string, reason?: string): Promise<Loose> =>
  eventually(
    async () => {
      const { body } = await call('GET', `${pluginsPath}/${name}`)
      const found = body.status?.conditions?.find((one: Loose) => one.type === type)
      const isSo = found?.status === status && (reason === undefined || found.reason === reason)
      if (isSo && found.observedGeneration === body.metadata.generation) return body
      throw new Error(`${type} is ${JSON.stringify(found ?? body.status?.conditions ?? body.message)}`)
    },
    { ms: 90_000, what: `${type}=${status} ${reason ?? ''} of VeleroPlugin ${name}` },
  )

const template = async (name = 'velero'): Promise<Loose> =>
  (await kubectlJson(['get', 'deployment', name])).spec.template

const generation = async (name: string): Promise<number> =>
  (await kubectlJson(['get', 'deployment', name])).metadata.generation

/** A change of Velero's pod template that the API server only thinks through. */
const changed = (image = 'velero=velero/velero:v0'): Promise<Ran> =>
  kubectl(['set', 'image', 'deployment/velero', image, '--dry-run=server', '-o', 'json'])
const imagesIn = ({ spec }: Loose): readonly string[] => spec.initContainers.map(({ image }: Loose) => image)
const wouldRun = (ran: Ran): readonly string[] => imagesIn(JSON.parse(must(ran).stdout).spec.template)

const tidewaiter = (...args: readonly string[]): Promise<Ran> =>
  run(process.execPath, ['src/main.ts', ...args])

/** Takes a rule of the install away while something is done. */
async function without(resource: string, play: () => Promise<void>): Promise<void> {
  const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${veleroNamespace}/roles/tidewaiter`
  const { rules } = (await call('GET', path)).body
  const rest = rules.filter(({ resources }: Loose) => !resources.includes(resource))
  await call('PATCH', path, { body: { rules: rest } })
  try {
    await play()
  } finally {
    await call('PATCH', path, { body: { rules } })
  }
}

const velerosOwn = { original: {} as Loose, digest: '' }

t.before(async () => {
  await ready()
  await whole()
  velerosOwn.original = await template()
  velerosOwn.digest = await pushExample('acme/stamp:1.0.0')
  const source = `${openRegistry}/acme/stamp:1.0.0`
  for (const to of [stamp, moving, `${privateRegistry}/acme/locked:1`, `${privateRegistry}/acme/closed:1`])
    await copy(source, to)
  await pushIdle(`${openRegistry}/acme/idle:1`)
  await apply(pullSecret('acme'), pullSecret('acme-wrong', 'wrong-pa55word'))
})

t.teardown(async () => {
  await kubectl(['delete', 'veleroplugins', '--all'])
  await kubectl(['delete', 'secret', 'acme', 'acme-wrong', 'acme-missing', '--ignore-not-found'])
})

t.test('plugins', async (t) => {
  await t.test('with the gate off nothing is looked at and nothing is changed', async (t) => {
    // Always: else an image that is on the node already is not asked for.
    const spec = { image: stamp, imagePullSecret: 'acme', imagePullPolicy: 'Always' }
    await apply(veleroPlugin('stamp', spec))
    t.same(wouldRun(await changed()), [awsPlugin])
  })

  const off = await pluginsOn()
  t.teardown(off)
  const pinned = `${stamp}@${velerosOwn.digest}`

  await t.test('without the right "patch veleroplugins/status" the leader says so', (t) =>
    without('veleroplugins/status', async () => {
      const name = aName('untold')
      await apply(veleroPlugin(name, { image: `${openRegistry}/acme/idle:1` }))
      const isSaid = async () =>
        (await logs()).some((line) =>
          /cannot patch resource \\"veleroplugins\/status\\"/.test(JSON.stringify(line)),
        )
      t.ok(await eventually(isSaid, { what: 'a status that cannot be written' }))
      must(await kubectl(['delete', 'veleroplugin', name]))
    }),
  )

  await t.test('without the right "get serviceaccounts" an image that is not given is not called wrong', () =>
    without('serviceaccounts', async () => {
      const name = aName('unread')
      await apply(veleroPlugin(name, { image: `${openRegistry}/acme/${name}:1` }))
      await told(name, 'ManifestReachable', 'Unknown', 'PullSecretsUnread')
      must(await kubectl(['delete', 'veleroplugin', name]))
    }),
  )

  await t.test(
    'a plugin behind a password and an own authority is ready, and waits for a rollout',
    async (t) => {
      const { status } = await told('stamp', 'Ready', 'True')
      t.equal(status.digest, velerosOwn.digest)
      await told('stamp', 'Injected', 'False')
      t.same(await template(), velerosOwn.original, 'nothing is forced on a running Velero')
    },
  )

  await t.test(
    'a rollout takes it aboard: the kubelet pulls it by digest, beside the plugin that was there',
    async (t) => {
      const rolled = await tidewaiter('plugins', 'rollout', '-n', veleroNamespace, '--yes')
      t.equal(rolled.code, 0, rolled.stdout + rolled.stderr)
      const now = await template()
      t.same(imagesIn(now), [awsPlugin, pinned])
      t.same(now.spec.initContainers[0], velerosOwn.original.spec.initContainers[0], 'the AWS plugin stays')
      t.same(now.spec.imagePullSecrets, [{ name: 'acme' }])
      await told('stamp', 'RolledOut', 'True')
      const pods = (await kubectlJson(['get', 'pods', '-l', 'deploy=velero'])).items
      const [pod] = pods.filter(({ metadata }: Loose) => metadata.deletionTimestamp === undefined)
      t.match(pod.status.initContainerStatuses[1], {
        imageID: `${privateRegistry}/acme/stamp@${velerosOwn.digest}`,
        state: { terminated: { exitCode: 0 } },
      })
      const about = ['--field-selector', `involvedObject.name=${pod.metadata.name}`]
      await eventually(
        async () =>
          must(await kubectl(['get', 'events', ...about])).stdout.includes(
            `Successfully pulled image "${pinned}"`,
          ),
        { what: 'the Event of the kubelet' },
      )
    },
  )

  await t.test('Velero has it, and a Backup calls it', async (t) => {
    t.match(
      must(await velero(['plugin', 'get', '--timeout', '30s'])).stdout,
      /^example\.com\/stamp +BackupItemAction$/m,
    )
    const namespace = aName('stamp')
    t.teardown(() => kubectl(['delete', 'namespace', namespace, `${namespace}-restored`, '--wait=false']))
    const metadata = { name: 'settings', namespace, labels: { 'example.com/stamp': 'yes' } }
    await apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { a: 'b' } },
    )
    const backup = aBackupName()
    must(await velero(['backup', 'create', backup, '--include-namespaces', namespace, '--wait']))
    const mapping = `${namespace}:${namespace}-restored`
    must(
      await velero(['restore', 'create', '--from-backup', backup, '--namespace-mappings', mapping, '--wait']),
    )
    const restored = await kubectlJson(['-n', `${namespace}-restored`, 'get', 'configmap', 'settings'])
    t.equal(restored.metadata.annotations['example.com/stamped-by'], backup)
  })

  await t.test(
    'a Deployment of the Velero chart carries it, and no upgrade or re-application changes that',
    async (t) => {
      const chart = aChart()
      t.teardown(() => rmSync(chart, { recursive: true }))
      const helm = async (...args: readonly string[]) =>
        must(await run('helm', ['-n', veleroNamespace, ...args]))
      await helm('install', 'charted', chart)
      t.teardown(() => helm('uninstall', 'charted'))
      const first = await kubectlJson(['get', 'deployment', 'charted'])
      t.same(imagesIn(first.spec.template), [pinned])
      t.match(first.spec.template.spec.initContainers[0].volumeMounts, [
        { name: 'plugins', mountPath: '/target' },
      ])
      await helm('upgrade', 'charted', chart)
      t.equal(await generation('charted'), first.metadata.generation, 'no rollout is begun')
      // The first one notes in an annotation what it applied, which counts as another generation of a Deployment.
      must(await kubectl(['apply', '-f', join(chart, 'plain.json')]))
      const noted = await generation('charted')
      must(await kubectl(['apply', '-f', join(chart, 'plain.json')]))
      t.equal(await generation('charted'), noted)
      t.same(await template('charted'), first.spec.template)
      await helm('upgrade', 'charted', chart, '--set', 'note=other')
      const upgraded = await kubectlJson(['get', 'deployment', 'charted'])
      t.equal(upgraded.spec.template.metadata.annotations.note, 'other')
      t.same(upgraded.spec.template.spec, first.spec.template.spec)
    },
  )

  await t.test(
    'what cannot be used keeps Velero from changing, or is warned of, each with its reason',
    async (t) => {
      const bad = [
        {
          name: 'absent',
          image: `${openRegistry}/acme/absent:1`,
          check: 'ManifestReachable',
          reason: 'NotFound',
        },
        { name: 'idle', image: `${openRegistry}/acme/idle:1`, check: 'ShapeValid', reason: 'NoEntrypoint' },
        {
          name: 'locked',
          image: `${privateRegistry}/acme/locked:1`,
          imagePullSecret: 'acme-missing',
          check: 'PullSecretValid',
          reason: 'SecretNotFound',
        },
        {
          name: 'closed',
          image: `${privateRegistry}/acme/closed:1`,
          imagePullSecret: 'acme-wrong',
          check: 'ManifestReachable',
          reason: 'Unauthorized',
        },
      ]
      const declare = (enforcement: string) =>
        apply(
          ...bad.map(({ name, image, imagePullSecret }) =>
            veleroPlugin(name, {
              image,
              enforcement,
              ...(imagePullSecret === undefined ? {} : { imagePullSecret }),
            }),
          ),
        )
      t.teardown(() => kubectl(['delete', 'veleroplugins', ...bad.map(({ name }) => name)]))
      await declare('Enforce')
      for (const { name, check, reason } of bad) {
        await told(name, check, 'False', reason)
        await told(name, 'Ready', 'False')
      }
      const refused = await eventually(async () => await allSeen(bad, changed), { what: 'all to be refused' })
      t.equal(refused.code, 1)
      t.match(refused.stderr, /admission webhook "deployments\.tidewaiter\.io" denied the request/)
      t.match(refused.stderr, /enforcement: Warn/)

      await declare('Warn')
      const warned = await eventually(
        async () => {
          const ran = await allSeen(bad, changed)
          return ran !== undefined && ran.code === 0 && ran
        },
        { what: 'all to be warned of' },
      )
      t.same(wouldRun(warned).slice(0, 2), [awsPlugin, pinned])
      t.equal(wouldRun(warned).length, 2 + bad.length)
      t.match(warned.stderr, /^Warning: /m)
    },
  )

  await t.test(
    'a VeleroPlugin that could never work is refused with every problem when it is applied',
    async (t) => {
      const twin = veleroPlugin('twin', { image: `${privateRegistry}/acme/stamp:2.0.0` })
      const { code, stderr } = await kubectl(['create', '-f', '-'], { input: JSON.stringify(twin) })
      t.equal(code, 1)
      t.match(stderr, /spec\.image/)
      t.match(stderr, /acme\/stamp/)
    },
  )

  await t.test(
    'while tidewaiter is away Velero can be changed, or with the policy only to what is pinned',
    async (t) => {
      await apply(veleroPlugin('moving', { image: moving }))
      await told('moving', 'Ready', 'True')
      await stopped()
      t.same(wouldRun(await changed()), [awsPlugin, pinned])
      const policy = ['-f', 'deploy/components/pinned-plugins/policy.yaml']
      t.teardown(() => kubectl(['delete', ...policy, '--ignore-not-found']))
      must(await kubectl(['apply', ...policy]))
      const refused = await eventually(
        async () => {
          const ran = await changed()
          return ran.code !== 0 && ran
        },
        { what: 'the policy to be in force' },
      )
      t.match(refused.stderr, /initContainers velero-velero-plugin-for-aws would bring plugins .* not pinned/)
      const aws = `${awsPlugin}@${await digestOf(awsPlugin)}`
      t.same(wouldRun(await changed(`velero-velero-plugin-for-aws=${aws}`)), [aws, pinned])
      must(await kubectl(['delete', ...policy]))
    },
  )

  await t.test('a tag that moved meanwhile is told, and what was pinned stays', async (t) => {
    const moved = await move(moving)
    await started()
    const { status } = await told('moving', 'TagUnmoved', 'False', 'TagMoved')
    t.equal(status.digest, velerosOwn.digest, 'the digest outlives all replicas')
    await told('moving', 'Ready', 'True')
    const ran = await eventually(
      async () => {
        const ran = await changed()
        return /Warning: tidewaiter: plugin moving .* its tag was moved/.test(ran.stderr) && ran
      },
      { what: 'a warning of it' },
    )
    t.same(wouldRun(ran), [awsPlugin, pinned, `${moving}@${velerosOwn.digest}`])
    await eventually(
      async () => {
        const { items } = await kubectlJson([
          'get',
          'events',
          '--field-selector',
          'involvedObject.kind=VeleroPlugin',
        ])
        return items.some((one: Loose) => one.reason === 'TagMoved' && one.type === 'Warning')
      },
      { what: 'the Event' },
    )
    await apply(veleroPlugin('moving', { image: `${moving}@${moved}` }))
    await told('moving', 'TagUnmoved', 'True')
    await eventually(async () => wouldRun(await changed()).includes(`${moving}@${moved}`), {
      what: 'the new one to be injected, as it is named now',
    })
    must(await kubectl(['delete', 'veleroplugin', 'moving']))
  })

  await t.test(
    'what is declared no more leaves with the next rollout, and Velero is as it was',
    async (t) => {
      must(await kubectl(['delete', 'veleroplugin', 'stamp']))
      await eventually(async () => wouldRun(await changed()).length === 1, {
        what: 'the plugin to be forgotten',
      })
      must(await kubectl(['rollout', 'restart', 'deployment/velero']))
      must(await kubectl(['rollout', 'status', 'deployment/velero', '--timeout=60s']))
      t.same(withoutRestart(await template()), withoutRestart(velerosOwn.original))
    },
  )
})

/** A pod template without the time at which somebody asked for a rollout. */
function withoutRestart({ metadata, spec }: Loose): Loose {
  const { 'kubectl.kubernetes.io/restartedAt': _, ...annotations } = metadata.annotations
  return { metadata: { ...metadata, annotations }, spec }
}

/** What ran, if it names every one of these and its reason. */
async function allSeen(
  bad: readonly { readonly name: string; readonly check: string; readonly reason: string }[],
  change: () => Promise<Ran>,
): Promise<Ran | undefined> {
  const ran = await change()
  const missing = bad.filter(({ name, reason }) => !ran.stderr.includes(name) || !ran.stderr.includes(reason))
  if (missing.length === 0) return ran
  throw new Error(`${missing.map(({ name }) => name).join(', ')} not told in: ${ran.stderr}`)
}

/** A chart whose Deployment is what the Velero chart renders, without pods; and the same as a plain manifest. */
function aChart(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidewaiter-chart-'))
  const { spec } = charted
  const named = (note: string): string => {
    const metadata = { ...spec.template.metadata, annotations: { note } }
    return JSON.stringify({
      ...charted,
      metadata: { ...charted['metadata'], name: 'charted' },
      spec: { ...spec, replicas: 0, template: { ...spec.template, metadata } },
    })
  }
  mkdirSync(join(folder, 'templates'))
  writeFileSync(join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: velero\nversion: 12.1.0\n')
  writeFileSync(join(folder, 'values.yaml'), 'note: first\n')
  writeFileSync(join(folder, 'templates/deployment.yaml'), named('{{ .Values.note }}'))
  writeFileSync(join(folder, 'plain.json'), named('first'))
  return folder
}

/** Deployments of Velero and VeleroPlugins written through an API server that asks our webhooks: its sandbox here, a real one in test/e2e. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { pluginImagesAnnotation } from '../../src/core/plugin/images-mark.ts'
import { pluginsAnnotation } from '../../src/core/plugin/patch.ts'
import { readDocument } from '../../src/core/plugin/sources.ts'
import type { Loose } from '../support/asking.ts'
import { aFinding, digestOf } from '../support/plugin-findings.ts'
import { startMeddler, startPluginWebhooks, type Ask } from '../support/plugin-webhooks.ts'
import { aPlugin, installed, withPodSpec, type Tree } from '../support/velero-deployments.ts'

const place = 'registry.example.com/acme/plugin'
const acme = aPlugin(`${place}:1.0`, { name: 'acme', imagePullSecret: 'acme-registry' })
const thing = aPlugin('ghcr.io/other/thing:2', { name: 'thing' })
const twin = aPlugin('quay.io/acme/plugin:1.0', { name: 'twin' })
const [one, other] = [digestOf('1'), digestOf('2')]
const aws = 'velero/velero-plugin-for-aws:v1.14.0'
const pinnedAcme = `${place}:1.0@${one}`
const pinnedThing = `ghcr.io/other/thing:2@${other}`
const ready = (...plugins: readonly (typeof acme)[]) =>
  plugins.map((plugin) => aFinding(plugin, 'Ready', plugin === thing ? other : one))

const images = (deployment: Loose): readonly string[] =>
  deployment.spec.template.spec.initContainers.map(({ image }: Loose) => image)
const upgrade = (deployment: Tree, version: string): Tree =>
  withPodSpec(deployment, (pod) => ({
    ...pod,
    containers: [{ ...pod['containers'][0], image: `velero/velero:${version}` }],
  }))

/** Puts every scene to an API server, in a namespace in which nothing else is. */
export async function pluginsSuite(t: Test, ask: Ask, namespace: string): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments`
  const webhooks = await startPluginWebhooks(t, ask, namespace)
  /** As somebody's manifest has it; no pod of it is wanted. */
  const manifest = (name: string, of: Tree = installed): Tree => ({
    ...of,
    metadata: { ...of['metadata'], name, namespace },
    spec: { ...of['spec'], replicas: 0 },
  })
  const create = (name: string, of?: Tree) => ask('POST', path, { body: manifest(name, of) })
  const put = (name: string, of?: Tree) => ask('PUT', `${path}/${name}`, { body: manifest(name, of) })
  const read = async (name: string): Promise<Loose> => (await ask('GET', `${path}/${name}`)).body
  const patch = (name: string, body: unknown, type = 'application/strategic-merge-patch+json') =>
    ask('PATCH', `${path}/${name}`, { body, type })
  // A registration acts a moment after it was made.
  webhooks.known = { problems: ['not yet'] }
  const isAsked = async () =>
    (await ask('POST', `${path}?dryRun=All`, { body: manifest('canary') })).status === 403
  for (let tries = 0; tries < 100 && !(await isAsked()); tries += 1) await sleep(100)
  const scene = (name: string, play: (t: Test) => Promise<void>) =>
    t.test(name, async (t) => {
      webhooks.known = { findings: ready(acme) }
      webhooks.declared = []
      webhooks.reasons()
      await play(t)
    })

  scene(
    'a new Deployment carries the plugin behind the one it has, pinned, with all that the API server fills in',
    async (t) => {
      const { status, body, warnings } = await create('new')
      t.equal(status, 201, JSON.stringify(body))
      t.same(warnings, [])
      t.same(images(body), [aws, pinnedAcme])
      t.match(body.spec.template, {
        metadata: { annotations: { [pluginsAnnotation]: 'acme-plugin' } },
        spec: {
          imagePullSecrets: [{ name: 'acme-registry' }],
          initContainers: [
            { name: 'velero-velero-plugin-for-aws' },
            {
              name: 'acme-plugin',
              imagePullPolicy: 'IfNotPresent',
              volumeMounts: [{ name: 'plugins', mountPath: '/target' }],
              terminationMessagePath: '/dev/termination-log',
            },
          ],
        },
      })
      t.same(webhooks.reasons(), ['PluginsInjected'])
    },
  )

  scene('a dry run shows the same, and keeps nothing', async (t) => {
    const { status, body } = await ask('POST', `${path}?dryRun=All`, { body: manifest('dry') })
    t.equal(status, 201)
    t.same(images(body), [aws, pinnedAcme])
    t.equal((await ask('GET', `${path}/dry`)).status, 404)
  })

  scene(
    'the manifest put again changes nothing, also when more is declared by now, or less, or the plugin is NotReady',
    async (t) => {
      await create('again')
      const before = await read('again')
      const meanwhile = [ready(acme), ready(thing, acme), [], [aFinding(acme, 'NotReady', one)]]
      for (const findings of meanwhile) {
        webhooks.known = { findings }
        const answer = await put('again')
        t.equal(answer.status, 200, JSON.stringify(answer.body))
        t.same(answer.body.spec, before.spec)
        t.equal(answer.body.metadata.generation, before.metadata.generation)
      }
      t.same(webhooks.reasons(), ['PluginsInjected', ...meanwhile.map(() => 'PluginsPutBack')])
    },
  )

  scene(
    'what waits goes in with the next change of the template, and what is declared no more goes',
    async (t) => {
      await create('next')
      webhooks.known = { findings: ready(thing, acme) }
      const more = await put('next', upgrade(installed, 'v1.19.0'))
      t.same([...images(more.body)].sort(), [aws, pinnedAcme, pinnedThing].sort())
      webhooks.known = { findings: ready(thing) }
      const restart = { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } } }
      const less = await patch('next', { spec: { template: restart } })
      t.equal(less.status, 200, JSON.stringify(less.body))
      t.same(images(less.body), [aws, pinnedThing])
      t.notOk(less.body.spec.template.spec.imagePullSecrets?.length)
    },
  )

  scene('a new version takes the place of the former', async (t) => {
    await create('version')
    webhooks.known = { findings: [aFinding(aPlugin(`${place}:2.0`, { name: 'acme' }), 'Ready', other)] }
    const container = { name: 'velero', image: 'velero/velero:v1.19.0' }
    const { body } = await patch('version', { spec: { template: { spec: { containers: [container] } } } })
    t.same(images(body), [aws, `${place}:2.0@${other}`])
    t.equal(body.spec.template.spec.containers[0].image, 'velero/velero:v1.19.0')
  })

  scene('two plugins of one name both come: the API server takes no name twice', async (t) => {
    webhooks.known = { findings: ready(acme, twin) }
    const { status, body, warnings } = await create('twins')
    t.equal(status, 201, JSON.stringify(body))
    t.match(body.spec.template.spec.initContainers, [
      {},
      { name: 'acme-plugin' },
      { name: /^acme-plugin-[0-9a-f]{5}$/ },
    ])
    t.match(warnings, [/the name acme-plugin is taken by another container/])
  })

  scene(
    'server-side apply of the same manifest changes nothing, and another image of Velero leaves the plugin',
    async (t) => {
      const apply = (of: Tree) =>
        ask('PATCH', `${path}/applied?fieldManager=gitops`, {
          body: manifest('applied', of),
          type: 'application/apply-patch+yaml',
        })
      const first = await apply(withoutNull(installed))
      t.equal(first.status, 201, JSON.stringify(first.body))
      const second = await apply(withoutNull(installed))
      t.equal(second.body.metadata.generation, first.body.metadata.generation)
      t.same(images(second.body), [aws, pinnedAcme])
      const third = await apply(withoutNull(upgrade(installed, 'v1.19.0')))
      t.equal(third.status, 200, JSON.stringify(third.body))
      t.same(images(third.body), [aws, pinnedAcme])
    },
  )

  scene(
    'the plugin that a manifest brings itself is pinned; merged or put again it stays so, also when NotReady, and declared no more it is what it was',
    async (t) => {
      const cloud = { ...aPlugin(aws, { name: 'aws' }), initContainer: 'velero-velero-plugin-for-aws' }
      webhooks.known = { findings: ready(cloud) }
      const first = await create('cloud')
      t.same(images(first.body), [`docker.io/${aws}@${one}`])
      const reset = { initContainers: [{ name: cloud.initContainer, image: aws }] }
      for (const findings of [ready(cloud, thing), [aFinding(cloud, 'NotReady', one)]]) {
        webhooks.known = { findings }
        for (const answer of [
          await put('cloud'),
          await patch('cloud', { spec: { template: { spec: reset } } }),
        ]) {
          t.equal(answer.status, 200, JSON.stringify(answer.body))
          t.same(answer.body.spec, first.body.spec)
          t.equal(answer.body.metadata.generation, first.body.metadata.generation)
        }
      }
      webhooks.known = { findings: [] }
      const gone = await patch('cloud', {
        spec: { template: { spec: { terminationGracePeriodSeconds: 7 } } },
      })
      t.same(images(gone.body), [aws])
      t.notOk(gone.body.spec.template.metadata.annotations?.[pluginImagesAnnotation])
    },
  )

  scene('a plugin that may not be carried refuses the Deployment, which is not there then', async (t) => {
    webhooks.known = { findings: [aFinding(acme, 'NotReady', one)] }
    const { status, body } = await create('refused')
    t.equal(status, 403)
    t.match(
      body.message,
      /tidewaiter refused Deployment [^ ]+\/refused: 1 plugin may not be carried:\n- plugin acme \(VeleroPlugin velero\/acme\), .*ShapeValid is False \(NoPlugin\).*\n.*spec\.enforcement: Warn.*gate=off/,
    )
    t.equal((await ask('GET', `${path}/refused`)).status, 404)
  })

  scene(
    'with Warn it is carried, with a warning; what carries it already keeps it, with a warning',
    async (t) => {
      webhooks.known = { findings: [aFinding({ ...acme, enforcement: 'Warn' }, 'NotReady', one)] }
      const warned = await create('warned')
      t.same(images(warned.body), [aws, pinnedAcme])
      t.match(warned.warnings, [
        /^tidewaiter: plugin acme .*is carried \(enforcement: Warn\) although ShapeValid is False/,
      ])
      webhooks.known = { findings: [aFinding(aPlugin(`${place}:2.0`, { name: 'acme' }), 'Unknown')] }
      const stays = await put('warned', upgrade(installed, 'v1.19.0'))
      t.equal(stays.status, 200, JSON.stringify(stays.body))
      t.same(images(stays.body), [aws, pinnedAcme])
      t.match(stays.warnings, [/^tidewaiter: plugin acme .*stays as it was/])
      t.match(stays.body.spec.template.spec.imagePullSecrets, [{ name: 'acme-registry' }])
    },
  )

  scene('what changes no template is not asked about', async (t) => {
    await create('scaled')
    webhooks.reasons()
    webhooks.known = { problems: ['nothing may be written'] }
    t.equal(
      (await patch('scaled', { metadata: { labels: { a: 'b' } }, spec: { minReadySeconds: 3 } })).status,
      200,
    )
    t.same(webhooks.reasons(), [])
  })

  scene(
    'other Deployments are not asked about, and without a server they are left as they are',
    async (t) => {
      webhooks.known = { problems: ['nothing may be written'] }
      t.equal((await create('unlabelled', { ...installed, metadata: {} })).status, 201)
      t.same(webhooks.reasons(), [])
      const ui = withPodSpec(installed, (pod) => ({ ...pod, containers: [{ name: 'ui', image: 'ui:1' }] }))
      t.equal((await create('ui', ui)).status, 201)
      t.same(webhooks.reasons(), ['NotVelero'])
    },
  )

  scene(
    'after a later webhook that takes it out again, and after one that adds something else, it is asked once more',
    async (t) => {
      const labels = { component: 'velero', reinvoked: 'yes' }
      const object = { ...installed, metadata: { labels } }
      const meddling = await startMeddler(t, { ask, namespace, labels: { reinvoked: 'yes' } })
      meddling.patch = [{ op: 'remove', path: '/spec/template/spec/initContainers/1' }]
      const taken = await create('taken', object)
      t.equal(taken.status, 201, JSON.stringify(taken.body))
      // The meddler is asked once only: it did not ask for more.
      t.same(images(taken.body), [aws, pinnedAcme])
      t.same(webhooks.reasons(), ['PluginsInjected', 'PluginsInjected'])
      meddling.patch = [{ op: 'add', path: '/spec/template/spec/terminationGracePeriodSeconds', value: 7 }]
      const added = await create('added', object)
      t.same(images(added.body), [aws, pinnedAcme])
      t.equal(added.body.spec.template.spec.terminationGracePeriodSeconds, 7)
      t.same(webhooks.reasons(), ['PluginsInjected', 'PluginsCarried'])
    },
  )

  // --- VeleroPlugins ---

  const veleroPlugins = `/apis/tidewaiter.io/v1beta1/namespaces/${namespace}/veleroplugins`
  const aVeleroPlugin = (name: string, image: string) => ({
    apiVersion: 'tidewaiter.io/v1beta1',
    kind: 'VeleroPlugin',
    metadata: { name, namespace },
    spec: { image },
  })

  scene('a VeleroPlugin is refused with the path of what is wrong, and beside its twin', async (t) => {
    const good = aVeleroPlugin('acme', `${place}:1.0`)
    t.equal((await ask('POST', veleroPlugins, { body: good })).status, 201)
    const read = readDocument(good)
    webhooks.declared = read.kind === 'plugins' ? [read.document] : []
    const bad = await ask('POST', veleroPlugins, {
      body: aVeleroPlugin('bad', `${place}@sha256:${'1'.repeat(63)}`),
    })
    t.equal(bad.status, 422)
    t.match(bad.body.message, /VeleroPlugin [^ ]+\/bad has 1 problem:\n- spec\.image must have 64 hex digits/)
    const same = await ask('POST', veleroPlugins, { body: aVeleroPlugin('twin', `${place}:2.0`) })
    t.match(same, {
      status: 422,
      body: { message: /spec\.image must not be a repository that another plugin has/ },
    })
    const labelled = await ask('PATCH', `${veleroPlugins}/acme`, {
      body: { metadata: { labels: { a: 'b' } } },
      type: 'application/merge-patch+json',
    })
    t.equal(labelled.status, 200, JSON.stringify(labelled.body))
  })

  // --- last, for it ends the webhooks ---

  scene(
    'while they are away, a Deployment passes as it is written, and a VeleroPlugin does not',
    async (t) => {
      await webhooks.away()
      const { status, body } = await create('away')
      t.equal(status, 201, JSON.stringify(body))
      t.same(images(body), [aws])
      t.equal((await ask('POST', veleroPlugins, { body: aVeleroPlugin('away', 'a/b:1') })).status, 500)
    },
  )
}

/** An apply names no null. */
const withoutNull = (value: Tree): Tree =>
  JSON.parse(JSON.stringify(value, (_, one) => (one === null ? undefined : one)))

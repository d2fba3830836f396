/** What an UPDATE changes beside what is ours: a manifest that is applied again must not restart Velero. */
import t from 'tap'
import { pinned, type DeclaredPlugin } from '../../../src/core/plugin/declared.ts'
import { readPodTemplate } from '../../../src/core/plugin/deployment.ts'
import { pluginPatch, pluginsAnnotation, pullSecretsAnnotation } from '../../../src/core/plugin/patch.ts'
import { templateChange } from '../../../src/core/plugin/template-change.ts'
import { jsonPatch } from '../../../src/sandbox/apiserver/patch/json-patch.ts'
import type { Json } from '../../../src/sandbox/apiserver/json.ts'
import { hash } from '../../../src/wiring/crypto.ts'
import { digestOf } from '../../support/plugin-findings.ts'
import { aPlugin, charted, installed, withPodSpec, type Tree } from '../../support/velero-deployments.ts'

const acme = pinned(
  aPlugin('registry.example.com/acme/plugin:1.0', { imagePullSecret: 'acme-registry' }),
  digestOf('1'),
)

/** The Deployment with the plugin put in. */
function carrying(deployment: Tree, plugins: readonly DeclaredPlugin[] = [acme]): Tree {
  const template = readPodTemplate(deployment)
  if (template === undefined) throw new Error('not a Deployment of Velero')
  return jsonPatch(
    deployment as Json,
    pluginPatch(template, plugins, hash).operations as unknown as Json,
  ) as Tree
}
const without = (key: string) => (pod: Tree) =>
  Object.fromEntries(Object.entries(pod).filter(([name]) => name !== key))
const bare = withPodSpec(charted, (pod) => ({
  ...pod,
  volumes: [],
  containers: [{ ...pod['containers'][0], volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }] }],
}))
const bareToo = withPodSpec(bare, without('volumes'))
const annotated = (deployment: Tree, annotations: Tree): Tree => {
  const template = deployment['spec'].template
  const metadata = { ...template.metadata, annotations }
  return { ...deployment, spec: { ...deployment['spec'], template: { ...template, metadata } } }
}
const turned = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(turned)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .reverse()
            .map(([key, one]) => [key, turned(one)]),
        )
      : value

const restarted = (deployment: Tree, at = 'once'): Tree =>
  annotated(deployment, {
    ...deployment['spec'].template.metadata.annotations,
    'kubectl.kubernetes.io/restartedAt': at,
  })

const upgrade = (deployment: Tree): Tree =>
  withPodSpec(deployment, (pod) => ({
    ...pod,
    containers: [{ ...pod['containers'][0], image: 'velero/velero:v1.19.0' }],
  }))
const marks = carrying(installed)['spec'].template.metadata.annotations

const awsImage = String(installed['spec'].template.spec.initContainers[0].image)
/** The plugin of the cloud, which the manifest brings itself, is declared too. */
const aws = pinned(aPlugin(awsImage), digestOf('2'))
const both = carrying(installed, [aws, acme])
/** As a merge of three ways writes it: what the manifest says is as it says, and the rest is left. */
const merged = (deployment: Tree, image: string): Tree =>
  withPodSpec(deployment, (pod) => ({
    ...pod,
    initContainers: pod['initContainers'].map((one: Tree, index: number) =>
      index === 0 ? { ...one, image } : one,
    ),
  }))

const cases: Readonly<
  Record<string, { readonly before: unknown; readonly now: unknown; readonly want: string }>
> = {
  'a change of replicas': {
    before: carrying(installed),
    now: { ...carrying(installed), spec: { ...carrying(installed)['spec'], replicas: 2 } },
    want: 'none',
  },
  'the same with keys in another order': {
    before: carrying(installed),
    now: turned(carrying(installed)),
    want: 'none',
  },
  'the manifest of velero install again': {
    before: carrying(installed),
    now: installed,
    want: 'ours lost',
  },
  "the chart's manifest again": { before: carrying(charted), now: charted, want: 'ours lost' },
  'a manifest without volume and mount again': {
    before: carrying(bare),
    now: bareToo,
    want: 'ours lost',
  },
  'the mark and the pull secret alone are lost': {
    before: carrying(charted),
    now: withPodSpec(charted, (pod) => ({
      ...pod,
      initContainers: carrying(charted)['spec'].template.spec.initContainers,
    })),
    want: 'ours lost',
  },
  'the manifest again, after a restart by kubectl or by our own command': {
    before: restarted(carrying(installed)),
    now: installed,
    want: 'ours lost',
  },
  'a restart with the manifest': {
    before: restarted(carrying(installed)),
    now: restarted(installed, 'later'),
    want: 'changed',
  },
  'the manifest with another image of Velero': {
    before: carrying(installed),
    now: upgrade(installed),
    want: 'changed',
  },
  'the manifest without the AWS plugin': {
    before: carrying(installed),
    now: withPodSpec(installed, without('initContainers')),
    want: 'changed',
  },
  'the manifest with a pull secret of its own': {
    before: carrying(installed),
    now: withPodSpec(installed, (pod) => ({ ...pod, imagePullSecrets: [{ name: 'mine' }] })),
    want: 'changed',
  },
  'the manifest with an annotation of its own': {
    before: carrying(charted),
    now: annotated(charted, { mine: 'yes' }),
    want: 'changed',
  },
  'our initContainer with another image': {
    before: carrying(charted),
    now: withPodSpec(charted, (pod) => ({
      ...pod,
      initContainers: [{ name: 'acme-plugin', image: 'evil' }],
    })),
    want: 'changed',
  },
  // velero plugin remove: whoever takes it out of what is there means it, and it may be declared no more.
  'our initContainer taken out by hand': {
    before: carrying(installed),
    now: annotated(installed, marks),
    want: 'changed',
  },
  'the manifest again, where the plugin that it brings was pinned': {
    before: carrying(installed, [aws]),
    now: installed,
    want: 'ours lost',
  },
  'the manifest again, where that one was pinned and another one put in': {
    before: both,
    now: installed,
    want: 'ours lost',
  },
  'the manifest merged again': { before: both, now: merged(both, awsImage), want: 'ours lost' },
  'the manifest merged with another version of that plugin': {
    before: both,
    now: merged(both, awsImage.replace('v1', 'v2')),
    want: 'changed',
  },
  'the manifest with another version of that plugin': {
    before: both,
    now: merged(installed, awsImage.replace('v1', 'v2')),
    want: 'changed',
  },
  'a Deployment that carries nothing of ours': {
    before: installed,
    now: upgrade(installed),
    want: 'changed',
  },
  'nothing of ours, and without the volume of the plugins': {
    before: charted,
    now: withPodSpec(charted, (pod) => ({
      ...pod,
      volumes: pod['volumes'].filter(({ name }: Tree) => name !== 'plugins'),
      containers: [
        {
          ...pod['containers'][0],
          volumeMounts: pod['containers'][0].volumeMounts.filter(({ name }: Tree) => name !== 'plugins'),
        },
      ],
    })),
    want: 'changed',
  },
  'one that did not run Velero before': {
    before: { ...installed, metadata: {} },
    now: upgrade(installed),
    want: 'changed',
  },
}

for (const [name, { before, now, want }] of Object.entries(cases))
  t.test(`${name}: ${want}`, async (t) => {
    t.equal(templateChange(now, before), want)
  })

t.test('the marks are what these tests take them for', async (t) => {
  t.match(marks, { [pluginsAnnotation]: 'acme-plugin', [pullSecretsAnnotation]: 'acme-registry' })
})

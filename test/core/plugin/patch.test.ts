/** The patch of the Velero Deployment: what it does to the ones that the installers make, and what it never does to any. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { placeOfText } from '../../../src/core/image.ts'
import { pinned, type DeclaredPlugin } from '../../../src/core/plugin/declared.ts'
import { readPodTemplate } from '../../../src/core/plugin/deployment.ts'
import { pluginImagesAnnotation } from '../../../src/core/plugin/images-mark.ts'
import { pluginPatch, pluginsAnnotation, pullSecretsAnnotation } from '../../../src/core/plugin/patch.ts'
import { jsonPatch } from '../../../src/sandbox/apiserver/patch/json-patch.ts'
import type { Json } from '../../../src/sandbox/apiserver/json.ts'
import { hash } from '../../../src/wiring/crypto.ts'
import {
  aPlugin,
  awsContainer,
  charted,
  installed,
  withPodSpec,
  type Tree,
} from '../../support/velero-deployments.ts'
import { runs } from '../../support/runs.ts'

const patchOf = (deployment: Tree, plugins: readonly DeclaredPlugin[]) => {
  const template = readPodTemplate(deployment)
  if (template === undefined) throw new Error('not a Deployment of Velero')
  return pluginPatch(template, plugins, hash)
}

/** The Deployment after our patch, put on by the applier of the sandbox's API server. */
const patched = (deployment: Tree, plugins: readonly DeclaredPlugin[]): Tree =>
  jsonPatch(deployment as Json, patchOf(deployment, plugins).operations as unknown as Json) as Tree

const podOf = (deployment: Tree): Tree => deployment['spec'].template.spec
const annotationsOf = (deployment: Tree): Tree => deployment['spec'].template.metadata?.annotations ?? {}
const names = (deployment: Tree): readonly string[] =>
  (podOf(deployment)['initContainers'] ?? []).map(({ name }: Tree) => name)

const acme = aPlugin('registry.example.com/acme/plugin:1.0', { imagePullSecret: 'acme-registry' })
const other = aPlugin('ghcr.io/other/thing:2')
const digest = `sha256:${'d'.repeat(64)}`

const acmeContainer = {
  name: 'acme-plugin',
  image: 'registry.example.com/acme/plugin:1.0',
  imagePullPolicy: 'IfNotPresent',
  volumeMounts: [{ name: 'plugins', mountPath: '/target' }],
}
const mark = '/spec/template/metadata/annotations/tidewaiter.io~1plugins'
const secretMark = '/spec/template/metadata/annotations/tidewaiter.io~1plugin-pull-secrets'
const imagesMark = '/spec/template/metadata/annotations/tidewaiter.io~1plugin-images'
const spec = '/spec/template/spec'

const without = (key: string) => (pod: Tree) =>
  Object.fromEntries(Object.entries(pod).filter(([name]) => name !== key))

const operations: Readonly<
  Record<
    string,
    { readonly given: Tree; readonly plugins: readonly DeclaredPlugin[]; readonly want: unknown }
  >
> = {
  'behind the AWS plugin of velero install': {
    given: installed,
    plugins: [acme],
    want: [
      { op: 'add', path: `${spec}/initContainers/-`, value: acmeContainer },
      { op: 'add', path: `${spec}/imagePullSecrets`, value: [{ name: 'acme-registry' }] },
      { op: 'add', path: mark, value: 'acme-plugin' },
      { op: 'add', path: secretMark, value: 'acme-registry' },
    ],
  },
  'into the chart, which has no list of initContainers and no annotations': {
    given: charted,
    plugins: [other],
    want: [
      {
        op: 'add',
        path: `${spec}/initContainers`,
        value: [{ ...acmeContainer, name: 'other-thing', image: 'ghcr.io/other/thing:2' }],
      },
      {
        op: 'add',
        path: '/spec/template/metadata/annotations',
        value: { 'tidewaiter.io/plugins': 'other-thing' },
      },
    ],
  },
  'pinned, with the tag that people read': {
    given: charted,
    plugins: [pinned(other, digest)],
    want: [
      {
        op: 'add',
        path: `${spec}/initContainers`,
        value: [{ ...acmeContainer, name: 'other-thing', image: `ghcr.io/other/thing:2@${digest}` }],
      },
      {
        op: 'add',
        path: '/spec/template/metadata/annotations',
        value: { 'tidewaiter.io/plugins': 'other-thing' },
      },
    ],
  },
  'with volume and mount where they are missing': {
    given: withPodSpec(charted, (pod) => ({
      ...without('volumes')(pod),
      containers: [
        { name: 'sidecar', image: 's' },
        { name: 'velero', image: 'v' },
      ],
    })),
    plugins: [other],
    want: [
      { op: 'add', path: `${spec}/initContainers` },
      { op: 'add', path: `${spec}/volumes`, value: [{ name: 'plugins', emptyDir: {} }] },
      {
        op: 'add',
        path: `${spec}/containers/1/volumeMounts`,
        value: [{ name: 'plugins', mountPath: '/plugins' }],
      },
      { op: 'add', path: '/spec/template/metadata/annotations' },
    ],
  },
  'on the volume that is mounted at /plugins, whatever its name': {
    given: withPodSpec(charted, (pod) => ({
      ...pod,
      containers: [{ name: 'velero', image: 'v', volumeMounts: [{ name: 'mine', mountPath: '/plugins/' }] }],
      volumes: [{ name: 'mine', emptyDir: {} }],
    })),
    plugins: [other],
    want: [
      {
        op: 'add',
        path: `${spec}/initContainers`,
        value: [{ volumeMounts: [{ name: 'mine', mountPath: '/target' }] }],
      },
      { op: 'add', path: '/spec/template/metadata/annotations' },
    ],
  },
  'nothing where nothing is declared': { given: installed, plugins: [], want: [] },
}

for (const [name, { given, plugins, want }] of Object.entries(operations)) {
  t.test(`a plugin goes in: ${name}`, async (t) => {
    const got = patchOf(given, plugins)
    t.match(got.operations, want)
    t.equal(got.operations.length, (want as readonly unknown[]).length)
    t.same(got.warnings, [])
  })
}

for (const [name, deployment] of Object.entries({ installed, charted })) {
  t.test(`${name}: once more changes nothing`, async (t) => {
    t.same(patchOf(patched(deployment, [acme, other]), [acme, other]).operations, [])
  })

  t.test(`${name}: what an installer applies again becomes the same again`, async (t) => {
    const once = patched(deployment, [acme, other])
    t.same(patched(deployment, [acme, other]), once)
    // The annotations of the pod template may survive where the list does not, and the other way round.
    const marked = { ...deployment['spec'].template.metadata, annotations: annotationsOf(once) }
    const half = {
      ...deployment,
      spec: { ...deployment['spec'], template: { ...deployment['spec'].template, metadata: marked } },
    }
    t.same(patched(half, [acme, other]), once)
  })

  t.test(`${name}: what is declared no more goes, with its pull secret, and nothing else`, async (t) => {
    const after = patched(patched(deployment, [acme, other]), [other])
    t.same(names(after), [...names(deployment), 'other-thing'])
    t.same(podOf(after)['imagePullSecrets'], [])
    t.match(annotationsOf(after), { [pluginsAnnotation]: 'other-thing' })
    t.equal(annotationsOf(after)[pullSecretsAnnotation], undefined)
    t.same(names(patched(after, [])), names(deployment))
  })
}

t.test('an image that changed is changed in its place', async (t) => {
  const there = patched(installed, [acme, other])
  const newer = aPlugin('registry.example.com/acme/plugin:1.1', { imagePullSecret: 'acme-registry' })
  t.same(patchOf(there, [newer, other]).operations, [
    { op: 'replace', path: `${spec}/initContainers/1/image`, value: 'registry.example.com/acme/plugin:1.1' },
  ])
})

t.test('an image that moved to another repository is changed in its place', async (t) => {
  const moved = aPlugin('mirror.example.com/acme/plugin:1.0', { imagePullSecret: 'acme-registry' })
  t.same(patchOf(patched(installed, [acme]), [moved]).operations, [
    { op: 'replace', path: `${spec}/initContainers/1/image`, value: 'mirror.example.com/acme/plugin:1.0' },
  ])
})

t.test('a policy that changed, and a mount that was lost, are mended in ours', async (t) => {
  const there = withPodSpec(patched(charted, [other]), (pod) => ({
    ...pod,
    initContainers: [{ ...(pod['initContainers'] as Tree[])[0], volumeMounts: undefined }],
  }))
  t.match(patchOf(there, [{ ...other, imagePullPolicy: 'Always' }]).operations, [
    { op: 'add', path: `${spec}/initContainers/0/imagePullPolicy`, value: 'Always' },
    {
      op: 'add',
      path: `${spec}/initContainers/0/volumeMounts`,
      value: [{ name: 'plugins', mountPath: '/target' }],
    },
  ])
})

t.test('the order of declaration changes nothing once they are there', async (t) => {
  t.same(patchOf(patched(installed, [acme, other]), [other, acme]).operations, [])
})

t.test('another initContainer with the same plugin stays, and no second one comes', async (t) => {
  const aws = aPlugin('docker.io/velero/velero-plugin-for-aws:v1.15.0', { initContainer: 'my-aws' })
  const { operations, warnings, injections } = patchOf(installed, [aws])
  t.same(operations, [])
  t.match(warnings, [
    /initContainer velero-velero-plugin-for-aws brings velero\/velero-plugin-for-aws:v1.14.0 already.*it stays, and docker.io\/velero\/velero-plugin-for-aws:v1.15.0 is not added/,
  ])
  t.match(injections, [{ initContainer: 'velero-velero-plugin-for-aws', isInjected: false }])
})

t.test('the very plugin that another wrote gets the declared image, and is never taken away', async (t) => {
  const aws = aPlugin('velero/velero-plugin-for-aws:v1.15.0')
  const { operations, warnings } = patchOf(installed, [aws])
  t.same(operations, [
    {
      op: 'replace',
      path: `${spec}/initContainers/0/image`,
      value: 'velero/velero-plugin-for-aws:v1.15.0',
    },
    {
      op: 'add',
      path: imagesMark,
      value:
        'velero-velero-plugin-for-aws=velero/velero-plugin-for-aws:v1.14.0>velero/velero-plugin-for-aws:v1.15.0',
    },
  ])
  t.match(warnings, [/was there with image velero\/velero-plugin-for-aws:v1.14.0: it gets the declared/])
  t.same(patched(patched(installed, [aws]), []), installed)
  const same = pinned(aPlugin('velero/velero-plugin-for-aws:v1.14.0'), digest)
  t.same(patchOf(installed, [same]).warnings, [], 'pinning its tag is worth no warning')
})

t.test('a name that another image has is left to it', async (t) => {
  const named = aPlugin('ghcr.io/x/aws:1', { initContainer: awsContainer.name })
  const after = patched(installed, [named])
  t.same(podOf(after)['initContainers'][0], awsContainer)
  t.match(names(after)[1], /^velero-velero-plugin-for-aws-[0-9a-f]{5}$/)
  t.match(patchOf(installed, [named]).warnings, [/the name velero-velero-plugin-for-aws is taken/])
  t.same(patchOf(after, [named]).operations, [])
})

t.test('no initContainer gets the name of a container', async (t) => {
  const named = aPlugin('velero', { initContainer: 'velero' })
  t.match(names(patched(charted, [named])), [/^velero-[0-9a-f]{5}$/])
})

t.test('two images of one name both come', async (t) => {
  const two = [aPlugin('gcr.io/a/b:1', { name: 'one' }), aPlugin('quay.io/a/b:1', { name: 'two' })]
  const after = patched(charted, two)
  t.match(names(after), ['a-b', /^a-b-[0-9a-f]{5}$/])
  t.same(patchOf(after, two).operations, [])
})

t.test('when another brings the plugin later, ours goes', async (t) => {
  const there = patched(charted, [other])
  const both = withPodSpec(there, (pod) => ({
    ...pod,
    initContainers: [
      ...(pod['initContainers'] as Tree[]),
      { name: 'hand-made', image: 'ghcr.io/other/thing:3' },
    ],
  }))
  t.same(names(patched(both, [other])), ['hand-made'])
})

t.test('a Deployment that does not run Velero is left alone', async (t) => {
  t.equal(readPodTemplate({ ...charted, metadata: { labels: {} } }), undefined)
  t.equal(
    readPodTemplate(withPodSpec(charted, (pod) => ({ ...pod, containers: [{ name: 'ui' }] }))),
    undefined,
  )
  for (const strange of [undefined, null, 1, [], {}, { spec: 1 }, { spec: { template: [] } }])
    t.equal(readPodTemplate(strange), undefined)
})

t.test('lists that are null are made', async (t) => {
  const nulls = withPodSpec(charted, (pod) => ({
    ...pod,
    initContainers: null,
    imagePullSecrets: null,
    volumes: null,
  }))
  const after = patched(nulls, [acme])
  t.same(names(after), ['acme-plugin'])
  t.same(podOf(after)['imagePullSecrets'], [{ name: 'acme-registry' }])
  const bare = { ...nulls, spec: { template: { spec: podOf(nulls) } } }
  t.match(annotationsOf(patched(bare, [acme])), { [pluginsAnnotation]: 'acme-plugin' })
})

t.test('pull secrets that others wrote stay, also when a plugin needed them', async (t) => {
  const theirs = withPodSpec(charted, (pod) => ({
    ...pod,
    imagePullSecrets: [{ name: 'acme-registry' }, { name: 'velero-registry' }],
  }))
  const there = patched(theirs, [acme])
  t.equal(annotationsOf(there)[pullSecretsAnnotation], undefined)
  t.same(podOf(patched(there, []))['imagePullSecrets'], podOf(theirs)['imagePullSecrets'])
})

t.test('of two others with the same plugin the one with its name is the very plugin', async (t) => {
  const two = withPodSpec(charted, (pod) => ({
    ...pod,
    initContainers: ['hand-made', 'other-thing'].map((name) => ({ name, image: 'ghcr.io/other/thing:1' })),
  }))
  t.match(patchOf(two, [other]).operations, [
    { op: 'replace', path: `${spec}/initContainers/1/image`, value: 'ghcr.io/other/thing:2' },
  ])
})

// --- images of others ---

const awsImage = String(podOf(installed)['initContainers'][0].image)
const awsName = 'velero-velero-plugin-for-aws'
const aws = (version: string, pin = digest) =>
  pinned({ ...aPlugin(awsImage.replace(/:.*/u, `:${version}`)), initContainer: awsName }, pin)
const imageOf = (deployment: Tree) => podOf(deployment)['initContainers'][0].image

t.test(
  'an image of others that is pinned is marked with what it was, and once more changes nothing',
  async (t) => {
    const plugin = aws('v1.14.0')
    const after = patched(installed, [plugin])
    t.equal(imageOf(after), plugin.image)
    t.same(annotationsOf(after), {
      ...annotationsOf(installed),
      [pluginImagesAnnotation]: `${awsName}=${awsImage}>${plugin.image}`,
    })
    t.same(patchOf(after, [plugin]).operations, [])
  },
)

t.test('declared no more, it is what it was, whatever versions came between', async (t) => {
  const newer = patched(patched(installed, [aws('v1.14.0')]), [aws('v1.15.0')])
  t.equal(imageOf(newer), aws('v1.15.0').image)
  t.same(patched(newer, []), installed)
})

t.test('what somebody else makes of it stays theirs', async (t) => {
  const own = withPodSpec(patched(installed, [aws('v1.14.0')]), (pod) => ({
    ...pod,
    initContainers: [{ ...pod['initContainers'][0], image: 'velero/velero-plugin-for-aws:v1.16.0' }],
  }))
  const gone = patched(own, [])
  t.equal(imageOf(gone), 'velero/velero-plugin-for-aws:v1.16.0')
  t.same(annotationsOf(gone), annotationsOf(installed))
  const again = patched(own, [aws('v1.15.0')])
  t.equal(
    annotationsOf(again)[pluginImagesAnnotation],
    `${awsName}=velero/velero-plugin-for-aws:v1.16.0>${aws('v1.15.0').image}`,
  )
})

t.test('a mark that somebody wrote brings no other image, and is cleared away', async (t) => {
  for (const mark of [`${awsName}=evil/image:1>${awsImage}`, `${awsName}=>${awsImage}`, 'x', '=,>,']) {
    const template = installed['spec'].template
    const metadata = { ...template.metadata, annotations: { [pluginImagesAnnotation]: mark } }
    const given = { ...installed, spec: { ...installed['spec'], template: { ...template, metadata } } }
    const after = patched(given, [])
    t.equal(imageOf(after), awsImage)
    t.same(annotationsOf(after), {})
  }
})

t.test('the mark is bounded', async (t) => {
  const many = Array.from({ length: 100 }, (_, index) => aPlugin(`example.com/a/p${index}:1`))
  const given = withPodSpec(charted, (pod) => ({
    ...pod,
    initContainers: many.map(({ initContainer: name, image }) => ({ name, image, volumeMounts: [] })),
  }))
  const pinnedAll = many.map((one) => pinned(one, digest))
  const after = patched(given, pinnedAll)
  t.equal(annotationsOf(after)[pluginImagesAnnotation].split(',').length, 64)
  t.same(patchOf(after, pinnedAll).operations, [])
})

t.test('without plugins not even a missing volume is added', async (t) => {
  t.same(patchOf(withPodSpec(charted, without('volumes')), []).operations, [])
})

// --- whatever the Deployment is ---

const images = [
  'gcr.io/a/b:1',
  'quay.io/a/b:2',
  'a/b',
  'velero/velero-plugin-for-aws:v1.14.0',
  'x/y@sha256:bad',
  'c:1',
]
const mounts = fc.array(
  fc.record({ name: fc.constantFrom('plugins', 'mine'), mountPath: fc.constantFrom('/plugins', '/x') }),
  { maxLength: 1 },
)
const initContainer = fc.record(
  {
    name: fc.constantFrom('a-b', 'velero-velero-plugin-for-aws', 'c', 'sidecar'),
    image: fc.constantFrom(...images),
    imagePullPolicy: fc.constantFrom('Always', 'IfNotPresent'),
    volumeMounts: fc.constant([{ name: 'plugins', mountPath: '/target' }]),
  },
  { requiredKeys: ['name', 'image'] },
)
const maybe = <T>(some: fc.Arbitrary<T>) => fc.option(some, { nil: undefined })
const aDeployment = fc
  .record({
    initContainers: maybe(fc.uniqueArray(initContainer, { selector: ({ name }) => name, maxLength: 4 })),
    volumes: maybe(
      fc.constantFrom([{ name: 'plugins', emptyDir: {} }], [{ name: 'mine', emptyDir: {} }], []),
    ),
    imagePullSecrets: maybe(fc.subarray([{ name: 's1' }, { name: 's2' }])),
    volumeMounts: maybe(mounts),
    annotations: maybe(
      fc.record(
        {
          [pluginsAnnotation]: fc.subarray(['a-b', 'c', 'gone']).map((all) => all.join(',')),
          [pullSecretsAnnotation]: fc.subarray(['s1', 's3']).map((all) => all.join(',')),
          kept: fc.constant('yes'),
        },
        { requiredKeys: [] },
      ),
    ),
  })
  .map(({ volumeMounts, annotations, ...pod }) => {
    const containers = [
      { name: 'sidecar', image: 's' },
      defined({ name: 'velero', image: 'v', volumeMounts }),
    ]
    return {
      metadata: { labels: { component: 'velero' } },
      spec: { template: { metadata: defined({ annotations }), spec: defined({ containers, ...pod }) } },
    }
  })

const defined = (object: Tree): Tree =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))

const aList = fc
  .uniqueArray(
    fc.record({
      image: fc.constantFrom(
        'gcr.io/a/b:3',
        'quay.io/a/b:2',
        'velero/velero-plugin-for-aws:v2',
        'ghcr.io/n/new:1',
      ),
      secret: maybe(fc.constantFrom('s1', 's3')),
      isPinned: fc.boolean(),
    }),
    { selector: ({ image }) => placeOfText(image), maxLength: 4 },
  )
  .map((all) =>
    all.map(({ image, secret, isPinned }) => {
      const plugin = aPlugin(image, secret === undefined ? {} : { imagePullSecret: secret })
      return isPinned ? pinned(plugin, digest) : plugin
    }),
  )

const ways = { seed: 504, numRuns: runs(2000) }
const marksOf = (deployment: Tree) => String(annotationsOf(deployment)[pluginsAnnotation] ?? '').split(',')

t.test('property: once more changes nothing, whatever was there', async () => {
  fc.assert(
    fc.property(aDeployment, aList, (deployment, plugins) => {
      return patchOf(patched(deployment, plugins), plugins).operations.length === 0
    }),
    ways,
  )
})

t.test('property: what is not ours is there as it was, but for the image of the very plugin', async () => {
  fc.assert(
    fc.property(aDeployment, aList, (deployment, plugins) => {
      const after = podOf(patched(deployment, plugins))['initContainers'] ?? []
      const foreign: readonly Tree[] = (podOf(deployment)['initContainers'] ?? []).filter(
        ({ name }: Tree) => !marksOf(deployment).includes(name),
      )
      return foreign.every((one) => {
        const then = after.find(({ name }: Tree) => name === one['name'])
        const mine = plugins.some(
          ({ initContainer, reference, image }) =>
            initContainer === one['name'] &&
            placeOfText(one['image']) === placeOfText(image) &&
            reference.repository !== '',
        )
        return (
          isDeepStrictEqual({ ...then, image: '' }, { ...one, image: '' }) &&
          (mine || then.image === one['image'])
        )
      })
    }),
    ways,
  )
})

t.test(
  'property: every plugin is there exactly once, names are unique, and every mount has its volume',
  async () => {
    fc.assert(
      fc.property(aDeployment, aList, (deployment, plugins) => {
        const pod = podOf(patched(deployment, plugins))
        const all: readonly Tree[] = pod['initContainers'] ?? []
        const unique = new Set([...all.map(({ name }) => name), 'sidecar', 'velero']).size === all.length + 2
        const before: readonly Tree[] = podOf(deployment)['initContainers'] ?? []
        const times = ({ image }: DeclaredPlugin, list: readonly Tree[]) =>
          list.filter((one) => placeOfText(one['image']) === placeOfText(image)).length
        const server = pod['containers'].find(({ name }: Tree) => name === 'velero')
        const target = server.volumeMounts?.find(({ mountPath }: Tree) => mountPath === '/plugins')
        // What others brought twice is theirs; a name of theirs may be ours by its mark only.
        const once = plugins.every(
          (one) => times(one, all) >= 1 && times(one, all) <= Math.max(1, times(one, before)),
        )
        const reaches = injected(deployment, plugins)
          ? (pod['volumes'] ?? []).some(({ name }: Tree) => name === target?.name)
          : true
        return (unique || !isUnique(before)) && once && reaches
      }),
      ways,
    )
  },
)

const isUnique = (list: readonly Tree[]) => list.every(({ name }) => !['sidecar', 'velero'].includes(name))
const injected = (deployment: Tree, plugins: readonly DeclaredPlugin[]) =>
  patchOf(deployment, plugins).injections.some(({ isInjected }) => isInjected)

t.test('property: nothing outside of the five places of the pod template changes', async () => {
  const touched =
    /^\/spec\/template\/(spec\/(initContainers|volumes|imagePullSecrets|containers\/1\/volumeMounts)|metadata)(\/|$)/
  fc.assert(
    fc.property(aDeployment, aList, (deployment, plugins) => {
      return patchOf(deployment, plugins).operations.every(({ path }) => touched.test(path))
    }),
    ways,
  )
})

t.test('property: declared and then not, the pod is as if it never was', async () => {
  fc.assert(
    fc.property(aDeployment, aList, (deployment, plugins) => {
      // Of a Deployment without marks of ours.
      const clean = { ...deployment, spec: { template: { spec: podOf(deployment) } } }
      const were: readonly string[] = (podOf(clean)['initContainers'] ?? []).map(({ name }: Tree) => name)
      const after = patched(patched(clean, plugins), [])
      const images = (tree: Tree) => (podOf(tree)['initContainers'] ?? []).map(({ image }: Tree) => image)
      return (
        isDeepStrictEqual(names(after), were) &&
        isDeepStrictEqual(images(after), images(clean)) &&
        isDeepStrictEqual(annotationsOf(after), {})
      )
    }),
    ways,
  )
})

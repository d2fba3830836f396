/** From texts to one list of plugins: every source, the same rules for all, every problem with its place. */
import t from 'tap'
import { collect, nothingDeclared, type CollectOptions } from '../../src/plugins/collect.ts'
import { hash } from '../../src/wiring/crypto.ts'

const read = (text: string | readonly string[], more: Partial<CollectOptions> = {}) =>
  collect(
    [text].flat().map((one, index) => ({ name: `${index}.yaml`, text: one })),
    { hash, namespace: undefined, proxyDomain: undefined, ...more },
  )

const said = (text: string | readonly string[], more: Partial<CollectOptions> = {}) =>
  read(text, more).problems.map(({ file, line, message }) => `${file}:${line}: ${message}`)

const veleroPlugin = (name: string, spec: string, namespace = 'velero') =>
  `apiVersion: tidewaiter.io/v1beta1\nkind: VeleroPlugin\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: ${spec}\n`

const config = (plugins: string) =>
  `apiVersion: embeddedcluster.replicated.com/v1beta1\nkind: Config\nmetadata: {name: app}\nspec:\n  extensions:\n    velero:\n      plugins:\n${plugins}`

const acme = '        - name: acme\n          image: registry.example.com/acme/plugin:1.0\n'

const wanted = {
  name: 'acme',
  image: 'registry.example.com/acme/plugin:1.0',
  imagePullPolicy: 'IfNotPresent',
}

const sources: Readonly<Record<string, { readonly text: string; readonly want: object }>> = {
  'a VeleroPlugin, named as Velero would': {
    text: veleroPlugin('acme', '{image: registry.example.com/acme/plugin:1.0, enforcement: Warn}'),
    want: {
      ...wanted,
      declaredIn: 'VeleroPlugin velero/acme',
      initContainer: 'acme-plugin',
      enforcement: 'Warn',
    },
  },
  "Embedded Cluster's Config, named as it says": {
    text: config(acme),
    want: { ...wanted, declaredIn: 'Config app', initContainer: 'acme', enforcement: 'Enforce' },
  },
  'its Installation': {
    text: `apiVersion: embeddedcluster.replicated.com/v1beta1\nkind: Installation\nmetadata: {name: i}\nspec: {config: {extensions: {velero: {plugins: [{name: acme, image: "registry.example.com/acme/plugin:1.0", imagePullPolicy: Always}]}}}}\n`,
    want: { ...wanted, imagePullPolicy: 'Always', declaredIn: 'Installation i', initContainer: 'acme' },
  },
  'a Config in a ConfigMap': {
    text: `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, namespace: n}\ndata:\n  other: "{{ not yaml"\n  config.yaml: |\n${config(acme).replaceAll(/^/gm, '    ')}`,
    want: { ...wanted, declaredIn: 'Config app', initContainer: 'acme' },
  },
  'an item of a List': {
    text: JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [
        { kind: 'Pod' },
        {
          apiVersion: 'tidewaiter.io/v1beta1',
          kind: 'VeleroPlugin',
          metadata: { name: 'acme' },
          spec: { image: 'registry.example.com/acme/plugin:1.0' },
        },
      ],
    }),
    want: { ...wanted, declaredIn: 'VeleroPlugin acme' },
  },
}

for (const [name, { text, want }] of Object.entries(sources)) {
  t.test(`plugins come from ${name}`, async (t) => {
    const { plugins, problems, documents } = read(text)
    t.same(problems, [])
    t.match(plugins, [want])
    t.equal(documents, 1)
  })
}

t.test('other kinds of the same name are none of ours', async (t) => {
  const others = [
    'apiVersion: v1\nkind: Config\nclusters: []\n',
    'apiVersion: kots.io/v1beta1\nkind: Config\nspec: {extensions: {velero: {plugins: 1}}}\n',
    'apiVersion: tidewaiter.io/v1beta1\nkind: Action\n',
    'apiVersion: v1\nkind: List\nitems: 3\n',
    '- 1\n',
    'text\n',
  ]
  t.match(read(others), { plugins: [], problems: [], documents: 0 })
})

t.test('a Config without plugins declares none, and is found', async (t) => {
  const head = 'apiVersion: embeddedcluster.replicated.com/v1beta1\nkind: Config\n'
  for (const rest of [
    '',
    'spec: {}\n',
    'spec: {extensions: {velero: {plugins: null}}}\n',
    'spec: {extensions: {velero: {plugins: []}}}\n',
  ])
    t.match(read(head + rest), { plugins: [], problems: [], documents: 1 }, rest)
})

t.test('plugins stand in the order of declaration, through documents and files', async (t) => {
  const { plugins } = read([
    `${veleroPlugin('z', '{image: a/z}')}---\n${config('        - {name: y, image: a/y}\n        - {name: b, image: a/b}\n')}`,
    veleroPlugin('a', '{image: a/a}'),
  ])
  t.same(
    plugins.map(({ name }) => name),
    ['z', 'y', 'b', 'a'],
  )
})

const problems: Readonly<
  Record<string, { readonly text: string | readonly string[]; readonly want: readonly RegExp[] }>
> = {
  'a missing image': {
    text: config('        - name: acme\n'),
    want: [/^0.yaml:8: spec.extensions.velero.plugins\[0\].image must be given$/],
  },
  'a missing name': {
    text: config('        - image: a/b\n'),
    want: [/^0.yaml:8: spec.extensions.velero.plugins\[0\].name must be given$/],
  },
  'a bad name': {
    text: config('        - {name: Acme_1, image: a/b}\n'),
    want: [/^0.yaml:8: .*plugins\[0\].name must match .*, got "Acme_1"$/],
  },
  'a name that is too long for a container': {
    text: config(`        - {name: ${'a'.repeat(64)}, image: a/b}\n`),
    want: [/name must have at most 63 characters, got 64$/],
  },
  'a bad reference in a Config': {
    text: config('        - name: acme\n          image: registry.example.com/Acme/plugin:1.0\n'),
    want: [/^0.yaml:9: .*plugins\[0\].image must have a repository in lower case, got "Acme\/plugin"$/],
  },
  'a bad reference in a VeleroPlugin, in the same words': {
    text: veleroPlugin('acme', '{image: registry.example.com/Acme/plugin:1.0}'),
    want: [/^0.yaml:4: spec.image must have a repository in lower case, got "Acme\/plugin"$/],
  },
  'a bad policy': {
    text: config(`${acme}          imagePullPolicy: Sometimes\n`),
    want: [/^0.yaml:10: .*imagePullPolicy must be Always, IfNotPresent or Never, got "Sometimes"$/],
  },
  'a bad pull secret': {
    text: config(`${acme}          imagePullSecret: "no secret"\n`),
    want: [/^0.yaml:10: .*imagePullSecret must match/],
  },
  'a misspelt field': {
    text: config(`${acme}          pullSecret: x\n`),
    want: [/^0.yaml:10: .*pullSecret must not be given: there is no such field/],
  },
  'a list that is none': {
    text: config('        acme: a/b\n'),
    want: [/^0.yaml:7: spec.extensions.velero.plugins must be a list, got "an object"$/],
  },
  'an item that is a text': {
    text: config('        - a/b\n'),
    want: [/^0.yaml:8: .*plugins\[0\] must be an object, got "a\/b"$/],
  },
  'more than a Velero could start with': {
    text: config(Array.from({ length: 65 }, (_, i) => `        - {name: a${i}, image: a/b${i}}\n`).join('')),
    want: [/plugins must have at most 64 items, got 65$/],
  },
  'a name that comes twice': {
    text: [config(acme), veleroPlugin('acme', '{image: a/b}')],
    want: [
      /^1.yaml:3: metadata.name must not be a name that another plugin has: Config app spec.extensions.velero.plugins\[0\].name, got "acme"$/,
    ],
  },
  'an image that comes twice, in another version and by another host name': {
    text: config('        - {name: a, image: "a/b:1"}\n        - {name: b, image: "docker.io/a/b:2"}\n'),
    want: [
      /^0.yaml:9: .*plugins\[1\].image must not be a repository that another plugin has: .*plugins\[0\].image, got "docker.io\/a\/b:2"$/,
    ],
  },
  'an unknown apiVersion of ours': {
    text: veleroPlugin('acme', '{image: a/b}').replace('v1beta1', 'v2'),
    want: [/^0.yaml:1: apiVersion must be tidewaiter.io\/v1beta1, got "tidewaiter.io\/v2"$/],
  },
  'YAML that is none, and what else is there': {
    text: ['a: [1\n', config('        - name: acme\n')],
    want: [/^0.yaml:2: the YAML cannot be read: /, /^1.yaml:8: .*image must be given$/],
  },
  'a problem inside a ConfigMap, at its own line': {
    text: `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n  config.yaml: |\n${config('        - name: acme\n').replaceAll(/^/gm, '    ')}`,
    want: [/^0.yaml:13: data\[config.yaml\]: spec.extensions.velero.plugins\[0\].image must be given$/],
  },
  'YAML inside a ConfigMap that is none': {
    text: `apiVersion: v1\nkind: ConfigMap\ndata:\n  c: |\n    apiVersion: embeddedcluster.replicated.com/v1\n    a: [\n`,
    want: [/^0.yaml:[67]: data\[c\]: the YAML cannot be read/],
  },
  'a problem in an item of a List': {
    text: `apiVersion: v1\nkind: List\nitems:\n  - ${veleroPlugin('a', '{}').trimEnd().replaceAll('\n', '\n    ')}\n`,
    want: [/^0.yaml:7: items\[0\].spec.image must be given$/],
  },
}

for (const [name, { text, want }] of Object.entries(problems)) {
  t.test(`${name} is told with file, line and field`, async (t) => {
    const lines = said(text)
    t.match(lines, want)
    t.equal(lines.length, want.length)
  })
}

t.test('several problems are told at once', async (t) => {
  const text = config(
    '        - {image: "a b"}\n        - {name: x, image: c}\n        - {name: x, imagePullPolicy: y}\n',
  )
  t.match(said(text), [
    /plugins\[0\].name must be given/,
    /plugins\[0\].image must have no blanks/,
    /plugins\[2\].image must be given/,
    /plugins\[2\].imagePullPolicy must be/,
    /plugins\[2\].name must not be a name that another plugin has/,
  ])
})

t.test('each Velero has its own plugins: namespaces do not mix, and one can be chosen', async (t) => {
  const both = [veleroPlugin('a', '{image: a/a}'), veleroPlugin('b', '{image: a/b}', 'other')]
  t.match(said(both), [/^1.yaml:3: metadata.namespace must be velero as before, got other: .*--namespace$/])
  const { plugins, problems } = read([...both, config(acme)], { namespace: 'other' })
  t.same(problems, [])
  t.same(
    plugins.map(({ name }) => name),
    ['b', 'acme'],
  )
})

t.test('the domain of the proxy stands for proxy.replicated.com, as host only', async (t) => {
  const text = config(
    '        - {name: a, image: proxy.replicated.com/proxy/app/quay.io/a/b:1}\n        - {name: b, image: quay.io/proxy.replicated.com/c}\n',
  )
  const { plugins } = read(text, { proxyDomain: 'images.acme.test' })
  t.same(
    plugins.map(({ image }) => image),
    ['images.acme.test/proxy/app/quay.io/a/b:1', 'quay.io/proxy.replicated.com/c'],
  )
  t.match(plugins[0], { reference: { registry: 'images.acme.test', repository: 'proxy/app/quay.io/a/b' } })
})

t.test('overrides of the chart named velero are read, of others not', async (t) => {
  const text = `${config(acme)}  unsupportedOverrides:\n    builtInExtensions:\n      - {name: openebs, values: "a: 1"}\n      - name: velero\n        values: |\n          nodeAgent: {x: 1}\n`
  t.match(read(text).overrides, [
    {
      label: 'Config app spec.unsupportedOverrides.builtInExtensions[1].values',
      value: { nodeAgent: { x: 1 } },
    },
  ])
  t.match(said(text.replace('nodeAgent: {x: 1}', '[1]')), [
    /^0.yaml:14: spec.unsupportedOverrides.builtInExtensions\[1\].values must be one map of chart values in YAML: got no map$/,
  ])
})

const misspelt: Readonly<Record<string, string>> = {
  'spec.extensions.velero.plugin must not be given: there is no such field; did you mean plugins?':
    'Config\nspec: {extensions: {velero: {plugin: []}}}',
  'spec.extensions.Velero must not be given: there is no such field; did you mean velero?':
    'Config\nspec: {extensions: {Velero: {plugins: []}}}',
  'spec.extension must not be given: there is no such field; did you mean extensions?':
    'Config\nspec: {extension: {velero: {plugins: []}}}',
  'spec.confg must not be given: there is no such field; did you mean config?':
    'Installation\nspec: {confg: {extensions: {velero: {plugins: []}}}}',
}
for (const [want, rest] of Object.entries(misspelt)) {
  t.test(`a list that is not found for a misspelt name is no empty one: ${want}`, async (t) => {
    t.same(said(`apiVersion: embeddedcluster.replicated.com/v1beta1\nkind: ${rest}\n`), [`0.yaml:3: ${want}`])
  })
}

t.test('fields of Embedded Cluster that we do not know are none of ours', async (t) => {
  const text = config(acme).replace('spec:', 'spec:\n  roles: {}\n  version: 2.13.0\n  extensio: {}')
  t.match(read(text), { plugins: [wanted], problems: [], warnings: [] })
})

t.test('a Config that declares none is told', async (t) => {
  t.same(read(config('        []\n')).warnings, [
    '0.yaml: Config app declares no plugins: it has none in extensions.velero.plugins',
  ])
})

t.test('where all are for other namespaces, those are told', async (t) => {
  const collected = read(veleroPlugin('acme', '{image: a/b}'), { namespace: 'other' })
  t.same(nothingDeclared(collected, ['plugins/']), [
    {
      file: 'plugins/',
      line: 1,
      message: 'must hold a VeleroPlugin of namespace other, and holds only those of velero',
    },
  ])
})

t.test('an Installation whose Config is in a Secret says so', async (t) => {
  const text = `apiVersion: embeddedcluster.replicated.com/v1beta1\nkind: Installation\nmetadata: {name: i}\nspec: {configSecret: {name: s, namespace: n}}\n`
  t.match(read(text).warnings, [/^Installation i: the Config in Secret n\/s supersedes its spec.config/])
})

t.test(
  'a ConfigMap in a List is read, a List in a List and a ConfigMap in a ConfigMap are not',
  async (t) => {
    const map = (data: string) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'm' },
      data: { c: data },
    })
    const list = (...items: readonly object[]) => ({ apiVersion: 'v1', kind: 'List', items })
    t.match(read(JSON.stringify(list(map(config(acme))))), { plugins: [wanted], problems: [] })
    t.match(said(JSON.stringify(list(map(config('        - name: a\n'))))), [
      /^0.yaml:1: items\[0\].data\[c\]: spec.extensions.velero.plugins\[0\].image must be given$/,
    ])
    t.match(read(JSON.stringify(list(list(map(config(acme)))))), { plugins: [], documents: 0 })
    t.match(read(JSON.stringify(map(JSON.stringify(map(config(acme)))))), { plugins: [], documents: 0 })
  },
)

t.test('a ConfigMap whose text is quoted has the line of its key', async (t) => {
  const quoted = `apiVersion: v1\nkind: ConfigMap\ndata:\n  c: ${JSON.stringify(config('        - name: a\n'))}\n`
  t.match(said(quoted), [/^0.yaml:4: data\[c\]: /])
})

t.test('overrides of several documents, and ones that are not YAML, are told', async (t) => {
  const text = (values: string) =>
    `${config(acme)}  unsupportedOverrides:\n    builtInExtensions:\n      - {name: velero, values: ${JSON.stringify(values)}}\n`
  t.match(said(text('a: 1\n---\nb: 1\n')), [
    /values must be one map of chart values in YAML: got several documents$/,
  ])
  t.match(said(text('a: [')), [/values must be one map of chart values in YAML: cannot be read: /])
  t.match(read(text('# nothing\n')), { overrides: [{ value: {} }], problems: [] })
})

/** `tidewaiter helm-values`: what it prints for Embedded Cluster's cases, what it refuses, and its exit codes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { cli } from '../support/cli.ts'

const helmValues = (args: readonly string[], stdin = '') => cli(['helm-values', ...args], { stdin })

const config = (plugins: string, more = '') => `apiVersion: embeddedcluster.replicated.com/v1beta1
kind: Config
metadata:
  name: app
spec:
  extensions:
    velero:
      plugins:
${plugins}${more}`

const acme = `        - name: acme
          image: registry.example.com/acme/plugin:1.0
`
const built = `initContainers:
  - name: velero-plugin-for-aws
    image: proxy.replicated.com/library/velero-plugin-for-aws:1.12
    imagePullPolicy: IfNotPresent
    volumeMounts:
      - mountPath: /target
        name: plugins
`

type Case = {
  readonly files: Readonly<Record<string, string>>
  readonly args: readonly string[]
  readonly want: string
  readonly warns?: RegExp
}

/** Embedded Cluster's cases, and ours: what is in the files, and all that is printed. */
const golden: Readonly<Record<string, Case>> = {
  'one plugin': {
    files: { 'config.yaml': config(acme), 'values.yaml': '' },
    args: ['-f', 'config.yaml', '--values', 'values.yaml'],
    want: `initContainers:
  - name: acme
    image: registry.example.com/acme/plugin:1.0
    imagePullPolicy: IfNotPresent
    volumeMounts:
      - name: plugins
        mountPath: /target
`,
  },
  'several plugins, in the order of the list, behind the one that is built in': {
    files: {
      'config.yaml': config(`        - name: zeta
          image: a/zeta:1
          imagePullPolicy: Always
${acme}`),
      'values.yaml': built,
    },
    args: ['-f', 'config.yaml', '--values', 'values.yaml'],
    want: `initContainers:
  - name: velero-plugin-for-aws
    image: proxy.replicated.com/library/velero-plugin-for-aws:1.12
    imagePullPolicy: IfNotPresent
    volumeMounts:
      - mountPath: /target
        name: plugins
  - name: zeta
    image: a/zeta:1
    imagePullPolicy: Always
    volumeMounts:
      - name: plugins
        mountPath: /target
  - name: acme
    image: registry.example.com/acme/plugin:1.0
    imagePullPolicy: IfNotPresent
    volumeMounts:
      - name: plugins
        mountPath: /target
`,
  },
  'pull secrets: each once, behind the ones that are there': {
    files: {
      'config.yaml': config(`${acme}          imagePullSecret: acme-registry
        - {name: other, image: a/other, imagePullSecret: shared}
        - {name: third, image: a/third, imagePullSecret: acme-registry}
`),
      'values.yaml': 'image:\n  imagePullSecrets: [shared]\n  tag: v1.18.3\n',
    },
    args: ['-f', 'config.yaml', '--values', 'values.yaml', '-o', 'json'],
    want: `${JSON.stringify(
      {
        initContainers: ['acme', 'other', 'third'].map((name) => ({
          name,
          image: name === 'acme' ? 'registry.example.com/acme/plugin:1.0' : `a/${name}`,
          imagePullPolicy: 'IfNotPresent',
          volumeMounts: [{ name: 'plugins', mountPath: '/target' }],
        })),
        image: { imagePullSecrets: ['shared', 'acme-registry'] },
      },
      null,
      2,
    )}\n`,
  },
  'the domain of the proxy, in plugins and in what is built in': {
    files: {
      'config.yaml': config(
        '        - {name: acme, image: proxy.replicated.com/proxy/app/acme/plugin:1.0}\n',
      ),
      'values.yaml': built,
    },
    args: ['-f', 'config.yaml', '--values', 'values.yaml', '--proxy-domain', 'images.example.com'],
    want: `initContainers:
  - name: velero-plugin-for-aws
    image: images.example.com/library/velero-plugin-for-aws:1.12
    imagePullPolicy: IfNotPresent
    volumeMounts:
      - mountPath: /target
        name: plugins
  - name: acme
    image: images.example.com/proxy/app/acme/plugin:1.0
    imagePullPolicy: IfNotPresent
    volumeMounts:
      - name: plugins
        mountPath: /target
`,
  },
  'overrides win: maps are merged, null takes away': {
    files: {
      'config.yaml': config(
        `${acme}          imagePullSecret: acme-registry
`,
        `  unsupportedOverrides:
    builtInExtensions:
      - name: velero
        values: |
          image: {imagePullSecrets: null, tag: mine}
          nodeAgent: {podVolumePath: /x}
`,
      ),
      'values.yaml': '',
    },
    args: ['-f', 'config.yaml', '--values', 'values.yaml'],
    want: `initContainers:
  - name: acme
    image: registry.example.com/acme/plugin:1.0
    imagePullPolicy: IfNotPresent
    volumeMounts:
      - name: plugins
        mountPath: /target
image:
  tag: mine
nodeAgent:
  podVolumePath: /x
`,
  },
  'overrides win: a list replaces the list, and that is told': {
    files: {
      'config.yaml': config(
        acme,
        `  unsupportedOverrides:
    builtInExtensions:
      - {name: velero, values: 'initContainers: [{name: mine, image: a/mine}]'}
`,
      ),
      'values.yaml': '',
    },
    args: ['-f', 'config.yaml', '--values', 'values.yaml'],
    want: 'initContainers:\n  - name: mine\n    image: a/mine\n',
    warns:
      /^tidewaiter: warning: plugin acme: an override replaces initContainers, and its list has no acme: overrides win\n$/,
  },
  'no plugins are no values': {
    files: { 'config.yaml': config('        []\n'), 'values.yaml': built },
    args: ['-f', 'config.yaml', '--values', 'values.yaml'],
    want: '{}\n',
    warns: /^tidewaiter: warning: \S*config.yaml: Config app declares no plugins: [^\n]*\n$/,
  },
  'VeleroPlugins of a folder, named as Velero would; a Helm list would replace ours, and that is told': {
    files: {
      'plugins/2.yaml':
        'apiVersion: tidewaiter.io/v1beta1\nkind: VeleroPlugin\nmetadata: {name: b}\nspec: {image: "quay.io/on/off@sha256:' +
        'a'.repeat(64) +
        '"}\n',
      'plugins/1.json': JSON.stringify({
        apiVersion: 'tidewaiter.io/v1beta1',
        kind: 'VeleroPlugin',
        metadata: { name: 'a' },
        spec: { image: 'on' },
      }),
      'plugins/README.md': 'not read: [',
    },
    args: ['-f', 'plugins'],
    want: `initContainers:
  - name: 'on'
    image: 'on'
    imagePullPolicy: IfNotPresent
    volumeMounts:
      - name: plugins
        mountPath: /target
  - name: on-off
    image: quay.io/on/off@sha256:${'a'.repeat(64)}
    imagePullPolicy: IfNotPresent
    volumeMounts:
      - name: plugins
        mountPath: /target
`,
    warns: /^tidewaiter: warning: without --values: Helm replaces lists/,
  },
}

/** Writes the files, and names them by their whole paths in the arguments. */
function laid(t: Tap.Test, { files, args }: Pick<Case, 'files' | 'args'>): readonly string[] {
  const tree: Record<string, string | Record<string, string>> = {}
  for (const [path, text] of Object.entries(files)) {
    const [folder = '', name] = path.split('/')
    if (name === undefined) tree[folder] = text
    else tree[folder] = { ...(tree[folder] as Record<string, string>), [name]: text }
  }
  const root = t.testdir(tree)
  return args.map((arg) => (arg in tree ? join(root, arg) : arg))
}

declare namespace Tap {
  type Test = { readonly testdir: (tree: Record<string, string | Record<string, string>>) => string }
}

for (const [name, one] of Object.entries(golden)) {
  t.test(`prints: ${name}`, async (t) => {
    const { out, err, code } = await helmValues(laid(t, one))
    t.equal(out, one.want)
    t.match(err, one.warns ?? /^$/)
    t.equal(code, 0)
    t.ok(parse(out), 'it is YAML')
  })
}

t.test('stdin is read once, beside files', async (t) => {
  const args = laid(t, {
    files: { 'b.yaml': config('        - {name: b, image: a/b}\n') },
    args: ['-f', '-', '-f', 'b.yaml', '-o', 'json'],
  })
  const { out } = await helmValues(args, config(acme))
  t.match(JSON.parse(out), { initContainers: [{ name: 'acme' }, { name: 'b' }] })
})

t.test('values are merged as Helm merges them: the last list counts', async (t) => {
  const args = laid(t, {
    files: {
      'c.yaml': config(acme),
      '1.yaml': `${built}image: {imagePullSecrets: [one]}\n`,
      '2.yaml': 'initContainers: [{name: two, image: a/two}]\n',
    },
    args: ['-f', 'c.yaml', '--values', '1.yaml', '--values', '2.yaml', '-o', 'json'],
  })
  t.match(JSON.parse((await helmValues(args)).out), { initContainers: [{ name: 'two' }, { name: 'acme' }] })
})

t.test('a plugin that the values have already is not added again', async (t) => {
  const args = laid(t, {
    files: {
      'c.yaml': config(acme),
      'v.yaml': 'initContainers:\n  - {name: mine, image: "registry.example.com/acme/plugin:0.9"}\n',
    },
    args: ['-f', 'c.yaml', '--values', 'v.yaml', '-o', 'json'],
  })
  const { out, err, code } = await helmValues(args)
  t.same(JSON.parse(out), {
    initContainers: [{ name: 'mine', image: 'registry.example.com/acme/plugin:0.9' }],
  })
  t.match(err, /plugin acme: initContainer mine brings registry.example.com\/acme\/plugin:0.9 already/)
  t.equal(code, 0)
})

t.test('a plugin that is not added brings no pull secret', async (t) => {
  const args = laid(t, {
    files: {
      'c.yaml': config(`${acme}          imagePullSecret: acme-registry\n`),
      'v.yaml': 'initContainers:\n  - {name: mine, image: "registry.example.com/acme/plugin:0.9"}\n',
    },
    args: ['-f', 'c.yaml', '--values', 'v.yaml', '-o', 'json'],
  })
  t.equal(JSON.parse((await helmValues(args)).out).image, undefined)
})

t.test("a pod that names its first pull secret keeps those of the chart's ServiceAccount", async (t) => {
  const plugin = config(`${acme}          imagePullSecret: acme-registry\n`)
  const account = 'serviceAccount: {server: {imagePullSecrets: [of-account]}}\n'
  const secrets = async (values: string) => {
    const dir = t.testdir({ 'values.yaml': values, 'config.yaml': plugin })
    const files = ['-f', join(dir, 'config.yaml'), '--values', join(dir, 'values.yaml')]
    return JSON.parse((await helmValues([...files, '-o', 'json'])).out).image.imagePullSecrets
  }
  t.same(await secrets(account), ['of-account', 'acme-registry'])
  t.same(await secrets(`${account}image: {imagePullSecrets: [own]}\n`), ['own', 'acme-registry'])
})

t.test('no initContainer gets the name of the container of the chart', async (t) => {
  const { out } = await helmValues(
    ['-f', '-', '-o', 'json'],
    config('        - {name: velero, image: a/b}\n'),
  )
  t.match(JSON.parse(out), { initContainers: [{ name: /^velero-[0-9a-f]{5}$/ }] })
})

t.test('the same initContainer in the values gets the declared image, and keeps the rest', async (t) => {
  const args = laid(t, {
    files: {
      'c.yaml': config(acme),
      'v.yaml':
        'initContainers:\n  - {name: acme, image: "registry.example.com/acme/plugin:0.9", resources: {limits: {cpu: 1}}}\n',
    },
    args: ['-f', 'c.yaml', '--values', 'v.yaml', '-o', 'json'],
  })
  t.same(JSON.parse((await helmValues(args)).out), {
    initContainers: [
      { name: 'acme', image: 'registry.example.com/acme/plugin:1.0', resources: { limits: { cpu: 1 } } },
    ],
  })
})

const refused: Readonly<
  Record<string, Omit<Case, 'want' | 'warns'> & { readonly code: number; readonly says: RegExp }>
> = {
  'problems, all of them, with file and line': {
    files: {
      'c.yaml': config('        - name: a\n        - {name: b, image: "a:b:c"}\n'),
      'd.yaml': 'a: [\n',
    },
    args: ['-f', 'c.yaml', '-f', 'd.yaml'],
    code: 1,
    says: /d.yaml:\d+: the YAML cannot be read.*c.yaml:9: .*\[0\].image must be given\n.*c.yaml:10: .*\[1\].image must have a tag.*no values: mend these \d problems/s,
  },
  'files in which nobody declares a plugin': {
    files: { 'c.yaml': 'kind: Pod\n' },
    args: ['-f', 'c.yaml'],
    code: 1,
    says: /c.yaml:1: must hold a VeleroPlugin .* and holds none\n.*mend this problem/s,
  },
  'values whose initContainers are a template': {
    files: { 'c.yaml': config(acme), 'v.yaml': 'a: 1\ninitContainers: |\n  - name: x\n' },
    args: ['-f', 'c.yaml', '--values', 'v.yaml'],
    code: 1,
    says: /v.yaml:2: initContainers must be a list: a template in a text cannot be added to\n/,
  },
  'values whose lists are none': {
    files: {
      'c.yaml': config(acme),
      'v.yaml': 'initContainers: {}\n',
      'w.yaml': 'image: {imagePullSecrets: x}\n',
    },
    args: ['-f', 'c.yaml', '--values', 'v.yaml', '--values', 'w.yaml'],
    code: 1,
    says: /v.yaml:1: initContainers must be a list\n.*w.yaml:1: image.imagePullSecrets must be a list of names\n/s,
  },
  'values that are not YAML': {
    files: { 'c.yaml': config(acme), 'v.yaml': 'a: 1\na: 2\n' },
    args: ['-f', 'c.yaml', '--values', 'v.yaml'],
    code: 1,
    says: /v.yaml:2: the YAML has the key a twice\n/,
  },
  'more bytes than anybody means': {
    files: Object.fromEntries(
      Array.from({ length: 17 }, (_, index) => [`plugins/${index}.yaml`, `#${' '.repeat(1024 * 1024 - 1)}`]),
    ),
    args: ['-f', 'plugins'],
    code: 4,
    says: /-f must name at most 16777216 bytes in all/,
  },
  'no file at all': {
    files: {},
    args: [],
    code: 2,
    says: /^tidewaiter: -f must name a file, a folder, or - for stdin/,
  },
  'stdin twice': { files: {}, args: ['-f', '-', '-f', '-'], code: 2, says: /-f - must be given once/ },
  'an output that there is not': {
    files: {},
    args: ['-f', '-', '-o', 'toml'],
    code: 2,
    says: /-o must be yaml or json, got "toml"/,
  },
  'a proxy that is a URL': {
    files: {},
    args: ['-f', '-', '--proxy-domain', 'https://x.example.com'],
    code: 2,
    says: /--proxy-domain must be HOST\[:PORT\], got "https:\/\/x.example.com"/,
  },
  'a proxy with a path': {
    files: {},
    args: ['-f', '-', '--proxy-domain', 'x.example.com/a'],
    code: 2,
    says: /HOST\[:PORT\]/,
  },
  'a file that is not there': {
    files: {},
    args: ['-f', '/nowhere/c.yaml'],
    code: 4,
    says: /\/nowhere\/c.yaml cannot be read: there is no such file/,
  },
  'values that are not there': {
    files: { 'c.yaml': config(acme) },
    args: ['-f', 'c.yaml', '--values', '/nowhere/v.yaml'],
    code: 4,
    says: /\/nowhere\/v.yaml cannot be read: there is no such file/,
  },
  'a folder without manifests': {
    files: { 'plugins/a.txt': '' },
    args: ['-f', 'plugins'],
    code: 4,
    says: /must hold a file that ends in .yaml, .yml or .json/,
  },
  'a folder for values': {
    files: { 'plugins/a.txt': '' },
    args: ['-f', '-', '--values', 'plugins'],
    code: 4,
    says: /cannot be read: it is a folder/,
  },
  'a file that is too long': {
    files: { 'c.yaml': 'a'.repeat(1024 * 1024 + 1) },
    args: ['-f', 'c.yaml'],
    code: 4,
    says: /c.yaml must have at most 1048576 bytes/,
  },
  'more files than anybody means': {
    files: Object.fromEntries(Array.from({ length: 257 }, (_, index) => [`plugins/${index}.yaml`, ''])),
    args: ['-f', 'plugins'],
    code: 4,
    says: /-f must name at most 256 files, got 257/,
  },
}

for (const [name, one] of Object.entries(refused)) {
  t.test(`refuses: ${name}`, async (t) => {
    const { out, err, code } = await helmValues(laid(t, one))
    t.equal(out, '', 'nothing is printed that could be used')
    t.match(err, one.says)
    t.equal(code, one.code)
  })
}

t.test('a text that is not UTF-8 is refused', async (t) => {
  const seen = await cli(['helm-values', '-f', '-'], { stdin: [new Uint8Array([0x61, 0xff])] })
  t.match(seen, { out: '', err: /stdin must be text in UTF-8/, code: 4 })
})

// --- docs/plugins.md ---

const docs = readFileSync(join(import.meta.dirname, '../../docs/plugins.md'), 'utf8')

t.test('every declaration in the docs is taken', async (t) => {
  const examples = [...docs.matchAll(/```yaml declare\n([\s\S]*?)```/g)].map(([, text = '']) => text)
  t.equal(examples.length, 2)
  for (const example of examples) {
    const { code, out } = await helmValues(['-f', '-', '-o', 'json'], example)
    t.equal(code, 0)
    t.match(JSON.parse(out), { image: { imagePullSecrets: ['acme-registry'] } })
  }
})

t.test('the problems in the docs read as they are told', async (t) => {
  const text = `apiVersion: tidewaiter.io/v1beta1
kind: VeleroPlugin
metadata: { name: acme, namespace: velero }
spec:
  image: registry.example.com/Acme/velero-plugin:1.0.0
  imagePullPolicy: Sometimes
`
  const { err } = await helmValues(['-f', '-'], text)
  t.same(new Set(err.split('\n').filter((line) => line !== '')).size, 3)
  for (const line of err.replaceAll('stdin:', 'plugins/acme.yaml:').split('\n'))
    t.ok(docs.includes(line), line)
})

t.test('the docs name every flag', async (t) => {
  const { out } = await helmValues(['--help'])
  const flags = [...out.matchAll(/^ {2}(-\w|--[\w-]+)/gm)]
    .map(([, flag = '']) => flag)
    .filter((flag) => flag !== '-h')
  t.ok(flags.length >= 5)
  for (const flag of flags) t.match(docs, new RegExp(`\`${flag}\\b`), flag)
})

/** What holds between files: who may import whom, what the README says, what every export says of itself, which tests run. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import t from 'tap'
import { knobs } from '../src/knobs.ts'
import { reasons } from '../src/core/reasons.ts'
import { createMetrics } from '../src/observe/metrics.ts'

const files = globSync('src/**/*.ts').sort()
const textOf = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]))

/** The files and packages that a file imports: what is ours as a path from the root, the rest as it is written. */
function importsOf(file: string): readonly string[] {
  const text = textOf.get(file) ?? ''
  const found = [
    ...text.matchAll(
      /^(?:import|export)\s[^'"]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm,
    ),
  ]
  return found.map(([, from, bare, lazy]) => {
    const name = from ?? bare ?? lazy ?? ''
    return name.startsWith('.') ? normalize(join(dirname(file), name)) : name
  })
}

const isOurs = (name: string): boolean => name.startsWith('src/')
const isNode = (name: string): boolean => name.startsWith('node:')
const roomOf = (file: string): string => file.split('/')[1] ?? ''

// What every room may use: time, the log, waiting, how threads start, the error of a start, and packages without what is not needed of them.
const shared = ['clock.ts', 'log.ts', 'until.ts', 'bare-thread.ts', 'start-error.ts'].map(
  (name) => `src/${name}`,
)
const inside =
  (...rooms: readonly string[]) =>
  (name: string) =>
    ['lean', ...rooms].includes(roomOf(name)) || shared.includes(name)

type Rule = {
  readonly ours: (name: string, file: string) => boolean
  readonly packages: boolean
  readonly node: boolean
}

const room = (name: string): Rule => ({ ours: inside(name, 'core', 'api'), packages: true, node: true })

const rules: Readonly<Record<string, Rule>> = {
  api: { ours: (name) => roomOf(name) === 'api', packages: false, node: false },
  core: { ours: (name) => ['core', 'api'].includes(roomOf(name)), packages: false, node: false },
  ...Object.fromEntries(
    [
      'cel',
      'net',
      'actions',
      'admission',
      'control',
      'dashboard',
      'kube',
      'observe',
      'tls',
      'images',
      'plugins',
    ].map((name) => [name, room(name)]),
  ),
  wiring: {
    ours: (name) => !['cli', 'sandbox', 'main.ts'].includes(roomOf(name)),
    packages: true,
    node: true,
  },
  'service.ts': {
    ours: (name) => !['cli', 'sandbox', 'main.ts'].includes(roomOf(name)),
    packages: true,
    node: true,
  },
  sandbox: { ours: (name) => roomOf(name) === 'sandbox', packages: true, node: true },
  lean: { ours: () => false, packages: true, node: true },
  cli: {
    ours: (name, file) => roomOf(name) !== 'sandbox' || file.startsWith('src/cli/sandbox'),
    packages: true,
    node: true,
  },
  'main.ts': { ours: (name) => roomOf(name) === 'cli', packages: false, node: true },
  'config.ts': {
    ours: (name) => ['src/config-values.ts', 'src/knobs.ts', 'src/core/feature-gate.ts'].includes(name),
    packages: false,
    node: false,
  },
  'knobs.ts': { ours: () => false, packages: false, node: false },
  'config-values.ts': { ours: (name) => name === 'src/core/plugin/proxy.ts', packages: false, node: false },
  'bare-thread.ts': { ours: inside(), packages: false, node: true },
  'system-clock.ts': { ours: inside(), packages: false, node: true },
  'until.ts': { ours: () => false, packages: false, node: false },
  'clock.ts': { ours: () => false, packages: false, node: false },
  'log.ts': { ours: () => false, packages: false, node: false },
  'start-error.ts': { ours: () => false, packages: false, node: false },
}

t.test('every file is in a room that has a rule', async (t) => {
  t.same(
    files.filter((file) => rules[roomOf(file)] === undefined),
    [],
  )
})

for (const [name, rule] of Object.entries(rules)) {
  t.test(`${name} imports only what it may`, async (t) => {
    const own = files.filter((file) => roomOf(file) === name)
    const wrong = own.flatMap((file) =>
      importsOf(file)
        .filter((imported) =>
          isOurs(imported) ? !rule.ours(imported, file) : isNode(imported) ? !rule.node : !rule.packages,
        )
        .map((imported) => `${file} imports ${imported}`),
    )
    t.same(wrong, [])
  })
}

t.test('packages that are loaded in part are loaded so by whatever a replica loads', async (t) => {
  const whole = /^import (?!type\b).* from '(?:undici|prom-client|node-forge|yaml)'/gm
  const free = ['lean', 'cli', 'sandbox']
  t.same(
    files.flatMap((file) =>
      free.includes(roomOf(file))
        ? []
        : (textOf.get(file)?.match(whole) ?? []).map((line) => `${file}: ${line}`),
    ),
    [],
  )
})

t.test('core never names a runtime: no time, no randomness, no environment of its own', async (t) => {
  const wrong = files
    .filter(
      (file) => !file.startsWith('src/sandbox/') && !['src/system-clock.ts', 'src/main.ts'].includes(file),
    )
    .filter((file) =>
      /\bDate\.now\(|\bsetTimeout\(|\bsetInterval\(|\bMath\.random\(|\bprocess\.env\b|\bAbortSignal\.timeout\(/.test(
        withoutComments(textOf.get(file) ?? ''),
      ),
    )
  t.same(wrong, [])
})

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '')
}

t.test(
  'every exported name has a doc comment, and every file says in its first lines what it is for',
  async (t) => {
    const bare = files.flatMap((file) => {
      const lines = (textOf.get(file) ?? '').split('\n')
      return lines.flatMap((line, i) => {
        const [, name] =
          /^export (?:async )?(?:function\*?|const|type|class|interface|let) ([A-Za-z0-9_]+)/.exec(line) ?? []
        return name === undefined || (lines[i - 1] ?? '').trimEnd().endsWith('*/') ? [] : [`${file}: ${name}`]
      })
    })
    t.same(bare, [])
    const silent = files.filter(
      (file) =>
        !/^(#!.*\n)?\/\*\*/.test(textOf.get(file) ?? '') &&
        !/^export .*/m.test((textOf.get(file) ?? '').split('\n')[1] ?? ''),
    )
    t.same(silent, [])
  },
)

// --- who talks to the Kubernetes API for an action ---

t.test(
  "an action has no way to the Kubernetes API but as its account: the service's own client never reaches a runner",
  async (t) => {
    const ofRunners = files.filter((file) => file.startsWith('src/actions/'))
    const named = ofRunners.filter((file) =>
      /\b(KubeClient|createKubeClient|Resource|Calls|ClusterAccess|World)\b/.test(
        withoutComments(textOf.get(file) ?? ''),
      ),
    )
    t.same(named, [], 'no runner names what talks as ourselves')
    const [, given = ''] =
      /export type Context = \{([\s\S]*?)\n\}/.exec(textOf.get('src/actions/runners.ts') ?? '') ?? []
    t.match(given, /ports: Pick<Ports, 'clock' \| 'send' \| 'userAgent'>/, 'of the ports a runner gets these')
    const [, ports = ''] =
      /export type Ports = \{([\s\S]*?)\n\}/.exec(textOf.get('src/actions/ports.ts') ?? '') ?? []
    t.same(
      [...ports.matchAll(/^  readonly (\w+):/gm)].map(([, name]) => name),
      ['clock', 'log', 'send', 'secret', 'actor', 'evaluate', 'reads', 'userAgent'],
      'and these are all; a new one is looked at here',
    )
  },
)

t.test('what makes actors uses our own client to become another, and for nothing else', async (t) => {
  const text = withoutComments(textOf.get('src/wiring/actors.ts') ?? '')
  t.match(text, /readonly client: Pick<KubeClient, 'as'>/)
  const uses = [...text.matchAll(/\bworld\.client\b([^\n]*)/g)].map(([, use = '']) => use)
  t.same(uses, ['.as({ user: username })'])
  const perform = withoutComments(textOf.get('src/wiring/perform.ts') ?? '')
  t.same(
    [...perform.matchAll(/^.*\bclient\b.*$/gm)].map(([line]) => line.trim()),
    ['const { client, review, clock } = world', 'client,'],
    'and who performs hands it to that alone',
  )
})

// --- the tests ---

t.test('npm test runs every test file once, but for those that need a cluster or a browser', async (t) => {
  const { tap } = JSON.parse(readFileSync('package.json', 'utf8')) as { tap: { include: readonly string[] } }
  const groups = globSync('test/groups/*.ts').map((group) => readFileSync(group, 'utf8'))
  const grouped = groups.flatMap((text) =>
    [...text.matchAll(/'(test\/[^']+)'/g)].map(([, glob = '']) => glob),
  )
  const run = [...tap.include, ...grouped].flatMap((glob) => globSync(glob))
  const all = globSync('test/**/*.test.ts').filter((file) => !/^test\/(e2e|browser)\//.test(file))
  t.same(run.filter((file) => file.endsWith('.test.ts')).sort(), all.sort())
})

// --- reasons ---

const told = files.filter(
  (file) =>
    !file.startsWith('src/sandbox/') && file !== 'src/core/reasons.ts' && file !== 'src/core/verdict.ts',
)

t.test('every reason of a decision is in core/reasons.ts', async (t) => {
  const used = told.flatMap((file) => {
    const text = withoutComments(textOf.get(file) ?? '')
    return [...text.matchAll(/\b(?:allow|deny|patched)\(\s*([^,()]+?)\s*[,)]/g)].flatMap(([, first = '']) =>
      [...first.matchAll(/'([A-Z][A-Za-z]+)'/g)].map(([, reason = '']) => reason),
    )
  })
  t.ok(used.length > 25, 'the calls are found')
  t.same([...new Set(used)].filter((reason) => !Object.hasOwn(reasons, reason)).sort(), [])
})

t.test('every reason in core/reasons.ts is used', async (t) => {
  const all = told.map((file) => textOf.get(file) ?? '').join('\n')
  t.same(
    Object.keys(reasons).filter((reason) => !all.includes(`'${reason}'`)),
    [],
  )
})

// --- the README ---

/** The lines of a marked section, or undefined where there is none. */
function section(name: string): readonly string[] | undefined {
  const text = existsSync('README.md') ? readFileSync('README.md', 'utf8') : ''
  const found = new RegExp(`<!-- ${name} -->([\\s\\S]*?)<!-- /${name} -->`).exec(text)?.[1]
  return found?.split('\n').filter((line) => line.startsWith('- '))
}

const lined = (lines: readonly string[]) => lines.map((line) => line.replaceAll('\\', ''))

const wanted: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  reasons: async () => Object.entries(reasons).map(([reason, meaning]) => `- \`${reason}\`: ${meaning}`),
  flags: async () =>
    knobs.map(
      ({ flag, value, fallback, doc }) =>
        `- \`--${flag} ${value}\`${fallback === '' ? '' : ` (default \`${fallback}\`)`}: ${doc}`,
    ),
  metrics: async () => {
    const all = await createMetrics('1').registry.getMetricsAsJSON()
    const ours = all.filter(({ name }) => !/^tidewaiter_(process|nodejs)_/.test(name))
    return ours.map(({ name, help }) => `- \`${name}\`: ${help}`)
  },
}

for (const [name, lines] of Object.entries(wanted)) {
  t.test(`the README lists the ${name} as they are`, async (t) => {
    const got = section(name)
    if (got === undefined) return void t.pass(`no section <!-- ${name} -->`)
    t.same([...lined(got)].sort(), [...lined(await lines())].sort())
  })
}

/**
 * Our parser says of an Action what the API server says of it: allowed or not, and the same spec with its defaults.
 * Run against anything that can create: a real kube-apiserver, or the sandbox.
 */
import * as fc from 'fast-check'
import { actionKind } from '../../src/api/action.ts'
import { parseAction } from '../../src/api/parse.ts'
import { sentenceOf, type FieldProblem } from '../../src/api/problems.ts'
import type { Node } from '../../src/api/schema.ts'
import { anyCharacter } from '../support/any-text.ts'

/** An Action as somebody might apply it, right or wrong. */
export type Raw = Record<string, unknown>

/** What the other side said of a manifest; `stored` is the object with its defaults, if it was allowed. */
export type Answered = { readonly allowed: boolean; readonly message: string; readonly stored?: object }

/** A manifest of which the two sides do not think alike. */
export type Difference = { readonly manifest: Raw; readonly ours: string; readonly theirs: string }

// What an Action may be made of: valid, at the edges of what is allowed.

const filled = (length: number) => fc.constantFrom('a', 'é', '語', '🚢').map((unit) => unit.repeat(length))
const words = (max: number) =>
  fc.oneof(
    fc.string({ unit: anyCharacter, minLength: 1, maxLength: 12 }),
    filled(1),
    filled(max),
    filled(max - 1),
  )
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 })
const distinct = <T>(items: fc.Arbitrary<T>, max: number) =>
  fc.uniqueArray(items, { minLength: 1, maxLength: max })
const flags = fc.boolean()
const whole = (min: number, max: number) => fc.oneof(fc.constantFrom(min, max), fc.integer({ min, max }))

const tokens = fc.constantFrom('X-A', "x!#$%&'*+.^_`|~-", 'a'.repeat(128), 'Accept', '0')
const header = fc.oneof(
  fc.record({ name: tokens, value: fc.oneof(words(8192), fc.constant('')) }),
  fc.record({
    name: tokens,
    valueFrom: fc.record({ secretKeyRef: fc.record({ name: words(253), key: words(253) }) }),
  }),
)
const urls = fc.constantFrom(
  'https://a',
  'http://quiesce.shop/freeze?x=${backup.metadata.name}',
  'https://é.example/🚢',
  `https://a/${'b'.repeat(4096 - 10)}`,
  'https://a/${ x }',
  'http://[::1]:8080/',
)
const statuses = fc.constantFrom<string | number>('2xx', '204', '5xx', '100', '599', '3xx', 204, 100, 599)
const bodies = fc.oneof(
  fc.json().map((text) => JSON.parse(text)),
  fc.constantFrom('', 0, false, [], {}, { a: null }, JSON.parse('{"__proto__":{"a":1}}')),
)
const http = fc.record(
  {
    url: urls,
    method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'),
    headers: fc.uniqueArray(header, { maxLength: 4, selector: ({ name }) => name }),
    body: bodies,
    expectStatus: distinct(statuses, 6),
    followRedirects: whole(0, 5),
  },
  { requiredKeys: ['url'] },
)
const expression = fc.oneof(
  fc.record({
    key: words(317),
    operator: fc.constantFrom('In', 'NotIn'),
    values: fc.array(words(63), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ key: words(317), operator: fc.constantFrom('Exists', 'DoesNotExist') }),
  fc.record({ key: words(317), operator: fc.constantFrom('Exists'), values: fc.constant([]) }),
)
const match = fc.record(
  {
    scheduleNames: distinct(words(253), 4),
    includedNamespaces: distinct(fc.constantFrom('*', 'shop-*', 'a', '0', '*-b', 'n'.repeat(63), 'a--b'), 5),
    selector: fc.record(
      {
        matchLabels: fc.dictionary(words(20), words(63), { maxKeys: 3 }),
        matchExpressions: fc.array(expression, { maxLength: 3 }),
      },
      { requiredKeys: [] },
    ),
    expression: words(2048),
  },
  { requiredKeys: [] },
)
const retry = fc.record(
  {
    limit: whole(0, 20),
    retryOn: distinct(
      fc.constantFrom<string | number>('5xx', '429', 'network', 'timeout', '100', 429, 503),
      5,
    ),
    initialSeconds: whole(0, 600),
    factor: whole(1, 10),
    maxSeconds: whole(1, 600),
  },
  { requiredKeys: [] },
)
const outputs = fc.uniqueArray(
  fc.record({ name: fc.constantFrom('a', '_', 'A9_', 'z'.repeat(63)), expression: words(2048) }),
  {
    maxLength: 3,
    selector: ({ name }) => name,
  },
)
const common = {
  match,
  retry,
  outputs,
  http,
  onError: fc.constantFrom('Fail', 'Continue'),
  dryRun: flags,
  suspend: flags,
  idempotent: flags,
}
const pre = fc.record(
  {
    stage: fc.constantFrom('PreBackup', 'PreRestore'),
    mode: fc.constantFrom('Auto', 'Refuse'),
    timeoutSeconds: whole(1, 28),
    ...common,
  },
  { requiredKeys: ['stage', 'http'] },
)
const ends = fc.constantFrom('Completed', 'PartiallyFailed', 'Failed', 'FailedValidation', 'Deleted')
const post = fc
  .record(
    {
      stage: fc.constantFrom('PostBackup', 'PostRestore'),
      mode: fc.constantFrom('Auto'),
      timeoutSeconds: whole(1, 3600),
      end: fc.constantFrom({}, { at: 'Ended' }, { at: 'ItemsDone' }),
      when: optional(distinct(ends, 5)),
      ...common,
    },
    { requiredKeys: ['stage', 'http', 'end', 'when'] },
  )
  .map(({ end, when, ...rest }) => ({ ...rest, ...(when === undefined ? end : { when }) }))

const names = fc.constantFrom('10-a', 'a.b', 'x'.repeat(253))
const labels = fc.constantFrom(undefined, {}, { 'app.example.com/a': 'b' }, { a: '' }, null)
const valid: fc.Arbitrary<Raw> = fc
  .record({ name: names, labels, spec: fc.oneof(pre, post) })
  .map(({ name, labels, spec }) => ({
    apiVersion: 'tidewaiter.io/v1beta1',
    kind: 'Action',
    metadata: { name, namespace: 'contract', ...(labels === undefined ? {} : { labels }) },
    spec,
  }))

// What goes wrong: a fault somewhere in it, found by where a declared field is, or by where something stands.

type Path = readonly (string | number)[]

const declaredPaths = (node: Node, path: Path): readonly Path[] => [
  path,
  ...(node.type === 'object'
    ? Object.entries(node.fields).flatMap(([name, field]) => declaredPaths(field, [...path, name]))
    : []),
  ...(node.type === 'array' ? declaredPaths(node.items, [...path, 0]) : []),
  ...(node.type === 'map' ? declaredPaths(node.values, [...path, 'key']) : []),
]

const declared: readonly Path[] = [
  ...declaredPaths(actionKind.spec, ['spec']),
  ['metadata', 'name'],
  ['metadata', 'labels', 'a'],
  ['metadata'],
  ['kind'],
  ['apiVersion'],
]

const isTree = (value: unknown): value is Record<string | number, unknown> =>
  typeof value === 'object' && value !== null

/** Every place in a value. */
const places = (value: unknown, path: Path = []): readonly Path[] => [
  path,
  ...(isTree(value) ? Object.keys(value).flatMap((key) => places(value[key], [...path, key])) : []),
]

/** Changes what is at a path, making what is missing on the way. */
function changed(value: unknown, [head, ...rest]: Path, change: (old: unknown) => unknown): unknown {
  if (head === undefined) return change(value)
  const copy: Record<string | number, unknown> = Array.isArray(value)
    ? ([...value] as never)
    : isTree(value)
      ? { ...value }
      : typeof head === 'number'
        ? ([] as never)
        : {}
  const next = changed(copy[head], rest, change)
  if (next === undefined) delete copy[head]
  else
    Object.defineProperty(copy, head, { value: next, enumerable: true, configurable: true, writable: true })
  return Array.isArray(copy) ? copy.filter((item) => item !== undefined) : copy
}

// Told apart by type, by length and by what they mean somewhere else in an Action.
const odd = fc.constantFrom<unknown>(
  null,
  '',
  ' ',
  'x',
  '0',
  'PostBackup',
  'Hold',
  'ItemsDone',
  '2xx',
  '6xx',
  'https://a b/',
  'ftp://a.example',
  'https://\u00a0a',
  'https://a\u2028b',
  'https://a\nb',
  '\u000bhttps://a',
  '*',
  'a_b',
  '-a',
  0,
  1,
  -1,
  1.5,
  28,
  29,
  3601,
  1e21,
  true,
  false,
  [],
  [null],
  ['a', 'a'],
  ['2xx', '2xx'],
  [1],
  [{}],
  {},
  { a: 'b' },
  { name: 'a' },
  'a'.repeat(64),
  '🚢'.repeat(254),
  'a'.repeat(254),
  '🚢'.repeat(2049),
  'a'.repeat(8193),
  Array.from({ length: 300 }, (_, index) => `n${index}`),
)
const strangers = fc.constantFrom(
  'matc',
  'spce',
  'HTTP',
  'toString',
  'constructor',
  '__proto__',
  'hasOwnProperty',
  '',
  'a.b',
  '🚢',
  'x'.repeat(300),
)

type Fault = (manifest: Raw) => Raw

const asRaw = (value: unknown): Raw => (isTree(value) ? value : {})
const setDeclared: fc.Arbitrary<Fault> = fc.record({ path: fc.constantFrom(...declared), value: odd }).map(
  ({ path, value }) =>
    (manifest) =>
      asRaw(changed(manifest, path, () => value)),
)
const atSomePlace = <T>(
  extra: fc.Arbitrary<T>,
  change: (old: unknown, extra: T) => unknown,
): fc.Arbitrary<Fault> =>
  fc.record({ pick: fc.nat(), extra }).map(({ pick, extra }) => (manifest) => {
    const all = places(manifest['spec'], ['spec'])
    return asRaw(changed(manifest, all[pick % all.length] ?? [], (old) => change(old, extra)))
  })
const withStranger = (old: unknown, name: string) =>
  isTree(old) && !Array.isArray(old) ? Object.fromEntries([...Object.entries(old), [name, 1]]) : old
const twice = (old: unknown) => (Array.isArray(old) ? [...old, ...old] : old)
const longer = (old: unknown, by: number) =>
  typeof old === 'string' ? old + 'x'.repeat(by) : typeof old === 'number' ? old + by : old
const nested = (levels: number) => Array.from({ length: levels }).reduce<unknown>((inner) => [inner], 0)

const set =
  (path: Path, value: unknown): Fault =>
  (manifest) =>
    asRaw(changed(manifest, path, () => value))
const pem = '-----BEGIN CERTIFICATE-----'
const selector = ['spec', 'match', 'selector'] as const
const operator = (operator: string, values?: readonly string[]) =>
  set(
    [...selector, 'matchExpressions'],
    [{ key: 'a', operator, ...(values === undefined ? {} : { values }) }],
  )

// Where a rule or a pattern may be broken, and the nearest thing that keeps it.
const aimedAt: Readonly<Record<string, readonly Fault[]>> = {
  stage: ['PreBackup', 'PostBackup', 'PreRestore', 'PostRestore'].map((stage) =>
    set(['spec', 'stage'], stage),
  ),
  mode: ['Auto', 'Refuse', 'Hold'].map((mode) => set(['spec', 'mode'], mode)),
  when: [set(['spec', 'when'], ['Failed']), set(['spec', 'at'], 'ItemsDone'), set(['spec', 'at'], 'Ended')],
  timeout: [28, 29, 3600].map((seconds) => set(['spec', 'timeoutSeconds'], seconds)),
  bodies: [set(['spec', 'http'], undefined), set(['spec', 'exec'], {}), set(['spec', 'undo'], null)],
  url: [
    'https://',
    'http://a',
    'https://a ',
    'https:// a',
    'https://\u00a0',
    'https://a\u0085',
    'https://a\u007f',
    'HTTPS://a',
    'https://a\n',
    'https://\ufeff',
  ].map((url) => set(['spec', 'http', 'url'], url)),
  bundle: [
    pem,
    `\n\t ${pem}x`,
    `\u00a0${pem}`,
    `\u000b${pem}`,
    `x${pem}`,
    `${pem}${'x'.repeat(65_536 - pem.length)}`,
    `${pem}${'x'.repeat(65_536)}`,
  ].map((text) => set(['spec', 'http', 'caBundle'], text)),
  body: [nested(32), nested(33), 'x'.repeat(65_000), 'x'.repeat(66_000), '🚢'.repeat(17_000)].map((body) =>
    set(['spec', 'http', 'body'], body),
  ),
  header: [
    { name: 'a' },
    { name: 'a', value: '' },
    { name: 'a', value: null },
    { name: 'a', value: 'x', valueFrom: { secretKeyRef: { name: 'a', key: 'b' } } },
    { name: 'a', value: null, valueFrom: { secretKeyRef: { name: 'a', key: 'b' } } },
    { name: 'a', valueFrom: {} },
    { name: 'a b', value: '' },
    { name: 'a\n', value: '' },
  ].map((one) => set(['spec', 'http', 'headers'], [one])),
  operator: [
    operator('In'),
    operator('In', []),
    operator('NotIn', ['']),
    operator('Exists', []),
    operator('Exists', ['a']),
    operator('DoesNotExist'),
  ],
  labelKey: [317, 318].flatMap((length) =>
    ['a', '🚢'].map((unit) => set([...selector, 'matchLabels'], { [unit.repeat(length)]: 'x' })),
  ),
  labelNull: [
    set([...selector, 'matchLabels'], { a: null }),
    set([...selector, 'matchLabels', '__proto__'], 'x'),
  ],
  retry: [
    set(['spec', 'retry'], {}),
    set(['spec', 'retry', 'retryOn'], null),
    set(['spec', 'retry', 'retryOn'], ['5xx', '5xx']),
    set(['spec', 'retry', 'retryOn'], ['5xx', 429, 'network', 'timeout']),
  ],
  statuses: [
    [429, 429],
    [429, '429'],
    [99],
    [100],
    [599],
    [600],
    [200.5],
    [-200],
    ['0429'],
    [true],
    [null],
    [{}],
    [[200]],
    200,
    '200',
    { 0: 200 },
  ].flatMap((codes) => [
    set(['spec', 'retry', 'retryOn'], codes),
    set(['spec', 'http', 'expectStatus'], codes),
  ]),
  name: ['', 'A', 'a_b', 'a..b', '-a', 'a-', 'a.', 'é', 'x'.repeat(254), undefined].map((name) =>
    set(['metadata', 'name'], name),
  ),
  labels: [
    { 'a/b/c': 'x' },
    { '/b': 'x' },
    { a: 'x y' },
    { a: 'x'.repeat(64) },
    { ['a'.repeat(64)]: 'x' },
    { [`${'a'.repeat(254)}/b`]: 'x' },
    { [`${'a'.repeat(253)}/b`]: 'x' },
    { 'a..b/c': 'x' },
    { 'A/b': 'x' },
    { a: 1 },
    { a: null },
    [],
  ].map((labels) => set(['metadata', 'labels'], labels)),
  annotations: [
    { 'A.B/c': 'x y' },
    { 'a b': '' },
    { a: null },
    { a: 'x'.repeat(262_143) },
    { a: 'x'.repeat(262_144) },
    'x',
  ].map((annotations) => set(['metadata', 'annotations'], annotations)),
  status: [set(['status'], {}), set(['status'], null), set(['extra'], 1), set(['extra'], null)],
}
const aimed = fc.constantFrom(...Object.values(aimedAt)).chain((faults) => fc.constantFrom(...faults))

const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 6, arbitrary: setDeclared },
  { weight: 2, arbitrary: atSomePlace(odd, (_, value) => value) },
  { weight: 1, arbitrary: atSomePlace(fc.constant(0), () => undefined) },
  { weight: 2, arbitrary: atSomePlace(strangers, withStranger) },
  { weight: 1, arbitrary: atSomePlace(fc.constant(0), twice) },
  { weight: 2, arbitrary: atSomePlace(fc.constantFrom(1, 2, 60), longer) },
  { weight: 10, arbitrary: aimed },
)

/** An Action that is valid (one in four), or nearly so: with one fault, seldom two. */
export const anActionManifest = (): fc.Arbitrary<Raw> =>
  fc
    .record({
      manifest: valid,
      faults: fc.oneof(
        { weight: 1, arbitrary: fc.constant<Fault[]>([]) },
        { weight: 3, arbitrary: fc.array(fault, { minLength: 1, maxLength: 2 }) },
      ),
    })
    .map(({ manifest, faults }) => faults.reduce((raw, change) => change(raw), manifest))

/** The manifests of the contract: always the same ones. */
export const actionManifests = (count = 1000): readonly Raw[] =>
  fc.sample(anActionManifest(), { seed: 1805, numRuns: count })

/** Where our parser refuses what the API server takes, on purpose. Each reason is something that a CRD cannot say. */
export const stricter: readonly { readonly why: string; readonly is: (problem: FieldProblem) => boolean }[] =
  [
    {
      why: 'a body is bounded in bytes: it is kept in the ActionRun, and etcd holds 1.5 MiB',
      is: ({ want }) => want === 'be at most 65536 bytes of JSON',
    },
    {
      why: 'a body is bounded in depth: it is walked for templates',
      is: ({ want }) => want === 'be nested at most 32 levels deep',
    },
  ]

const isOnPurpose = (problem: FieldProblem) => stricter.some(({ is }) => is(problem))

/** Asks both sides about every manifest; what comes back is what they disagree on without a listed reason. */
export async function compareVerdicts({
  create,
  manifests = actionManifests(),
}: {
  readonly create: (manifest: Raw) => Promise<Answered>
  readonly manifests?: readonly Raw[]
}): Promise<readonly Difference[]> {
  const differences: Difference[] = []
  for (const manifest of manifests) differences.push(...differenceOf(manifest, await create(manifest)))
  return differences
}

function differenceOf(manifest: Raw, answered: Answered): readonly Difference[] {
  const parsed = parseAction(manifest)
  const theirs = answered.allowed
    ? `allowed ${canonical(specOf(answered.stored), asMeant)}`
    : `refused: ${answered.message}`
  if ('problems' in parsed) {
    const alike = !answered.allowed || parsed.problems.every(isOnPurpose)
    return alike ? [] : [{ manifest, theirs, ours: `refused: ${parsed.problems.map(sentenceOf).join('; ')}` }]
  }
  const ours = `allowed ${canonical(parsed.ok.spec)}`
  return ours === theirs ? [] : [{ manifest, ours, theirs }]
}

const specOf = (stored: object | undefined): unknown => (isTree(stored) ? stored['spec'] : undefined)

/** What the API server keeps as it was written, we read as text: a status may be a number. */
const asMeant = (key: string, value: unknown): unknown =>
  (key === 'retryOn' || key === 'expectStatus') && Array.isArray(value)
    ? [...new Set(value.map(String))]
    : value

/** JSON with sorted keys. */
const canonical = (
  value: unknown,
  read: (key: string, value: unknown) => unknown = (_, inner) => inner,
): string =>
  JSON.stringify(value, (key, given: unknown) => {
    const inner = read(key, given)
    return isTree(inner) && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner
  })

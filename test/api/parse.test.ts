/** What comes out of the parser: a typed value with its defaults, or everything that is wrong with it. */
import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import t from 'tap'
import { actionKind } from '../../src/api/action.ts'
import { parse, parseAction, parseActionRun, parseKeeping } from '../../src/api/parse.ts'
import { sentenceOf, type Parsed } from '../../src/api/problems.ts'
import type { Node, ShapeNode } from '../../src/api/schema.ts'
import { actionManifests, anActionManifest } from '../contract/actions.ts'
import { anAction, anActionObject, anActionSpec, anHttp, aRun, aRunObject } from '../support/build.ts'
import { runs } from '../support/runs.ts'

const said = (parsed: Parsed<unknown>): readonly string[] =>
  'problems' in parsed ? parsed.problems.map(sentenceOf) : []
const ok = <T>(parsed: Parsed<T>): T => {
  if ('problems' in parsed) throw new Error(said(parsed).join('\n'))
  return parsed.ok
}

const text = { type: 'string', doc: 'Text.', maxLength: 3 } as const satisfies Node
const object = (fields: Readonly<Record<string, Node>>, more: Partial<ShapeNode> = {}): ShapeNode => ({
  type: 'object',
  doc: 'An object.',
  fields,
  required: [],
  ...more,
})
const list = { type: 'array', doc: 'A list.', maxItems: 2, minItems: 1, items: text } as const satisfies Node
const any = { type: 'any', doc: 'Anything.', maxBytes: 20, maxDepth: 2 } as const satisfies Node
const map = { type: 'map', doc: 'A map.', maxProperties: 2, values: text } as const satisfies Node
const time = { ...text, maxLength: 32, format: 'date-time' } as const satisfies Node
const odd = object(
  { n: { type: 'integer', doc: 'A number.', minimum: 0, maximum: 9 } },
  {
    rules: [
      { cel: 'self.n % 2 == 1', message: 'n is odd', holds: (self: { n: number }) => self.n % 2 === 1 },
    ],
  },
)

const refused: Readonly<Record<string, { node: Node; given: unknown; want: readonly string[] }>> = {
  'a value that is missing is asked for': { node: text, given: undefined, want: ['x must be given'] },
  'null at the top is a missing value': { node: text, given: null, want: ['x must be given'] },
  'a number is not text': { node: text, given: 5, want: ['x must be text, got 5'] },
  'a text that is too long is told by its length, never by what it says': {
    node: text,
    given: 'abcd',
    want: ['x must have at most 3 characters, got 4'],
  },
  'a text that must not be empty says so': {
    node: { ...text, minLength: 1 },
    given: '',
    want: ['x must not be empty, got ""'],
  },
  'a text that is too short says how long it must be': {
    node: { ...text, minLength: 2 },
    given: 'é',
    want: ['x must have at least 2 characters, got "é"'],
  },
  'a text that is too long does not meet the pattern': {
    node: { ...text, pattern: '^a' },
    given: 'bbbb',
    want: ['x must have at most 3 characters, got 4'],
  },
  'a text outside of a pattern is shown beside it': {
    node: { ...text, pattern: '^a' },
    given: 'b',
    want: ['x must match ^a, got "b"'],
  },
  'a word that is not of the list is answered with the nearest one': {
    node: { ...text, enum: ['Fail', 'Continue'] },
    given: 'fial',
    want: ['x must be Fail or Continue (did you mean Fail?), got "fial"'],
  },
  'a word that is near to none is answered with the list': {
    node: { ...text, enum: ['Fail', 'Continue'] },
    given: 'zzzzzz',
    want: ['x must be Fail or Continue, got "zzzzzz"'],
  },
  'a time needs its form': {
    node: time,
    given: 'soon',
    want: ['x must be a time like 2026-01-31T12:00:00Z, got "soon"'],
  },
  'a day that does not exist is no time': {
    node: time,
    given: '2026-02-31T00:00:00Z',
    want: ['x must be a time like 2026-01-31T12:00:00Z, got "2026-02-31T00:00:00Z"'],
  },
  'a month that does not exist is no time': {
    node: time,
    given: '2026-13-01T00:00:00Z',
    want: ['x must be a time like 2026-01-31T12:00:00Z, got "2026-13-01T00:00:00Z"'],
  },
  'a fraction is no whole number': {
    node: odd.fields['n']!,
    given: 1.5,
    want: ['x must be a whole number from 0 to 9, got 1.5'],
  },
  'a number out of range says the range': {
    node: odd.fields['n']!,
    given: 10,
    want: ['x must be a whole number from 0 to 9, got 10'],
  },
  'NaN, which YAML can write, is no number': {
    node: odd.fields['n']!,
    given: Number.NaN,
    want: ['x must be a whole number from 0 to 9, got "NaN"'],
  },
  'a number in quotes is text': {
    node: odd.fields['n']!,
    given: '5',
    want: ['x must be a whole number from 0 to 9, got "5"'],
  },
  'a flag is true or false, not "yes"': {
    node: { type: 'boolean', doc: '.' },
    given: 'yes',
    want: ['x must be true or false, got "yes"'],
  },
  'an object is not a list': { node: list, given: { 0: 'a' }, want: ['x must be a list, got "an object"'] },
  'a list that is too long is not walked': {
    node: list,
    given: [1, 2, 3],
    want: ['x must have at most 2 items, got 3'],
  },
  'a list that is too short says how much it needs': {
    node: list,
    given: [],
    want: ['x must have at least 1 items, got 0'],
  },
  'an item has its number in the path': { node: list, given: ['a', 1], want: ['x[1] must be text, got 1'] },
  'null in a list is no missing item but a wrong one': {
    node: list,
    given: [null],
    want: ['x[0] must be text, got null'],
  },
  'a set refuses what it has already': {
    node: { ...list, listType: 'set' },
    given: ['a', 'a'],
    want: ['x[1] must not be given twice, got "a"'],
  },
  'a set does not call two wrong items duplicates': {
    node: { ...list, listType: 'set' },
    given: [1, 1],
    want: ['x[0] must be text, got 1', 'x[1] must be text, got 1'],
  },
  'a list that is a map refuses a key it has already': {
    node: { ...list, items: object({ name: text }), listType: 'map', listMapKeys: ['name'] },
    given: [{ name: 'a' }, { name: 'a' }],
    want: ['x[1] must not be given twice, got "a"'],
  },
  'a list that is a map does not compare items without a key': {
    node: {
      ...list,
      items: object({ name: text }, { required: ['name'] }),
      listType: 'map',
      listMapKeys: ['name'],
    },
    given: [{}, {}],
    want: ['x[0].name must be given', 'x[1].name must be given'],
  },
  'a list is not an object': {
    node: object({}),
    given: [],
    want: ['x must be an object, got "a list of 0"'],
  },
  'a field that is required is asked for, null or not': {
    node: object({ a: text, b: text }, { required: ['a', 'b'] }),
    given: { b: null },
    want: ['x.a must be given', 'x.b must be given'],
  },
  'an unknown field is refused, with the one that was meant': {
    node: object({ match: text }),
    given: { matc: 'a' },
    want: ['x.matc must not be given: there is no such field; did you mean match?'],
  },
  'an unknown field that resembles none is refused': {
    node: object({ match: text }),
    given: { zzzzzzzzz: 1 },
    want: ['x.zzzzzzzzz must not be given: there is no such field'],
  },
  'names that every object has by birth are unknown fields': {
    node: object({ a: text }),
    given: JSON.parse('{"__proto__":1,"constructor":2,"toString":3}'),
    want: ['__proto__', 'constructor', 'toString'].map(
      (name) => `x.${name} must not be given: there is no such field`,
    ),
  },
  'an unknown field cannot break the line with its name': {
    node: object({ a: text }),
    given: { [`\n\u001b[31m${'z'.repeat(99)}`]: 1 },
    want: [`x.\\u000a\\u001b[31m${'z'.repeat(54)}... must not be given: there is no such field`],
  },
  'a field that is not there yet is refused by name, and is never suggested': {
    node: object({ undo: { ...text, later: 'undo is not there yet' } }),
    given: { undo: 5, und: 5 },
    want: [
      'x.und must not be given: there is no such field',
      'x.undo must not be given: undo is not there yet',
    ],
  },
  'a map has a limit of keys': {
    node: map,
    given: { a: 'a', b: 'b', c: 'c' },
    want: ['x must have at most 2 keys, got 3'],
  },
  'a map is not text': { node: map, given: 'a', want: ['x must be an object, got "a"'] },
  'a value of a map has its key in the path': {
    node: map,
    given: { a: 1 },
    want: ['x[a] must be text, got 1'],
  },
  'any object is not any list': {
    node: { ...any, object: true },
    given: [],
    want: ['x must be an object, got "a list of 0"'],
  },
  'any JSON is not deeper than its limit': {
    node: any,
    given: [[[]]],
    want: ['x must be nested at most 2 levels deep'],
  },
  'any JSON is not larger than its limit': {
    node: any,
    given: 'a'.repeat(19),
    want: ['x must be at most 20 bytes of JSON'],
  },
  'the size of any JSON is counted in bytes': {
    node: any,
    given: { é: 'ééé🚢é' },
    want: ['x must be at most 20 bytes of JSON'],
  },
  'many small things are large': {
    node: any,
    given: Array.from({ length: 20 }, () => 1),
    want: ['x must be at most 20 bytes of JSON'],
  },
  'a list in a list too many is large': {
    node: { ...any, maxBytes: 1 },
    given: [[]],
    want: ['x must be at most 1 bytes of JSON'],
  },
  'an object without end has an end': {
    node: { ...any, maxBytes: 0 },
    given: {},
    want: ['x must be at most 0 bytes of JSON'],
  },
  'any JSON holds no infinity, which YAML can write': {
    node: any,
    given: { a: [Number.POSITIVE_INFINITY] },
    want: ['x must hold only what JSON can: text, finite numbers, true, false, null, lists and objects'],
  },
  'a rule that is broken is told': { node: odd, given: { n: 2 }, want: ['x must keep this rule: n is odd'] },
  'a rule is not asked about a value of the wrong shape': {
    node: odd,
    given: { n: 'two' },
    want: ['x.n must be a whole number from 0 to 9, got "two"'],
  },
  'a rule is asked although a rule below is broken': {
    node: object({ inner: odd }, { rules: [{ cel: 'false', message: 'never', holds: () => false }] }),
    given: { inner: { n: 2 } },
    want: ['x.inner must keep this rule: n is odd', 'x must keep this rule: never'],
  },
}

for (const [name, { node, given, want }] of Object.entries(refused)) {
  t.test(name, async (t) => t.same(said(parse(node, given, 'x')), want))
}

const inner = object({ a: { ...text, default: 'd' } })
const taken: Readonly<Record<string, { node: Node; given: unknown; want: unknown }>> = {
  'lengths are counted in code points': { node: text, given: '🚢🚢🚢', want: '🚢🚢🚢' },
  'patterns see code points': { node: { ...text, pattern: '^[^a]$' }, given: '🚢', want: '🚢' },
  'any JSON may be as large as its limit': { node: any, given: 'a'.repeat(18), want: 'a'.repeat(18) },
  'a default is filled in where a field is missing': { node: inner, given: {}, want: { a: 'd' } },
  'a default is filled in for null': { node: inner, given: { a: null }, want: { a: 'd' } },
  'a default does not stand in for an empty text': { node: inner, given: { a: '' }, want: { a: '' } },
  'a default is not filled in where its object is missing': { node: object({ inner }), given: {}, want: {} },
  'a default is filled in where its object is empty': {
    node: object({ inner }),
    given: { inner: {} },
    want: { inner: { a: 'd' } },
  },
  'a default is filled in inside of a default': {
    node: object({ inner: { ...inner, default: {} } }),
    given: {},
    want: { inner: { a: 'd' } },
  },
  'a default is filled in in the items of a list': {
    node: { ...list, items: inner },
    given: [{}],
    want: [{ a: 'd' }],
  },
  'null is a field that is not there': { node: object({ b: text }), given: { b: null }, want: {} },
  'null is a field that is not there, also where it is not there yet': {
    node: object({ b: { ...text, later: 'not yet' } }),
    given: { b: null },
    want: {},
  },
  'null in a map is a key that is not there, and does not count': {
    node: map,
    given: { a: null, b: 'b', c: 'c' },
    want: { b: 'b', c: 'c' },
  },
  'null inside of any JSON is kept': { node: any, given: { a: null }, want: { a: null } },
  'a list with a limit of its own kind takes the same text twice': {
    node: list,
    given: ['a', 'a'],
    want: ['a', 'a'],
  },
  'a leap day is a day': {
    node: time,
    given: '2028-02-29T23:59:59.123456Z',
    want: '2028-02-29T23:59:59.123456Z',
  },
  'a time may have an offset': {
    node: time,
    given: '2026-01-01T00:00:00+02:00',
    want: '2026-01-01T00:00:00+02:00',
  },
  'a rule that holds says nothing': { node: odd, given: { n: 3 }, want: { n: 3 } },
  'a rule about a change is not asked': {
    node: { ...odd, rules: [{ cel: 'self == oldSelf', message: 'frozen' }] },
    given: {},
    want: {},
  },
}

for (const [name, { node, given, want }] of Object.entries(taken)) {
  t.test(name, async (t) => t.same(ok(parse(node, given, 'x')), want))
}

t.test('a key named __proto__ stays a key and changes no prototype', async (t) => {
  const parsed = ok(parse(map, JSON.parse('{"__proto__":"a"}'), 'x'))
  t.ok(Object.hasOwn(parsed, '__proto__'))
  t.equal(Object.getPrototypeOf(parsed), Object.prototype)
})

t.test('of very many problems the first 64 are told, and how many more there are', async (t) => {
  const given = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`field${index}`, 1]))
  const problems = said(parse(object({ fieldx: text }), given, 'x'))
  t.equal(problems.length, 65)
  t.equal(problems.at(-1), 'x must have fewer problems: 936 more are not shown')
})

t.test('a value that is its own part comes to an end', async (t) => {
  const self: unknown[] = []
  self.push(self)
  t.same(said(parse({ type: 'any', doc: '.' }, self, 'x')), ['x must be nested at most 32 levels deep'])
})

t.test('what another tidewaiter wrote keeps the fields that we do not know', async (t) => {
  t.same(ok(parseKeeping(object({ inner }), { more: [1], inner: { more: null } }, 'x')), {
    more: [1],
    inner: { more: null, a: 'd' },
  })
})

t.test('an Action comes out as it went in, its status and the metadata that we read with it', async (t) => {
  const status = { observedGeneration: 2, conditions: [] }
  const given = anActionObject({ name: 'a', labels: { b: 'c' }, status })
  const metadata = { ...given.metadata, managedFields: [{ manager: 'x' }], finalizers: null }
  t.same(ok(parseAction({ ...given, metadata, status: { ...status, fromLater: 1 } })), {
    ...anAction({ name: 'a', labels: { b: 'c' } }),
    status: { ...status, fromLater: 1 },
  })
})

t.test(
  'an Action that was never sent to an API server is filled in as the API server fills it',
  async (t) => {
    const raw = { apiVersion: 'tidewaiter.io/v1beta1', kind: 'Action', metadata: { name: 'a' }, status: null }
    const spec = { stage: 'PreBackup', http: { url: 'https://quiesce.example/freeze' } }
    const blank = { namespace: '', uid: '', resourceVersion: '', creationTimestamp: '' }
    t.same(ok(parseAction({ ...raw, spec })), { metadata: { name: 'a', ...blank }, spec: anActionSpec() })
  },
)

t.test('an Action with a status that is wrong is an Action without one', async (t) => {
  t.same(ok(parseAction({ ...anActionObject(), status: { conditions: 1 } })), anAction())
})

t.test('keys of labels are qualified names, those of annotations in any case', async (t) => {
  const labels = { 'app.example.com/a': '', [`${'a'.repeat(253)}/b`]: 'x' }
  const annotations = { 'A.B/c': 'x y' }
  t.match(ok(parseAction(anActionObject({ labels, annotations }))).metadata, { labels, annotations })
  for (const key of ['A.B/c', `${'a'.repeat(254)}/b`, '/b', 'a/', '', 'é']) {
    t.match(
      said(parseAction(anActionObject({ labels: { [key]: '' } })))[0],
      'metadata.labels must have keys like',
      key,
    )
  }
})

const wrongActions: Readonly<Record<string, { given: unknown; want: readonly string[] }>> = {
  'text is no Action': { given: 'kind: Action', want: ['Action must be an object, got "kind: Action"'] },
  'an empty object lacks everything': {
    given: {},
    want: [
      'apiVersion must be tidewaiter.io/v1beta1',
      'kind must be Action',
      'metadata must be given',
      'spec must be given',
    ],
  },
  'another kind is told what is read here': {
    given: { ...anActionObject(), apiVersion: 'v1', kind: 'ActionRun' },
    want: ['apiVersion must be tidewaiter.io/v1beta1, got "v1"', 'kind must be Action, got "ActionRun"'],
  },
  'a misspelt part of the object is told': {
    given: { ...anActionObject(), sepc: 1, other: 1 },
    want: [
      'sepc must not be given: there is no such field; did you mean spec?',
      'other must not be given: there is no such field',
    ],
  },
  'many unknown parts are one problem': {
    given: { ...anActionObject(), ...Object.fromEntries(Array.from('abcdef', (letter) => [letter, 1])) },
    want: ['the object must have no other fields than apiVersion, kind, metadata, spec and status, got 6'],
  },
  'labels and annotations are those of Kubernetes': {
    given: anActionObject({
      labels: { 'a..b/c': 'x y' },
      annotations: { 'a/b/c': '', A: 'x'.repeat(262_144) },
    }),
    want: [
      'metadata.labels must have keys like app or example.com/app, got "a..b/c"',
      'metadata.labels[a..b/c] must be letters, digits, -, _ and ., at most 63, got "x y"',
      'metadata.annotations must have keys like app or example.com/app, got "a/b/c"',
      'metadata.annotations must be at most 262144 bytes, keys and values, got 262150',
    ],
  },
  'every problem is told in one go, with its path': {
    given: {
      ...anActionObject(),
      metadata: { name: 'A' },
      spec: {
        stage: 'Pre',
        matc: {},
        retry: { limit: 'many' },
        http: { url: 'ftp://a.example', headers: [{ name: 'a b' }] },
        undo: {},
      },
    },
    want: [
      'metadata.name must match ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$, got "A"',
      'spec.matc must not be given: there is no such field; did you mean match?',
      'spec.stage must be PreBackup, PostBackup, PreRestore or PostRestore, got "Pre"',
      'spec.retry.limit must be a whole number from 0 to 20, got "many"',
      'spec.undo must keep this rule: exactly one body, or revert, must be given (http, ...)',
      'spec.http.url must match ^https?://[^\\x00-\\x20\\x7f][^\\x00-\\x1f\\x7f]*$, got "ftp://a.example"',
      'spec.http.headers[0].name must match ^[!#$%&\'*+.^_`|~0-9A-Za-z-]+$, got "a b"',
    ],
  },
}

for (const [name, { given, want }] of Object.entries(wrongActions)) {
  t.test(name, async (t) => t.same(said(parseAction(given)), want))
}

const aPatch = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', type: 'merge', patch: {} }

const brokenRules: Readonly<Record<string, { given: object; want: string }>> = {
  'an Action has a body': {
    given: { http: null },
    want: 'spec must keep this rule: exactly one body must be given (http, ...)',
  },
  'an account is for bodies that call the Kubernetes API': {
    given: { serviceAccountName: 'deployer' },
    want: 'spec must keep this rule: serviceAccountName must be given for a body that calls the Kubernetes API (patch, scale, wait), and only for one',
  },
  'a body that calls the Kubernetes API names an account': {
    given: { http: null, patch: aPatch },
    want: 'spec must keep this rule: serviceAccountName must be given for a body that calls the Kubernetes API (patch, scale, wait), and only for one',
  },
  'so does an undo that calls it': {
    given: { undo: { patch: aPatch } },
    want: 'spec must keep this rule: serviceAccountName must be given for a body that calls the Kubernetes API (patch, scale, wait), and only for one',
  },
  'only what has a before can be put back': {
    given: { undo: { revert: true } },
    want: 'spec must keep this rule: undo.revert is for bodies that can be put back (patch, scale)',
  },
  'revert is said, or left out': {
    given: { http: null, patch: aPatch, serviceAccountName: 'deployer', undo: { revert: false } },
    want: 'spec.undo.revert must keep this rule: revert is true or absent',
  },
  'a patch has one target': {
    given: {
      http: null,
      patch: { ...aPatch, selector: { matchLabels: { a: 'b' } } },
      serviceAccountName: 'deployer',
    },
    want: 'spec.patch must keep this rule: exactly one of name and selector must be given',
  },
  'force is for an apply': {
    given: { http: null, patch: { ...aPatch, force: true }, serviceAccountName: 'deployer' },
    want: 'spec.patch must keep this rule: force is for type apply only',
  },
  'a header has a value or a place to take it from, not both and not neither': {
    given: { http: anHttp({ headers: [{ name: 'a' }] }) },
    want: 'spec.http.headers[0] must keep this rule: exactly one of value and valueFrom must be given',
  },
  'a pre action has no when': {
    given: { when: ['Failed'] },
    want: 'spec must keep this rule: when is for post stages only',
  },
  'a pre action has no at': {
    given: { at: 'Ended' },
    want: 'spec must keep this rule: at is for post stages only',
  },
  'when and ItemsDone exclude each other': {
    given: { stage: 'PostBackup', when: ['Failed'], at: 'ItemsDone' },
    want: 'spec must keep this rule: when and at: ItemsDone exclude each other',
  },
  'a pre action that fails refuses, and counts against no result': {
    given: { countsAgainstResult: true },
    want: 'spec must keep this rule: countsAgainstResult is for post stages only: a pre action that fails refuses',
  },
  'a post action has no mode': {
    given: { stage: 'PostBackup', mode: 'Refuse' },
    want: 'spec must keep this rule: mode is for pre stages only',
  },
  'an action that must refuse fits in an admission': {
    given: { mode: 'Refuse', timeoutSeconds: 29 },
    want: 'spec must keep this rule: timeoutSeconds with mode Refuse must be at most 28, because an admission request has at most 30 s: leave mode to Auto, or use Hold',
  },
  'outputs of a post action do not travel': {
    given: { stage: 'PostBackup', outputs: [{ name: 'lsn', expression: 'response.body', export: true }] },
    want: 'spec.outputs[0].export must keep this rule: export is for stage PreBackup only, because exported outputs go on the Backup before it starts',
  },
  'what exports is held, and cannot ask for the other': {
    given: {
      mode: 'Refuse',
      outputs: [false, true].map((on, i) => ({ name: `o${i}`, expression: 'response.body', export: on })),
    },
    want: 'spec.outputs[1].export must keep this rule: export is not for mode Refuse, because exported outputs go on the Backup when its hold ends: leave mode to Auto, or use Hold',
  },
  'only what comes before can be undone': {
    given: { stage: 'PostBackup', undo: { http: anHttp() } },
    want: 'spec must keep this rule: undo is for pre stages only',
  },
  'only what comes before can be exclusive': {
    given: { stage: 'PostRestore', exclusive: 'shop' },
    want: 'spec must keep this rule: exclusive is for pre stages only',
  },
  'when to undo is for what can be undone': {
    given: { undoAt: 'Always' },
    want: 'spec must keep this rule: undoAt is for actions with undo only',
  },
  'certificates are for https': {
    given: { http: anHttp({ url: 'http://a.example', caBundle: '-----BEGIN CERTIFICATE-----' }) },
    want: 'spec.http must keep this rule: caBundle is for https only',
  },
  'In needs values': {
    given: { match: { selector: { matchExpressions: [{ key: 'a', operator: 'In' }] } } },
    want: 'spec.match.selector.matchExpressions[0] must keep this rule: values must be given for In and NotIn, and only for them',
  },
  'Exists needs no values': {
    given: { match: { selector: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] } } },
    want: 'spec.match.selector.matchExpressions[0] must keep this rule: values must be given for In and NotIn, and only for them',
  },
  'the name of a label has a limit': {
    given: { match: { selector: { matchLabels: { ['a'.repeat(318)]: 'b' } } } },
    want: 'spec.match.selector.matchLabels must keep this rule: the name of a label has at most 317 characters',
  },
}

for (const [name, { given, want }] of Object.entries(brokenRules)) {
  t.test(name, async (t) =>
    t.same(said(parse(actionKind.spec, { ...anActionSpec(), ...given }, 'spec')), [want]),
  )
}

t.test('an ActionRun comes out as it went in, with what a newer tidewaiter added to it', async (t) => {
  const given = aRunObject({ stage: 'PostRestore' })
  const { metadata, spec, status } = aRun({ stage: 'PostRestore' })
  t.same(ok(parseActionRun({ ...given, spec: { ...spec, fromLater: 1 } })), {
    metadata,
    spec: { ...spec, fromLater: 1 },
    status,
  })
})

t.test('an ActionRun without a status has an empty one', async (t) => {
  const { status: _, ...given } = aRunObject()
  t.same(ok(parseActionRun(given)).status, {})
})

t.test('an ActionRun with faults everywhere tells them all', async (t) => {
  const { metadata: _, ...given } = aRunObject()
  t.same(said(parseActionRun({ ...given, spec: {}, status: { phase: 'running', actions: [{}] } })), [
    'metadata must be given',
    ...['stage', 'objectRef', 'cluster', 'fingerprint', 'actionsHash', 'actions'].map(
      (name) => `spec.${name} must be given`,
    ),
    'status.phase must be Pending, Running, Succeeded, Refused, Failed, Undoing, Undone, Skipped or Unknown (did you mean Running?), got "running"',
    ...['name', 'phase', 'attempts'].map((name) => `status.actions[0].${name} must be given`),
  ])
})

const quick = { seed: 1805, numRuns: runs(500) }

t.test(
  'property: no value makes the parser throw or say more than 80 lines of at most 1000 characters',
  async () => {
    const hostile = fc.oneof(
      fc.anything({ maxDepth: 4, withBigInt: true, withDate: true, withNullPrototype: true }),
      anActionManifest(),
    )
    fc.assert(
      fc.property(hostile, (given) => {
        const lines = [...said(parseAction(given)), ...said(parse(actionKind.spec, given, 'spec'))]
        return lines.length <= 2 * 80 && lines.every((line) => line.length <= 1000 && !line.includes('\n'))
      }),
      quick,
    )
  },
)

t.test('property: what was parsed once is parsed again to the same', async (t) => {
  const parsed = actionManifests(300)
    .map(parseAction)
    .flatMap((one) => ('ok' in one ? [one.ok] : []))
  t.ok(parsed.length > 50)
  const changed = parsed.filter(
    ({ spec }) => !isDeepStrictEqual(ok(parse(actionKind.spec, spec, 'spec')), spec),
  )
  t.same(changed, [])
})

t.test('property: an unknown field anywhere in an Action is refused', async (t) => {
  const more = (spec: Readonly<Record<string, unknown>>) => [
    { ...spec, zzz: 1 },
    { ...spec, http: { ...(spec['http'] as object), zzz: null } },
  ]
  const parsed = actionManifests(200).filter((manifest) => 'ok' in parseAction(manifest))
  const taken = parsed
    .flatMap(({ spec }) => more(spec as Record<string, unknown>))
    .filter((spec) => 'ok' in parse(actionKind.spec, spec, 'spec'))
  t.same(taken, [])
})

t.test('types follow the declaration', async (t) => {
  const parsed = parse({ type: 'string', doc: '.', maxLength: 9, enum: ['a', 'b'] }, 'a', 'x')
  const letter: 'a' | 'b' = ok(parsed)
  // @ts-expect-error - an enum is not any text
  const other: 'c' = ok(parsed)
  t.equal(letter, other)
})

const withCodes = (retryOn: unknown, expectStatus?: unknown) =>
  parseAction(
    anActionObject({
      ...({ retry: { retryOn }, http: { url: 'https://a.example/', expectStatus } } as unknown as object),
    }),
  )

t.test('a status may be a number, and means its digits', async (t) => {
  const result = withCodes(['5xx', 429, '503'], [200, '2xx'])
  t.match(result, {
    ok: { spec: { retry: { retryOn: ['5xx', '429', '503'] }, http: { expectStatus: ['200', '2xx'] } } },
  })
  t.match(withCodes([429, '429', 500]), { ok: { spec: { retry: { retryOn: ['429', '500'] } } } })
})

t.test('a number that is no status is refused, and so is the same one twice', async (t) => {
  for (const [codes, want] of [
    [[99], 'be text or a whole number from 100 to 599'],
    [[600], 'be text or a whole number from 100 to 599'],
    [[429.5], 'be text or a whole number from 100 to 599'],
    [[true], 'be text or a whole number from 100 to 599'],
    [[429, 429], 'not be given twice'],
    [['429', '429'], 'not be given twice'],
  ] as const) {
    t.match(withCodes(codes), { problems: [{ path: /^spec\.retry\.retryOn\[\d\]$/, want }] })
    t.match(withCodes(undefined, codes), { problems: [{ path: /^spec\.http\.expectStatus\[\d\]$/, want }] })
  }
})

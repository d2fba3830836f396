/** What a reference page says of a field. */
import t from 'tap'
import { referenceOf } from '../../src/api/reference.ts'
import type { Kind, Node } from '../../src/api/schema.ts'

const kind = (fields: Readonly<Record<string, Node>>, more: Partial<Kind> = {}): Kind => ({
  kind: 'Thing',
  plural: 'things',
  singular: 'thing',
  shortNames: ['th'],
  doc: 'A thing.',
  columns: [
    { name: 'Age', type: 'date', jsonPath: '.a', doc: 'How old.' },
    { name: 'Why', type: 'string', jsonPath: '.b', doc: 'Why.', priority: 1 },
  ],
  spec: { type: 'object', doc: 'What to do.', fields, required: ['must'] },
  status: { type: 'object', doc: 'What was done.', fields: {}, required: [] },
  ...more,
})

const doc = 'A.'
const lines: Readonly<Record<string, { field: Node; want: string }>> = {
  'a text says how long it may be': {
    field: { type: 'string', doc, maxLength: 9 },
    want: 'text, at most 9 characters. A.',
  },
  'a text says its shape and its default': {
    field: { type: 'string', doc, minLength: 1, maxLength: 9, pattern: '^a', default: 'a' },
    want: 'text, 1 to 9 characters, matching `^a`, default `a`. A.',
  },
  'a pattern with a backtick is still code': {
    field: { type: 'string', doc, maxLength: 9, pattern: '^`a' },
    want: 'text, at most 9 characters, matching ``^`a``. A.',
  },
  'a closed set of words is listed': {
    field: { type: 'string', doc, enum: ['a', 'b', 'c'] },
    want: 'text, one of `a`, `b` or `c`. A.',
  },
  'a time shows one': {
    field: { type: 'string', doc, maxLength: 9, format: 'date-time' },
    want: 'time, as `2026-01-31T12:00:00Z`. A.',
  },
  'a number says its range': {
    field: { type: 'integer', doc, minimum: 0, maximum: 5, default: 0 },
    want: 'whole number, from 0 to 5, default `0`. A.',
  },
  'a number without an end says where it begins': {
    field: { type: 'integer', doc, minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    want: 'whole number, from 0. A.',
  },
  'a flag says its default': {
    field: { type: 'boolean', doc, default: false },
    want: 'true or false, default `false`. A.',
  },
  'a set says that nothing is in it twice': {
    field: {
      type: 'array',
      doc,
      minItems: 1,
      maxItems: 2,
      listType: 'set',
      default: ['a'],
      items: { type: 'string', doc, maxLength: 9 },
    },
    want: 'list of text, 1 to 2, no two the same, each at most 9 characters, default `["a"]`. A.',
  },
  'a list that is a map says its key, and links to its items': {
    field: {
      type: 'array',
      doc,
      maxItems: 2,
      listType: 'map',
      listMapKeys: ['n'],
      items: { type: 'object', doc, fields: {}, required: [] },
    },
    want: 'list of [object](#specx), at most 2, no two of one `n`. A.',
  },
  'a map says how many keys it may have': {
    field: { type: 'map', doc, maxProperties: 2, values: { type: 'boolean', doc } },
    want: 'map from text to true or false, at most 2 keys. A.',
  },
  'any JSON says how large it may be': {
    field: { type: 'any', doc },
    want: 'any JSON, at most 65536 bytes and 32 levels. A.',
  },
  'any object says how large it may be': {
    field: { type: 'any', doc, object: true, maxBytes: 9, maxDepth: 2 },
    want: 'any JSON object, at most 9 bytes and 2 levels. A.',
  },
}

for (const [name, { field, want }] of Object.entries(lines)) {
  t.test(name, async (t) =>
    t.match(referenceOf(kind({ x: field })).split('\n'), new Set([`- \`x\`: ${want}`])),
  )
}

t.test('a field that is required is marked', async (t) => {
  t.match(referenceOf(kind({ must: { type: 'boolean', doc } })), '- `must`: true or false, **required**. A.')
})

t.test('fields that are not there yet are named, not explained', async (t) => {
  const page = referenceOf(
    kind({ undo: { type: 'boolean', doc: 'Not yet.', later: 'undo is not there yet' } }),
  )
  t.match(page, 'Declared, not there yet, and refused by name: `undo`.')
  t.notMatch(page, 'Not yet.')
})

t.test('every object has a section with its rules, the root too', async (t) => {
  const rules = [{ cel: 'true', message: 'a and b exclude each other' }]
  const inner = { type: 'object', doc: 'Inner.', fields: {}, required: [], rules } as const
  const page = referenceOf(
    kind(
      { a: { type: 'map', doc, maxProperties: 1, values: inner } },
      { rootRules: [{ cel: 'true', message: 'short names only' }] },
    ),
  )
  t.match(page, '### `spec.a[key]`\n\nInner.')
  t.match(page, 'Rules:\n\n- a and b exclude each other')
  t.match(page, 'Rules:\n\n- short names only')
})

t.test('a page says how kubectl names and shows the kind', async (t) => {
  const page = referenceOf(kind({}))
  t.match(
    page,
    '`apiVersion: tidewaiter.io/v1beta1`, `kind: Thing`, namespaced. With kubectl: `things` or `th`;',
  )
  t.match(page, '- **Age**: How old.\n- **Why** (with `-o wide`): Why.\n')
})

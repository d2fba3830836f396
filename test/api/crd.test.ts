/** What a CustomResourceDefinition of ours says, and what holds for every kind. */
import t from 'tap'
import { celName, crdOf, schemaOf } from '../../src/api/crd.ts'
import { kinds } from '../../src/api/kinds.ts'
import type { Node } from '../../src/api/schema.ts'
import { call, started } from '../sandbox/apiserver/client.ts'
import { anActionObject, anActionSpec } from '../support/build.ts'

const schemas: Readonly<Record<string, { node: Node; want: object }>> = {
  'a text has its limits': {
    node: { type: 'string', doc: 'A.', minLength: 1, maxLength: 9, pattern: '^a', default: 'a' },
    want: { type: 'string', minLength: 1, maxLength: 9, pattern: '^a', description: 'A.', default: 'a' },
  },
  'a closed set of words is an enum, and has no length of its own': {
    node: { type: 'string', doc: 'A.', enum: ['a'] },
    want: { type: 'string', enum: ['a'], description: 'A.' },
  },
  'a time is a text with a format': {
    node: { type: 'string', doc: 'A.', format: 'date-time', maxLength: 32 },
    want: { type: 'string', format: 'date-time', maxLength: 32, description: 'A.' },
  },
  'a whole number has a range, and 0 is a default': {
    node: { type: 'integer', doc: 'A.', minimum: 0, maximum: 5, default: 0 },
    want: { type: 'integer', format: 'int64', minimum: 0, maximum: 5, description: 'A.', default: 0 },
  },
  'false is a default': {
    node: { type: 'boolean', doc: 'A.', default: false },
    want: { type: 'boolean', description: 'A.', default: false },
  },
  'a list that is a map names its keys': {
    node: {
      type: 'array',
      doc: 'A.',
      minItems: 1,
      maxItems: 2,
      listType: 'map',
      listMapKeys: ['a'],
      items: { type: 'object', doc: 'B.', fields: { a: { type: 'boolean', doc: 'C.' } }, required: ['a'] },
    },
    want: {
      type: 'array',
      minItems: 1,
      maxItems: 2,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['a'],
      items: {
        type: 'object',
        required: ['a'],
        properties: { a: { type: 'boolean', description: 'C.' } },
        description: 'B.',
      },
      description: 'A.',
    },
  },
  'a map has values of one kind': {
    node: { type: 'map', doc: 'A.', maxProperties: 2, values: { type: 'boolean', doc: 'B.' } },
    want: {
      type: 'object',
      additionalProperties: { type: 'boolean', description: 'B.' },
      maxProperties: 2,
      description: 'A.',
    },
  },
  'any JSON is kept as it is': {
    node: { type: 'any', doc: 'A.' },
    want: { 'x-kubernetes-preserve-unknown-fields': true, description: 'A.' },
  },
  'any object is kept as it is': {
    node: { type: 'any', doc: 'A.', object: true },
    want: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, description: 'A.' },
  },
  'a rule stands beside its message': {
    node: {
      type: 'boolean',
      doc: 'A.',
      rules: [{ cel: 'self', message: 'it is so', holds: (self: boolean) => self }],
    },
    want: {
      type: 'boolean',
      description: 'A.',
      'x-kubernetes-validations': [{ rule: 'self', message: 'it is so' }],
    },
  },
  'a field that is not there yet is declared, and refused by its parent before any other rule': {
    node: {
      type: 'object',
      doc: 'A.',
      required: [],
      fields: { namespace: { type: 'boolean', doc: 'B.', later: 'namespace is not there yet' } },
      rules: [{ cel: 'true', message: 'it is so' }],
    },
    want: {
      type: 'object',
      properties: { namespace: { type: 'boolean', description: 'B.' } },
      description: 'A.',
      'x-kubernetes-validations': [
        {
          rule: '!has(self.__namespace__)',
          message: 'namespace is not there yet',
          fieldPath: '.namespace',
          reason: 'FieldValueForbidden',
        },
        { rule: 'true', message: 'it is so' },
      ],
    },
  },
}

for (const [name, { node, want }] of Object.entries(schemas)) {
  t.test(name, async (t) => t.same(schemaOf(node), want))
}

t.test(
  'a wrong word is told once by the API server: it is none of the words, however long it is',
  async (t) => {
    const api = await started(t)
    api.seed(kinds.map(crdOf))
    const path = '/apis/tidewaiter.io/v1beta1/namespaces/default/actions'
    const given = { ...anActionObject(), metadata: { name: 'a' } }
    const spec = { ...anActionSpec(), onError: 'CarryOnRegardless' }
    const { code, body } = await call(api, 'POST', path, { ...given, spec })
    t.equal(code, 422)
    t.same(
      body.details.causes.map(({ field, reason }: { field: string; reason: string }) => [field, reason]),
      [
        ['spec.onError', 'FieldValueNotSupported'],
        // The rules are asked only where the schema has nothing to say.
        ['<nil>', 'FieldValueInvalid'],
      ],
    )
  },
)

t.test('names of fields are escaped as CEL wants them', async (t) => {
  const names = {
    stage: 'stage',
    import: '__import__',
    'a-b': 'a__dash__b',
    'a.b/c': 'a__dot__b__slash__c',
    a__b: 'a__underscores__b',
  }
  for (const [given, want] of Object.entries(names)) t.equal(celName(given), want)
})

t.test('a rule of a kind stands at its root', async (t) => {
  const [kind] = kinds
  const rootRules = [{ cel: 'self.metadata.name.size() < 64', message: 'the name has at most 63 characters' }]
  t.match(crdOf({ ...kind!, rootRules }), {
    spec: {
      versions: [
        { schema: { openAPIV3Schema: { 'x-kubernetes-validations': [{ rule: rootRules[0]?.cel }] } } },
      ],
    },
  })
})

type Schema = { readonly [key: string]: unknown }
const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null

/** Every schema in a schema. */
const within = (schema: Schema): readonly Schema[] => {
  const { properties, items, additionalProperties } = schema
  const inner = [
    ...(isSchema(properties) ? Object.values(properties) : []),
    items,
    additionalProperties,
  ].filter(isSchema)
  return [schema, ...inner.flatMap(within)]
}

for (const kind of kinds) {
  const crd = crdOf(kind)
  const all = [kind.spec, kind.status].flatMap((node) => within(schemaOf(node)))

  t.test(`${kind.kind} is named, found and shown as a kind of ours`, async (t) => {
    t.match(crd, {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${kind.plural}.tidewaiter.io`, labels: { 'app.kubernetes.io/name': 'tidewaiter' } },
      spec: {
        group: 'tidewaiter.io',
        scope: 'Namespaced',
        names: { kind: kind.kind, categories: ['tidewaiter'], shortNames: kind.shortNames },
        versions: [{ name: 'v1beta1', served: true, storage: true }],
      },
    })
  })

  t.test(
    `${kind.kind} is written ${kind.wholeWrites === true ? 'in one piece' : 'with its status apart'}`,
    async (t) => {
      const { spec } = crd as { readonly spec: { readonly versions: readonly object[] } }
      t.same(
        spec.versions.map((one) => 'subresources' in one && one.subresources),
        [kind.wholeWrites === true ? false : { status: {} }],
      )
    },
  )

  t.test(`${kind.kind} is restored by Velero: its definition is not excluded from backups`, async (t) => {
    t.notMatch(JSON.stringify(crd), 'exclude-from-backup')
  })

  t.test(`${kind.kind} bounds every text, list and map, so that rules have a price`, async (t) => {
    const unbounded = all.filter(
      (schema) =>
        (schema['type'] === 'string' &&
          schema['enum'] === undefined &&
          typeof schema['maxLength'] !== 'number') ||
        (schema['type'] === 'array' && typeof schema['maxItems'] !== 'number') ||
        (schema['additionalProperties'] !== undefined && typeof schema['maxProperties'] !== 'number'),
    )
    t.same(unbounded, [])
  })

  t.test(`${kind.kind} explains every field`, async (t) => {
    t.same(
      all.filter((schema) => !/^\S.*\.$/u.test(String(schema['description'] ?? ''))),
      [],
    )
  })

  t.test(`${kind.kind} uses only patterns that mean the same in RE2 and in JavaScript`, async (t) => {
    for (const { pattern } of all) {
      if (typeof pattern !== 'string') continue
      t.ok(new RegExp(pattern, 'u'))
      // Classes like \s differ; groups with ? and back references RE2 has not; a dot outside of brackets differs at line ends.
      t.notMatch(pattern, /\\[sSwWdDbBpPk1-9]|\(\?/u)
      t.notMatch(pattern.replaceAll(/\\.|\[[^\]]*\]/gu, ''), /\./u)
      t.match(pattern, /^\^/u)
    }
  })
}

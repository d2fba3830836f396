/** What a CRD itself must be, and how it comes and goes. */
import assert from 'node:assert/strict'
import { about, rule } from '../case.ts'
import { answered, has, says } from '../expected.ts'
import { collections } from '../objects.ts'
import { kindOf, widgetCrd, widgets } from '../widgets.ts'

const integer = { type: 'integer' }
const rules = (...given: readonly object[]) => ({ 'x-kubernetes-validations': given })

const string0 = { type: 'string' }
const badCrds: Readonly<
  Record<string, readonly [change: (crd: ReturnType<typeof widgetCrd>) => object, message: RegExp]>
> = {
  'a name that is not plural and group': [
    (crd) => ({ ...crd, metadata: { name: 'x.example.com' } }),
    /metadata\.name: Invalid value: "x\.example\.com": must be spec\.names\.plural\+"\."\+spec\.group/,
  ],
  'a property without a type': [
    (crd) => withSchema(crd, { type: 'object', properties: { spec: {} } }),
    /properties\[spec\]\.type: Required value: must not be empty for specified object fields/,
  ],
  'a rule that does not compile': [
    (crd) =>
      withSchema(crd, {
        type: 'object',
        properties: { spec: { ...string0, ...rules({ rule: 'self.x ==' }) } },
      }),
    /x-kubernetes-validations\[0\]\.rule: Invalid value: .*compilation failed: ERROR: /s,
  ],
  'a rule over a field that does not exist': [
    (crd) =>
      withSchema(crd, {
        type: 'object',
        properties: {
          spec: { type: 'object', properties: { a: string0 }, ...rules({ rule: "self.b == ''" }) },
        },
      }),
    /compilation failed: ERROR: .*undefined field 'b'/s,
  ],
  'a rule that gives no boolean': [
    (crd) =>
      withSchema(crd, {
        type: 'object',
        properties: { spec: { ...integer, ...rules({ rule: 'self + 1' }) } },
      }),
    /cel expression must evaluate to a bool/,
  ],
  'a rule that may cost too much': [
    (crd) =>
      withSchema(crd, {
        type: 'object',
        properties: {
          spec: {
            type: 'array',
            items: { type: 'array', items: string0 },
            ...rules({ rule: 'self.all(x, x.all(y, self.all(z, z.all(w, w == y))))' }),
          },
        },
      }),
    /estimated rule cost exceeds budget by factor of/,
  ],
  'a map list without keys': [
    (crd) =>
      withSchema(crd, {
        type: 'object',
        properties: { spec: { type: 'array', 'x-kubernetes-list-type': 'map', items: { type: 'object' } } },
      }),
    /x-kubernetes-list-map-keys: Required value/,
  ],
  'a default that is not valid': [
    (crd) =>
      withSchema(crd, { type: 'object', properties: { spec: { ...string0, enum: ['a'], default: 'b' } } }),
    /properties\[spec\]\.default: Unsupported value: "b": supported values: "a"/,
  ],
  'two versions that are stored': [
    (crd) => {
      const [version] = crd.spec.versions
      return { ...crd, spec: { ...crd.spec, versions: [version, { ...version, name: 'v2' }] } }
    },
    /spec\.versions: Invalid value: .*must have exactly one version marked as storage version/s,
  ],
  'additionalProperties beside properties': [
    (crd) =>
      withSchema(crd, {
        type: 'object',
        properties: { spec: { type: 'object', properties: { a: string0 }, additionalProperties: string0 } },
      }),
    /additionalProperties and properties are mutual exclusive/,
  ],
}

function withSchema(crd: ReturnType<typeof widgetCrd>, openAPIV3Schema: object): object {
  const versions = crd.spec.versions.map((version) => ({ ...version, schema: { openAPIV3Schema } }))
  return { ...crd, spec: { ...crd.spec, versions } }
}

/** The rules. */
export const cases = about('CRDs', [
  ...Object.entries(badCrds).map(([name, [change, message]]) =>
    rule(`a CRD with ${name} is a 422`, async (api) => {
      const crd = widgetCrd(`${api.name('g')}.example.com`, { properties: { spec: { type: 'object' } } })
      says(await api.post(collections.crds, change(crd)), 422, ['Invalid', message])
    }),
  ),
  rule('a CRD is accepted and established, and says so', async (api) => {
    const widget = await widgets(api, { properties: { spec: { type: 'object' } } })
    const { status, spec, metadata } = answered(await api.get(widget.crd), 200)
    const conditions = Object.fromEntries(
      status.conditions.map(({ type, status }: { type: string; status: string }) => [type, status]),
    )
    has(conditions, { NamesAccepted: 'True', Established: 'True' })
    assert.deepEqual(status.storedVersions, ['v1'])
    has(status.acceptedNames, {
      plural: 'widgets',
      kind: 'Widget',
      listKind: 'WidgetList',
      shortNames: ['wd'],
    })
    assert.deepEqual(spec.conversion, { strategy: 'None' })
    assert.equal(metadata.generation, 1)
  }),
  rule('a CRD that is deleted takes its objects along and is served no more', async (api) => {
    const ns = await api.namespace()
    const widget = await widgets(api, { properties: { spec: { type: 'object' } } })
    answered(await api.post(widget.path(ns), widget.object('a')), 201)
    answered(await api.delete(widget.crd), 200)
    await api.eventually(async () => {
      assert.equal((await api.get(widget.crd)).status, 404)
      assert.equal((await api.get(widget.path(ns, 'a'))).status, 404)
    }, 15_000)
  }),
  rule('a CRD that is not served yet, or no more, is a 404', async (api) => {
    const widget = kindOf(`${api.name('none')}.example.com`)
    assert.equal((await api.get(widget.path('default'))).status, 404)
  }),
])

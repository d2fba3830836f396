/** CEL rules of CRDs, and what a CRD itself must be. */
import assert from 'node:assert/strict'
import type { Api } from '../api.ts'
import { about, inNamespace, rule } from '../case.ts'
import { answered, has, says } from '../expected.ts'
import { collections } from '../objects.ts'
import { kindOf, widgetCrd, widgets, type Kind } from '../widgets.ts'

const integer = { type: 'integer' }
const string = { type: 'string', maxLength: 20 }
const rules = (...given: readonly object[]) => ({ 'x-kubernetes-validations': given })
const spec = {
  type: 'object',
  properties: {
    low: integer,
    high: integer,
    fixed: { ...string, ...rules({ rule: 'self == oldSelf', message: 'fixed may not change' }) },
    told: {
      ...integer,
      ...rules({ rule: 'self < 10', messageExpression: "self > 99 ? 'far above ten' : 'above ten'" }),
    },
    plain: { ...integer, ...rules({ rule: 'self != 13' }) },
    named: {
      ...integer,
      ...rules({ rule: 'self != 7', message: 'not seven', reason: 'FieldValueForbidden' }),
    },
    pointed: {
      type: 'object',
      properties: { a: integer },
      ...rules({ rule: '!has(self.a) || self.a > 0', message: 'a above zero', fieldPath: '.a' }),
    },
    list: {
      type: 'array',
      maxItems: 5,
      items: { ...string, ...rules({ rule: "self.startsWith('x-')", message: 'wants x-' }) },
    },
    once: {
      ...string,
      ...rules({
        rule: 'oldSelf.hasValue() || self == "first"',
        optionalOldSelf: true,
        message: 'begins as first',
      }),
    },
  },
  ...rules({ rule: '!has(self.low) || !has(self.high) || self.low <= self.high', message: 'low above high' }),
}

const shared = new WeakMap<object, Promise<Kind>>()
const kind = (api: Api): Promise<Kind> => {
  const made =
    shared.get(api.suite) ??
    widgets(api.suite, {
      properties: { spec },
      more: rules({ rule: "self.metadata.name != 'forbidden'", message: 'that name is forbidden' }),
    })
  shared.set(api.suite, made)
  return made
}

const broken: Readonly<Record<string, readonly [spec: object, message: string]>> = {
  'a rule over two fields': [{ low: 2, high: 1 }, 'spec: Invalid value: low above high'],
  'a rule with a message of its own making': [{ told: 12 }, 'spec.told: Invalid value: 12: above ten'],
  'a rule without a message': [{ plain: 13 }, 'spec.plain: Invalid value: 13: failed rule: self != 13'],
  'a rule with a reason': [{ named: 7 }, 'spec.named: Forbidden: not seven'],
  'a rule that points into its object': [
    { pointed: { a: 0 } },
    'spec.pointed.a: Invalid value: a above zero',
  ],
  'a rule over the items of a list': [{ list: ['x-a', 'b'] }, 'spec.list[1]: Invalid value: "b": wants x-'],
  'a rule that knows when there was nothing before': [
    { once: 'second' },
    'spec.once: Invalid value: "second": begins as first',
  ],
}

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
export const cases = about('CRD rules', [
  ...Object.entries(broken).map(([name, [fields, message]]) =>
    inNamespace(`${name} refuses with a 422`, async (api, ns) => {
      const widget = await kind(api)
      says(await api.post(widget.path(ns), widget.object('a', { spec: fields })), 422, [
        'Invalid',
        `Widget.${widget.group} "a" is invalid: ${message}`,
      ])
    }),
  ),
  inNamespace('what keeps all rules is taken', async (api, ns) => {
    const widget = await kind(api)
    const good = {
      low: 1,
      high: 2,
      fixed: 'x',
      told: 1,
      plain: 1,
      named: 1,
      pointed: { a: 1 },
      list: ['x-'],
      once: 'first',
    }
    answered(await api.post(widget.path(ns), widget.object('a', { spec: good })), 201)
  }),
  inNamespace('a rule of the root sees the name', async (api, ns) => {
    const widget = await kind(api)
    says(await api.post(widget.path(ns), widget.object('forbidden')), 422, [
      'Invalid',
      `Widget.${widget.group} "forbidden" is invalid: <nil>: Invalid value: that name is forbidden`,
    ])
  }),
  inNamespace(
    'a transition rule is not asked when the field is new, and is when it changes',
    async (api, ns) => {
      const widget = await kind(api)
      answered(await api.post(widget.path(ns), widget.object('a', { spec: {} })), 201)
      const set = (fixed: string | null) =>
        api.patch(widget.path(ns, 'a'), { spec: { fixed } }, { type: 'merge' })
      answered(await set('x'), 200)
      answered(await set('x'), 200)
      says(await set('y'), 422, [
        'Invalid',
        `Widget.${widget.group} "a" is invalid: spec.fixed: Invalid value: "y": fixed may not change`,
      ])
      answered(await set(null), 200)
      answered(await set('y'), 200)
    },
  ),
  inNamespace('optionalOldSelf lets an update to another value be', async (api, ns) => {
    const widget = await kind(api)
    answered(await api.post(widget.path(ns), widget.object('a', { spec: { once: 'first' } })), 201)
    answered(await api.patch(widget.path(ns, 'a'), { spec: { once: 'second' } }, { type: 'merge' }), 200)
  }),
  inNamespace('what an update leaves as it was is not judged again', async (api, ns) => {
    const loose = await widgets(api, { properties: { spec: { type: 'object', properties: { n: integer } } } })
    answered(await api.post(loose.path(ns), loose.object('a', { spec: { n: 9 } })), 201)
    const version = {
      properties: { spec: { type: 'object', properties: { n: { ...integer, maximum: 5 } } } },
    }
    const crd = answered(await api.get(loose.crd), 200)
    const next = { ...crd, spec: widgetCrd(loose.group, version).spec }
    answered(await api.put(loose.crd, next), 200)
    await api.eventually(async () => {
      const answer = await api.post(loose.path(ns), loose.object('b', { spec: { n: 9 } }), { dryRun: 'All' })
      assert.equal(answer.status, 422, answer.text)
    })
    answered(
      await api.patch(loose.path(ns, 'a'), { metadata: { labels: { x: 'y' } } }, { type: 'merge' }),
      200,
    )
    says(await api.patch(loose.path(ns, 'a'), { spec: { n: 10 } }, { type: 'merge' }), 422, [
      'Invalid',
      /spec\.n/,
    ])
  }),
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

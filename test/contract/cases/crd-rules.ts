/** CEL rules of CRDs, and what a CRD itself must be. */
import assert from 'node:assert/strict'
import type { Api } from '../api.ts'
import { about, inNamespace } from '../case.ts'
import { answered, says } from '../expected.ts'
import { widgetCrd, widgets, type Kind } from '../widgets.ts'

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
])

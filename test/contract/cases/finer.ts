/** Finer points of patches, schemas and rules that a rougher server would get wrong. */
import assert from 'node:assert/strict'
import type { Api } from '../api.ts'
import { about, inNamespace } from '../case.ts'
import { answered, says } from '../expected.ts'
import { configMap, deployment, paths } from '../objects.ts'
import { widgets, type Kind } from '../widgets.ts'

const string = { type: 'string', maxLength: 20 }
const rules = (...given: readonly object[]) => ({ 'x-kubernetes-validations': given })
const spec = {
  type: 'object',
  properties: {
    words: { type: 'object', additionalProperties: string },
    open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    perhaps: { ...string, nullable: true, default: 'x' },
    sure: { ...string, default: 'x' },
    told: {
      ...string,
      ...rules({ rule: "self != 'no'", messageExpression: "'first line\\nsecond'", message: 'plain' }),
    },
  },
}

const shared = new WeakMap<object, Promise<Kind>>()
const kind = (api: Api): Promise<Kind> => {
  const made = shared.get(api.suite) ?? widgets(api.suite, { properties: { spec } })
  shared.set(api.suite, made)
  return made
}
const make = async (api: Api, ns: string, fields: object) => {
  const widget = await kind(api)
  const answer = await api.post(widget.path(ns), widget.object('a', { spec: fields }))
  return { widget, answer }
}

/** The rules. */
export const cases = about('finer', [
  inNamespace('merge patch: nulls within what is added are left out', async (api, ns) => {
    const { widget } = await make(api, ns, {})
    const patch = { spec: { words: { a: null, b: 'x' }, open: { a: null, b: { c: null, d: 1 } } } }
    const after = answered(await api.patch(widget.path(ns, 'a'), patch, { type: 'merge' }), 200)
    assert.deepEqual(after.spec, {
      perhaps: 'x',
      sure: 'x',
      words: { b: 'x' },
      open: { b: { d: 1 } },
    })
  }),
  inNamespace('JSON patch: a test of what is not there does not hold', async (api, ns) => {
    answered(await api.post(paths.configMaps(ns), configMap('a', { k: 'v' })), 201)
    const test = (path: string, value: unknown) =>
      api.patch(paths.configMaps(ns, 'a'), [{ op: 'test', path, value }], { type: 'json' })
    assert.equal((await test('/data/none', 'v')).status, 422)
    assert.equal((await test('/data/k', 'w')).status, 422)
    assert.equal((await test('/data/k', 'v')).status, 200)
  }),
  inNamespace('strategic: $setElementOrder orders what the patch does not name too', async (api, ns) => {
    const containers = ['a', 'b', 'c'].map((name) => ({ name, image: `${name}:1` }))
    answered(await api.post(paths.deployments(ns), deployment('a', containers)), 201)
    const patch = {
      spec: {
        template: {
          spec: {
            '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }, { name: 'b' }],
            containers: [{ name: 'a', image: 'a:2' }],
          },
        },
      },
    }
    const after = answered(await api.patch(paths.deployments(ns, 'a'), patch, { type: 'strategic' }), 200)
    assert.deepEqual(
      after.spec.template.spec.containers.map(({ image }: { image: string }) => image),
      ['c:1', 'a:2', 'b:1'],
    )
  }),
  inNamespace('a null where null may be is kept, default or not', async (api, ns) => {
    const { answer } = await make(api, ns, { perhaps: null, sure: null })
    assert.deepEqual(answered(answer, 201).spec, { perhaps: null, sure: 'x' })
  }),
  inNamespace(
    'a messageExpression of a schema with several lines gives way to the message',
    async (api, ns) => {
      const { answer } = await make(api, ns, { told: 'no' })
      says(answer, 422, ['Invalid', /spec\.told: Invalid value: (?:"no"|"string"): plain$/])
    },
  ),
  inNamespace('a rule that came later is not held against a value that stays', async (api, ns) => {
    const early = { type: 'object', properties: { old: string, new: string } }
    const widget = await widgets(api, { properties: { spec: early } })
    const object = widget.object('a', { spec: { old: 'bad', new: 'a' } })
    answered(await api.post(widget.path(ns), object), 201)
    const late = {
      ...early,
      properties: { ...early.properties, old: { ...string, ...rules({ rule: "self != 'bad'" }) } },
    }
    const at = '/spec/versions/0/schema/openAPIV3Schema/properties/spec'
    answered(await api.patch(widget.crd, [{ op: 'replace', path: at, value: late }], { type: 'json' }), 200)
    await api.eventually(async () => {
      const dry = await api.post(widget.path(ns), { ...object, metadata: { name: 'b' } }, { dryRun: 'All' })
      assert.equal(dry.status, 422, dry.text)
    })
    const patch = (fields: object) => api.patch(widget.path(ns, 'a'), { spec: fields }, { type: 'merge' })
    answered(await patch({ new: 'b' }), 200)
    answered(await patch({ old: 'good' }), 200)
    assert.equal((await patch({ old: 'bad' })).status, 422)
  }),
])

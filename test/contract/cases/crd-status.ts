/** Subresources, generation, printer columns and selectable fields of custom kinds. */
import assert from 'node:assert/strict'
import type { Api } from '../api.ts'
import { about, inNamespace } from '../case.ts'
import { answered, has, namesOf, says } from '../expected.ts'
import { widgets, type Kind } from '../widgets.ts'

const phase = {
  type: 'object',
  properties: { phase: { type: 'string', enum: ['New', 'Done'] }, n: { type: 'integer' } },
}
const spec = { type: 'object', properties: { n: { type: 'integer' }, team: { type: 'string' } } }
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'

const shared = new WeakMap<object, { readonly with: Promise<Kind>; readonly without: Promise<Kind> }>()
function kinds(api: Api) {
  const known = shared.get(api.suite)
  if (known !== undefined) return known
  const columns = [
    { name: 'Team', type: 'string', jsonPath: '.spec.team' },
    { name: 'Number', type: 'integer', jsonPath: '.spec.n', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ]
  const made = {
    with: widgets(api.suite, {
      properties: { spec, status: phase },
      subresources: { status: {}, scale: { specReplicasPath: '.spec.n', statusReplicasPath: '.status.n' } },
      columns,
      selectable: [{ jsonPath: '.spec.team' }],
    }),
    without: widgets(api.suite, { properties: { spec, status: phase } }),
  }
  shared.set(api.suite, made)
  return made
}
const withStatus = (api: Api): Promise<Kind> => kinds(api).with
const without = (api: Api): Promise<Kind> => kinds(api).without
const merge = { type: 'merge' } as const

/** The rules. */
export const cases = about('CRD status', [
  inNamespace('with the subresource a create drops status', async (api, ns) => {
    const widget = await withStatus(api)
    const body = widget.object('a', { spec: { n: 1 }, status: { phase: 'New' } })
    const made = answered(await api.post(widget.path(ns), body), 201)
    assert.equal(made.status, undefined)
    assert.equal(made.metadata.generation, 1)
  }),
  inNamespace(
    'with the subresource a write of the object leaves status, and one of status leaves the rest',
    async (api, ns) => {
      const widget = await withStatus(api)
      answered(await api.post(widget.path(ns), widget.object('a', { spec: { n: 1 } })), 201)
      const both = { spec: { n: 2 }, status: { phase: 'Done' } }
      const status = answered(await api.patch(`${widget.path(ns, 'a')}/status`, both, merge), 200)
      has(status, { spec: { n: 1 }, status: { phase: 'Done' } })
      const object = answered(
        await api.patch(widget.path(ns, 'a'), { spec: { n: 3 }, status: { phase: 'New' } }, merge),
        200,
      )
      has(object, { spec: { n: 3 }, status: { phase: 'Done' } })
    },
  ),
  inNamespace(
    'with the subresource spec raises the generation, status and labels do not',
    async (api, ns) => {
      const widget = await withStatus(api)
      answered(await api.post(widget.path(ns), widget.object('a', { spec: { n: 1 } })), 201)
      const generation = async (path: string, patch: object) =>
        answered(await api.patch(path, patch, merge), 200).metadata.generation
      assert.equal(await generation(`${widget.path(ns, 'a')}/status`, { status: { phase: 'New' } }), 1)
      assert.equal(await generation(widget.path(ns, 'a'), { metadata: { labels: { x: 'y' } } }), 1)
      assert.equal(await generation(widget.path(ns, 'a'), { spec: { n: 2 } }), 2)
      assert.equal(await generation(widget.path(ns, 'a'), { spec: { n: 2 } }), 2)
    },
  ),
  inNamespace('with the subresource a write of status may not change labels', async (api, ns) => {
    const widget = await withStatus(api)
    answered(await api.post(widget.path(ns), widget.object('a')), 201)
    const patch = { metadata: { labels: { x: 'y' } }, status: { phase: 'New' } }
    const after = answered(await api.patch(`${widget.path(ns, 'a')}/status`, patch, merge), 200)
    assert.equal(after.metadata.labels, undefined)
  }),
  inNamespace('status is validated', async (api, ns) => {
    const widget = await withStatus(api)
    answered(await api.post(widget.path(ns), widget.object('a')), 201)
    says(await api.patch(`${widget.path(ns, 'a')}/status`, { status: { phase: 'x' } }, merge), 422, [
      'Invalid',
      `Widget.${widget.group} "a" is invalid: status.phase: Unsupported value: "x": supported values: "New", "Done"`,
    ])
  }),
  inNamespace('PUT of status knows conflicts', async (api, ns) => {
    const widget = await withStatus(api)
    const made = answered(await api.post(widget.path(ns), widget.object('a')), 201)
    const path = `${widget.path(ns, 'a')}/status`
    answered(await api.put(path, { ...made, status: { phase: 'New' } }), 200)
    says(await api.put(path, { ...made, status: { phase: 'Done' } }), 409, [
      'Conflict',
      /the object has been modified/,
    ])
  }),
  inNamespace('without the subresource status is a field like others', async (api, ns) => {
    const widget = await without(api)
    const made = answered(
      await api.post(widget.path(ns), widget.object('a', { status: { phase: 'New' } })),
      201,
    )
    assert.deepEqual(made.status, { phase: 'New' })
    assert.equal((await api.get(`${widget.path(ns, 'a')}/status`)).status, 404)
  }),
  inNamespace('without the subresource any change beside metadata raises the generation', async (api, ns) => {
    const widget = await without(api)
    answered(await api.post(widget.path(ns), widget.object('a')), 201)
    const generation = async (patch: object) =>
      answered(await api.patch(widget.path(ns, 'a'), patch, merge), 200).metadata.generation
    assert.equal(await generation({ metadata: { labels: { x: 'y' } } }), 1)
    assert.equal(await generation({ status: { phase: 'New' } }), 2)
    assert.equal(await generation({ spec: { n: 1 } }), 3)
  }),
  inNamespace('a custom object without resourceVersion may not be replaced', async (api, ns) => {
    const widget = await without(api)
    answered(await api.post(widget.path(ns), widget.object('a')), 201)
    says(await api.put(widget.path(ns, 'a'), widget.object('a', { spec: { n: 1 } })), 422, [
      'Invalid',
      `widgets.${widget.group} "a" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update`,
    ])
  }),
  inNamespace('a replacement of what is not there is a 404', async (api, ns) => {
    const widget = await without(api)
    says(await api.put(widget.path(ns, 'a'), widget.object('a')), 404, [
      'NotFound',
      `widgets.${widget.group} "a" not found`,
    ])
  }),
  inNamespace('scale is read and written', async (api, ns) => {
    const widget = await withStatus(api)
    answered(await api.post(widget.path(ns), widget.object('a', { spec: { n: 1 } })), 201)
    const path = `${widget.path(ns, 'a')}/scale`
    has(answered(await api.get(path), 200), {
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      spec: { replicas: 1 },
    })
    answered(await api.patch(path, { spec: { replicas: 4 } }, merge), 200)
    assert.equal(answered(await api.get(widget.path(ns, 'a')), 200).spec.n, 4)
  }),
  inNamespace('a table has the printer columns', async (api, ns) => {
    const widget = await withStatus(api)
    answered(await api.post(widget.path(ns), widget.object('a', { spec: { n: 1, team: 'red' } })), 201)
    const shown = answered(await api.request('GET', widget.path(ns), { accept: table }), 200)
    const columns = shown.columnDefinitions.map(({ name, type, priority }: Record<string, unknown>) => [
      name,
      type,
      priority,
    ])
    assert.deepEqual(columns, [
      ['Name', 'string', 0],
      ['Team', 'string', 0],
      ['Number', 'integer', 1],
      ['Age', 'date', 0],
    ])
    assert.deepEqual(shown.rows[0].cells.slice(0, 3), ['a', 'red', 1])
  }),
  inNamespace('without columns a table has name and age', async (api, ns) => {
    const widget = await without(api)
    answered(await api.post(widget.path(ns), widget.object('a')), 201)
    const shown = answered(await api.request('GET', widget.path(ns), { accept: table }), 200)
    const columns = shown.columnDefinitions.map(({ name }: { name: string }) => name)
    assert.deepEqual(columns, ['Name', 'Age'])
  }),
  inNamespace('a selectable field selects', async (api, ns) => {
    const widget = await withStatus(api)
    for (const [name, team] of [
      ['a', 'red'],
      ['b', 'blue'],
    ] as const) {
      answered(await api.post(widget.path(ns), widget.object(name, { spec: { team } })), 201)
    }
    const list = await api.get(widget.path(ns), { fieldSelector: 'spec.team=blue' })
    assert.deepEqual(namesOf(answered(list, 200)), ['b'])
  }),
  inNamespace('a field that is not selectable is a 400', async (api, ns) => {
    const widget = await withStatus(api)
    says(await api.get(widget.path(ns), { fieldSelector: 'spec.n=1' }), 400, [
      'BadRequest',
      /field label not supported: spec\.n$/,
    ])
  }),
])

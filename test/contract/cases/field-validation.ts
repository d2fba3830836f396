/** Unknown and double fields: Strict, Warn, Ignore. */
import assert from 'node:assert/strict'
import { about, inNamespace } from '../case.ts'
import { answered, says } from '../expected.ts'
import { configMap, deployment, paths } from '../objects.ts'

const odd = { ...configMap('a'), spec: 1, data: { k: 'v' } }
const double = '{"metadata":{"name":"a"},"data":{"k":"v","k":"w"}}'

/** The rules. */
export const cases = about('field validation', [
  inNamespace('Strict refuses an unknown field with a 400', async (api, ns) => {
    says(await api.post(paths.configMaps(ns), odd, { fieldValidation: 'Strict' }), 400, [
      'BadRequest',
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "spec"',
    ])
  }),
  inNamespace('Strict tells of all at once, with their paths', async (api, ns) => {
    const body = deployment('a', [{ name: 'a', image: 'a:1', imagee: 'b' }])
    const answer = await api.post(paths.deployments(ns), { ...body, extra: 1 }, { fieldValidation: 'Strict' })
    says(answer, 400, [
      'BadRequest',
      'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.template.spec.containers[0].imagee", unknown field "extra"',
    ])
  }),
  inNamespace('Strict refuses a field that is there twice', async (api, ns) => {
    const answer = await api.request('POST', paths.configMaps(ns), {
      body: double,
      query: { fieldValidation: 'Strict' },
    })
    says(answer, 400, [
      'BadRequest',
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "data.k"',
    ])
  }),
  inNamespace('Warn is the default: the field is dropped, with a warning', async (api, ns) => {
    const answer = await api.post(paths.configMaps(ns), odd)
    assert.equal(answered(answer, 201).spec, undefined)
    assert.deepEqual(answer.warnings, ['unknown field "spec"'])
  }),
  inNamespace('Warn tells of a double field; the last one counts', async (api, ns) => {
    const answer = await api.request('POST', paths.configMaps(ns), { body: double })
    assert.deepEqual(answered(answer, 201).data, { k: 'w' })
    assert.deepEqual(answer.warnings, ['duplicate field "data.k"'])
  }),
  inNamespace('Ignore says nothing', async (api, ns) => {
    const answer = await api.post(paths.configMaps(ns), odd, { fieldValidation: 'Ignore' })
    answered(answer, 201)
    assert.deepEqual(answer.warnings, [])
  }),
  inNamespace('another word is a 422', async (api, ns) => {
    says(await api.post(paths.configMaps(ns), odd, { fieldValidation: 'Loose' }), 422, [
      'Invalid',
      'CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Loose": supported values: "", "Ignore", "Strict", "Warn"',
    ])
  }),
  inNamespace('Strict holds for updates', async (api, ns) => {
    answered(await api.post(paths.configMaps(ns), configMap('a')), 201)
    says(await api.put(paths.configMaps(ns, 'a'), odd, { fieldValidation: 'Strict' }), 400, [
      'BadRequest',
      /strict decoding error: unknown field "spec"$/,
    ])
  }),
  inNamespace('Strict holds for merge patches', async (api, ns) => {
    answered(await api.post(paths.configMaps(ns), configMap('a')), 201)
    const query = { fieldValidation: 'Strict' }
    const answer = await api.patch(paths.configMaps(ns, 'a'), { spec: 1 }, { type: 'merge', query })
    says(answer, 422, [
      'Invalid',
      /^ "" is invalid: patch: Invalid value: ".*": strict decoding error: unknown field "spec"$/,
    ])
  }),
  inNamespace('field names count in their case', async (api, ns) => {
    const answer = await api.post(paths.configMaps(ns), { metadata: { name: 'a' }, Data: { k: 'v' } })
    assert.equal(answered(answer, 201).data, undefined)
    assert.deepEqual(answer.warnings, ['unknown field "Data"'])
  }),
])

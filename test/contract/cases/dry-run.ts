/** Dry runs. */
import assert from 'node:assert/strict'
import { about, inNamespace } from '../case.ts'
import { answered, has, says } from '../expected.ts'
import { configMap, lease, paths } from '../objects.ts'

const dryRun = 'All'

/** The rules. */
export const cases = about('dry run', [
  inNamespace(
    'a create answers as if, with a uid and no resourceVersion, and keeps nothing',
    async (api, ns) => {
      const made = answered(await api.post(paths.configMaps(ns), configMap('a', { k: 'v' }), { dryRun }), 201)
      assert.match(made.metadata.uid, /^[0-9a-f-]{36}$/)
      assert.equal(made.metadata.resourceVersion, undefined)
      assert.equal((await api.get(paths.configMaps(ns, 'a'))).status, 404)
    },
  ),
  inNamespace('a create of what is there is a 409', async (api, ns) => {
    answered(await api.post(paths.configMaps(ns), configMap('a')), 201)
    says(await api.post(paths.configMaps(ns), configMap('a'), { dryRun }), 409, [
      'AlreadyExists',
      'configmaps "a" already exists',
    ])
  }),
  inNamespace('a create is validated', async (api, ns) => {
    says(await api.post(paths.configMaps(ns), configMap('A'), { dryRun }), 422, ['Invalid', /metadata\.name/])
  }),
  inNamespace('an update answers the new object with the old resourceVersion', async (api, ns) => {
    const made = answered(await api.post(paths.leases(ns), lease('a')), 201)
    const body = { ...made, spec: { holderIdentity: 'x' } }
    const shown = answered(await api.put(paths.leases(ns, 'a'), body, { dryRun }), 200)
    assert.equal(shown.spec.holderIdentity, 'x')
    assert.equal(shown.metadata.resourceVersion, made.metadata.resourceVersion)
    assert.deepEqual(answered(await api.get(paths.leases(ns, 'a')), 200), made)
  }),
  inNamespace('an update with an old resourceVersion is a 409', async (api, ns) => {
    const made = answered(await api.post(paths.leases(ns), lease('a')), 201)
    answered(await api.put(paths.leases(ns, 'a'), { ...made, spec: { holderIdentity: 'x' } }), 200)
    says(await api.put(paths.leases(ns, 'a'), made, { dryRun }), 409, [
      'Conflict',
      /the object has been modified/,
    ])
  }),
  inNamespace('a patch keeps nothing', async (api, ns) => {
    const made = answered(await api.post(paths.configMaps(ns), configMap('a')), 201)
    const patch = { data: { k: 'v' } }
    const shown = await api.patch(paths.configMaps(ns, 'a'), patch, { type: 'merge', query: { dryRun } })
    has(answered(shown, 200), patch)
    assert.deepEqual(answered(await api.get(paths.configMaps(ns, 'a')), 200), made)
  }),
  inNamespace('a delete answers 200 and keeps the object', async (api, ns) => {
    const made = answered(await api.post(paths.configMaps(ns), configMap('a')), 201)
    answered(await api.delete(paths.configMaps(ns, 'a'), undefined, { dryRun }), 200)
    answered(await api.delete(paths.configMaps(ns, 'a'), { dryRun: ['All'] }), 200)
    assert.deepEqual(answered(await api.get(paths.configMaps(ns, 'a')), 200), made)
  }),
  inNamespace('a delete of a collection keeps it', async (api, ns) => {
    answered(await api.post(paths.leases(ns), lease('a')), 201)
    answered(await api.delete(paths.leases(ns), undefined, { dryRun }), 200)
    assert.equal((await api.get(paths.leases(ns, 'a'))).status, 200)
  }),
  inNamespace('another word than All is a 422', async (api, ns) => {
    says(await api.post(paths.configMaps(ns), configMap('a'), { dryRun: 'Some' }), 422, [
      'Invalid',
      'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
    ])
  }),
])

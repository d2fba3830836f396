/** Owner references and what the garbage collector makes of them. */
import assert from 'node:assert/strict'
import { about, inNamespace, withControllers } from '../case.ts'
import type { Api } from '../api.ts'
import { answered, says } from '../expected.ts'
import { configMap, paths } from '../objects.ts'

const ownedBy = (uid: string, more = {}) => ({
  ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid, ...more }],
})

async function ownerAndOwned(api: Api, ns: string, more = {}): Promise<string> {
  const owner = answered(await api.post(paths.configMaps(ns), configMap('owner')), 201)
  answered(
    await api.post(paths.configMaps(ns), configMap('owned', {}, ownedBy(owner.metadata.uid, more))),
    201,
  )
  return owner.metadata.uid
}

const gone = (api: Api, path: string) =>
  api.eventually(async () => assert.equal((await api.get(path)).status, 404), 40_000)

/** The rules. */
export const cases = about('owners', [
  inNamespace('an owner reference without a uid is a 422', async (api, ns) => {
    says(await api.post(paths.configMaps(ns), configMap('a', {}, ownedBy(''))), 422, [
      'Invalid',
      'ConfigMap "a" is invalid: metadata.ownerReferences.uid: Invalid value: "": must not be empty',
    ])
  }),
  inNamespace('two controllers are a 422', async (api, ns) => {
    const one = ownedBy('1', { controller: true }).ownerReferences[0]
    const metadata = { ownerReferences: [one, { ...one, name: 'other', uid: '2' }] }
    says(await api.post(paths.configMaps(ns), configMap('a', {}, metadata)), 422, [
      'Invalid',
      /metadata\.ownerReferences: Invalid value: .*: Only one reference can have Controller set to true/,
    ])
  }),
  withControllers(
    inNamespace('in the background what is owned goes after its owner', async (api, ns) => {
      await ownerAndOwned(api, ns)
      answered(await api.delete(paths.configMaps(ns, 'owner'), { propagationPolicy: 'Background' }), 200)
      await gone(api, paths.configMaps(ns, 'owned'))
    }),
  ),
  withControllers(
    inNamespace('an owner whose uid does not exist is no owner: what it owns goes', async (api, ns) => {
      const metadata = ownedBy('11111111-1111-4111-8111-111111111111')
      answered(await api.post(paths.configMaps(ns), configMap('owned', {}, metadata)), 201)
      await gone(api, paths.configMaps(ns, 'owned'))
    }),
  ),
  withControllers(
    inNamespace('Orphan leaves what was owned, without the reference', async (api, ns) => {
      await ownerAndOwned(api, ns)
      answered(await api.delete(paths.configMaps(ns, 'owner'), { propagationPolicy: 'Orphan' }), 200)
      await gone(api, paths.configMaps(ns, 'owner'))
      const left = answered(await api.get(paths.configMaps(ns, 'owned')), 200)
      assert.equal(left.metadata.ownerReferences, undefined)
    }),
  ),
  withControllers(
    inNamespace('Foreground takes what blocks first', async (api, ns) => {
      await ownerAndOwned(api, ns, { blockOwnerDeletion: true })
      answered(await api.delete(paths.configMaps(ns, 'owner'), { propagationPolicy: 'Foreground' }), 200)
      await gone(api, paths.configMaps(ns, 'owner'))
      await gone(api, paths.configMaps(ns, 'owned'))
    }),
  ),
])

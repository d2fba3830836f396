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
  withControllers(
    inNamespace('an owner of that name and another uid is no owner: what it owned goes', async (api, ns) => {
      answered(await api.post(paths.configMaps(ns), configMap('owner')), 201)
      const metadata = ownedBy('11111111-1111-4111-8111-111111111111')
      answered(await api.post(paths.configMaps(ns), configMap('owned', {}, metadata)), 201)
      await gone(api, paths.configMaps(ns, 'owned'))
      answered(await api.get(paths.configMaps(ns, 'owner')), 200)
    }),
  ),
  withControllers(
    inNamespace('what has two owners stays with the second when the first goes', async (api, ns) => {
      const [first, second] = await Promise.all(
        ['first', 'second'].map(async (name) => {
          const { uid } = answered(await api.post(paths.configMaps(ns), configMap(name)), 201).metadata
          return { apiVersion: 'v1', kind: 'ConfigMap', name, uid }
        }),
      )
      const ownerReferences = [first, second]
      answered(await api.post(paths.configMaps(ns), configMap('owned', {}, { ownerReferences })), 201)
      answered(await api.delete(paths.configMaps(ns, 'first'), { propagationPolicy: 'Background' }), 200)
      await api.eventually(async () => {
        const { metadata } = answered(await api.get(paths.configMaps(ns, 'owned')), 200)
        assert.deepEqual(metadata.ownerReferences, [second])
      }, 40_000)
    }),
  ),
  withControllers(
    inNamespace('Foreground waits for what blocks it, and for nothing else', async (api, ns) => {
      const own = async (owner: string, blockOwnerDeletion: boolean): Promise<void> => {
        const { uid } = answered(await api.post(paths.configMaps(ns), configMap(owner)), 201).metadata
        const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: owner, uid, blockOwnerDeletion }
        const metadata = { ownerReferences: [reference], finalizers: ['example.com/held'] }
        answered(await api.post(paths.configMaps(ns), configMap(`of-${owner}`, {}, metadata)), 201)
        answered(await api.delete(paths.configMaps(ns, owner), { propagationPolicy: 'Foreground' }), 200)
      }
      await own('waiting', true)
      await own('free', false)
      await gone(api, paths.configMaps(ns, 'free'))
      const { metadata } = answered(await api.get(paths.configMaps(ns, 'waiting')), 200)
      assert.deepEqual(metadata.finalizers, ['foregroundDeletion'])
      for (const name of ['of-waiting', 'of-free'])
        await api.patch(paths.configMaps(ns, name), { metadata: { finalizers: null } }, { type: 'merge' })
      await gone(api, paths.configMaps(ns, 'waiting'))
    }),
  ),
])

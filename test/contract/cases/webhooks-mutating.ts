/** Mutating webhooks: patches, order, reinvocation. */
import assert from 'node:assert/strict'
import type { Api } from '../api.ts'
import { about, inNamespace } from '../case.ts'
import { answered, says } from '../expected.ts'
import { configMap, lease, paths } from '../objects.ts'
import { register } from '../registrations.ts'
import { admit, patching, refuse, type Reply } from '../webhook-server.ts'

const put = (key: string, value: string): Reply => patching({ op: 'add', path: `/data/${key}`, value })
const create = (api: Api, ns: string, query = {}) =>
  api.post(paths.configMaps(ns), configMap('a', { k: 'v' }), query)
const mutating = async (api: Api, ns: string, reply: Reply) => {
  const hook = api.hook(() => reply)
  await register(api, 'mutating', { ns, entries: [{ hook }] })
  return hook
}

const badPatches: Readonly<Record<string, readonly [response: object, message: RegExp]>> = {
  'a patch that is no JSON': [
    { patchType: 'JSONPatch', patch: Buffer.from('no').toString('base64') },
    /^Internal error occurred: failed calling webhook "hook\.example\.com": received undecodable patch in webhook response: invalid character 'o'/,
  ],
  'a patch that does not fit': [
    { patchType: 'JSONPatch', patch: Buffer.from('[{"op":"remove","path":"/data/z"}]').toString('base64') },
    /^Internal error occurred: error in remove for path: '\/data\/z': Unable to remove nonexistent key: z: missing value$/,
  ],
  'a patch that is no array': [
    { patchType: 'JSONPatch', patch: 'e30=' },
    /received undecodable patch in webhook response: json: cannot unmarshal object into Go value of type jsonpatch\.Patch$/,
  ],
  'a patch without a type': [
    { patch: 'W10=' },
    /^Internal error occurred: failed calling webhook "hook\.example\.com": .*webhook returned response\.patch but not response\.patchType/,
  ],
}

/** The rules. */
export const cases = about('mutating webhooks', [
  inNamespace('a patch is what is kept', async (api, ns) => {
    await mutating(api, ns, put('added', 'x'))
    assert.deepEqual(answered(await create(api, ns), 201).data, { k: 'v', added: 'x' })
    assert.deepEqual(answered(await api.get(paths.configMaps(ns, 'a')), 200).data, { k: 'v', added: 'x' })
  }),
  inNamespace('a patch of a dry run is shown', async (api, ns) => {
    await mutating(api, ns, put('added', 'x'))
    assert.deepEqual(answered(await create(api, ns, { dryRun: 'All' }), 201).data, { k: 'v', added: 'x' })
  }),
  inNamespace('labels and annotations are patched', async (api, ns) => {
    await mutating(
      api,
      ns,
      patching({ op: 'add', path: '/metadata/annotations', value: { 'a.example.com/b': 'c' } }),
    )
    assert.deepEqual(answered(await create(api, ns), 201).metadata.annotations, { 'a.example.com/b': 'c' })
  }),
  inNamespace('an empty patch changes nothing', async (api, ns) => {
    await mutating(api, ns, patching())
    assert.deepEqual(answered(await create(api, ns), 201).data, { k: 'v' })
  }),
  inNamespace('a patch beside a refusal is not applied', async (api, ns) => {
    await mutating(api, ns, refuse('no'))
    says(await create(api, ns), 400, [
      undefined,
      'admission webhook "hook.example.com" denied the request: no',
    ])
  }),
  inNamespace('what a patch makes invalid is refused by the rules of the kind', async (api, ns) => {
    await mutating(api, ns, patching({ op: 'add', path: '/data/a b', value: 'x' }))
    says(await create(api, ns), 422, [
      'Invalid',
      /^ConfigMap "a" is invalid: data\[a b\]: Invalid value: "a b"/,
    ])
  }),
  ...Object.entries(badPatches).map(([name, [response, message]]) =>
    inNamespace(`${name} is a 500`, async (api, ns) => {
      await mutating(api, ns, { response: { allowed: true, ...response } })
      says(await create(api, ns), 500, ['InternalError', message])
    }),
  ),
  inNamespace('they are asked one after another in the order of their registration', async (api, ns) => {
    const seen: string[] = []
    const entries = ['first', 'second', 'third'].map((key) => ({
      name: `${key}.example.com`,
      hook: api.hook(({ request }) => {
        seen.push(Object.keys(request.object.data).join(','))
        return put(key, '1')
      }),
    }))
    await register(api, 'mutating', { ns, entries })
    answered(await create(api, ns), 201)
    assert.deepEqual(
      seen.map((keys) => keys.split(',').sort().join(',')),
      ['k', 'first,k', 'first,k,second'],
    )
  }),
  inNamespace('registrations are asked in the order of their names', async (api, ns) => {
    const order: string[] = []
    const hookOf = (mark: string) =>
      api.hook(() => {
        order.push(mark)
        return admit
      })
    // Names of a run rise: the one that is made first has the lesser name.
    const one = await register(api, 'mutating', { ns, entries: [{ hook: hookOf('one') }] })
    const two = await register(api, 'mutating', { ns, entries: [{ hook: hookOf('two') }] })
    order.length = 0
    answered(await create(api, ns), 201)
    assert.deepEqual(order, one < two ? ['one', 'two'] : ['two', 'one'])
  }),
  inNamespace('a refusal ends it: those after are not asked', async (api, ns) => {
    const after = api.hook(() => admit)
    const entries = [
      { name: 'a.example.com', hook: api.hook(() => refuse('no')) },
      { name: 'b.example.com', hook: after },
    ]
    await register(api, 'mutating', { ns, entries })
    assert.equal((await create(api, ns)).status, 400)
    assert.equal(after.asked.length, 0)
  }),
  inNamespace('IfNeeded is asked again when one after it changed the object', async (api, ns) => {
    const again = api.hook(() => admit)
    const entries = [
      { name: 'a.example.com', hook: again, reinvocationPolicy: 'IfNeeded' },
      { name: 'b.example.com', hook: api.hook(() => put('b', '1')) },
    ]
    await register(api, 'mutating', { ns, entries })
    answered(await create(api, ns), 201)
    assert.equal(again.asked.length, 2)
    assert.deepEqual(again.asked[1]?.request.object.data, { k: 'v', b: '1' })
  }),
  inNamespace('IfNeeded is not asked again when nothing changed after it', async (api, ns) => {
    const again = api.hook(() => put('a', '1'))
    const entries = [
      { name: 'a.example.com', hook: again, reinvocationPolicy: 'IfNeeded' },
      { name: 'b.example.com', hook: api.hook(() => admit) },
    ]
    await register(api, 'mutating', { ns, entries })
    answered(await create(api, ns), 201)
    assert.equal(again.asked.length, 1)
  }),
  inNamespace('Never is asked once', async (api, ns) => {
    const once = api.hook(() => admit)
    const entries = [
      { name: 'a.example.com', hook: once },
      { name: 'b.example.com', hook: api.hook(() => put('b', '1')) },
    ]
    await register(api, 'mutating', { ns, entries })
    answered(await create(api, ns), 201)
    assert.equal(once.asked.length, 1)
  }),
  inNamespace('validating webhooks see what mutating ones made', async (api, ns) => {
    await mutating(api, ns, put('added', 'x'))
    const validating = api.hook(() => admit)
    await register(api, 'validating', { ns, entries: [{ hook: validating }] })
    answered(await create(api, ns), 201)
    assert.deepEqual(validating.asked[0]?.request.object.data, { k: 'v', added: 'x' })
  }),
  inNamespace('mutating webhooks are asked about what is not valid', async (api, ns) => {
    const hook = await mutating(api, ns, admit)
    assert.equal((await api.post(paths.configMaps(ns), configMap('A_'))).status, 422)
    assert.equal(hook.asked.length, 1)
  }),
  inNamespace('a failure under Ignore leaves the object as it was', async (api, ns) => {
    const hook = api.hook(() => 'cut')
    await register(api, 'mutating', { ns, entries: [{ hook, failurePolicy: 'Ignore' }] })
    assert.deepEqual(answered(await create(api, ns), 201).data, { k: 'v' })
  }),
  inNamespace('fields of a webhook are not those of the user', async (api, ns) => {
    await mutating(api, ns, put('added', 'x'))
    const made = answered(await create(api, ns, { fieldManager: 'me' }), 201)
    const owned = JSON.stringify(made.metadata.managedFields)
    assert.match(owned, /"f:k"/)
  }),
  inNamespace('a name may be given by a webhook', async (api, ns) => {
    const rules = [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['CREATE'], resources: ['leases'] }]
    const hook = api.hook(() => patching({ op: 'add', path: '/spec/holderIdentity', value: 'hook' }))
    await register(api, 'mutating', { ns, entries: [{ hook, rules }] })
    const made = answered(await api.post(paths.leases(ns), lease('a')), 201)
    assert.equal(made.spec.holderIdentity, 'hook')
  }),
  inNamespace('an update is patched too', async (api, ns) => {
    const rules = [
      { apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['configmaps'] },
    ]
    const hook = api.hook(() => put('added', 'x'))
    await register(api, 'mutating', { ns, entries: [{ hook, rules }] })
    answered(await create(api, ns), 201)
    const after = answered(
      await api.patch(paths.configMaps(ns, 'a'), { data: { k: 'w' } }, { type: 'merge' }),
      200,
    )
    assert.deepEqual(after.data, { k: 'w', added: 'x' })
  }),
])

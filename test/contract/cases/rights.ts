/** What a right reaches, and what it does not: RBAC, impersonation of more than a name, and who may grant. */
import assert from 'node:assert/strict'
import type { Api } from '../api.ts'
import { about, inNamespace } from '../case.ts'
import { answered, says } from '../expected.ts'
import type { Answer, Options } from '../http.ts'
import { collections, configMap, deployment, paths } from '../objects.ts'

const rbac = 'rbac.authorization.k8s.io'
const roles = {
  apiGroups: [rbac],
  resources: ['roles', 'rolebindings'],
  verbs: ['create', 'update', 'patch', 'get'],
}
const onMaps = (verbs: readonly string[], more: object = {}) => ({
  apiGroups: [''],
  resources: ['configmaps'],
  verbs,
  ...more,
})

type Granting = { readonly subject: object; readonly rules: readonly object[] }

/** Makes a Role and binds it. */
async function grant(api: Api, ns: string, { subject, rules }: Granting): Promise<void> {
  const name = api.name('role')
  answered(await api.post(paths.roles(ns), { metadata: { name }, rules }), 201)
  const roleRef = { apiGroup: rbac, kind: 'Role', name }
  answered(await api.post(paths.bindings(ns), { metadata: { name }, roleRef, subjects: [subject] }), 201)
}

/** A person with these rights in a namespace, and how a request is made as them. */
async function person(api: Api, ns: string, rules: readonly object[]): Promise<Options> {
  const user = api.name('user')
  await grant(api, ns, { subject: { kind: 'User', name: user }, rules })
  return { as: { user } }
}

const account = (ns: string, name: string): string => `system:serviceaccount:${ns}:${name}`
const patch = (body: object): Options => ({ body, contentType: 'application/merge-patch+json' })
/** Rights reach the real authorizer a moment after they are written. */
const soon = (api: Api, ask: () => Promise<Answer>, status: number): Promise<void> =>
  api.eventually(async () => void answered(await ask(), status))

/** Who may impersonate, with a token of their own. */
async function impersonator(api: Api, ns: string, rules: readonly object[]): Promise<string> {
  answered(await api.post(paths.serviceAccounts(ns), { metadata: { name: 'actor' } }), 201)
  const name = api.name('actor')
  await api.borrow(collections.clusterRoles, { metadata: { name }, rules } as { metadata: { name: string } })
  const subjects = [{ kind: 'ServiceAccount', name: 'actor', namespace: ns }]
  const roleRef = { apiGroup: rbac, kind: 'ClusterRole', name }
  await api.borrow(collections.clusterBindings, { metadata: { name }, roleRef, subjects } as {
    metadata: { name: string }
  })
  const made = await api.post(`${paths.serviceAccounts(ns, 'actor')}/token`, {
    spec: { expirationSeconds: 600 },
  })
  return answered(made, 201).status.token
}

const whoAmI = (api: Api, options: Options): Promise<Answer> =>
  api.request('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: {}, ...options })

const mayHave = { apiGroups: [''], verbs: ['impersonate'] }

/** The rules. */
export const cases = about('rights', [
  inNamespace('one on a resource is none on its subresources', async (api, ns) => {
    answered(await api.post(paths.deployments(ns), deployment('a')), 201)
    const rules = [{ apiGroups: ['apps'], resources: ['deployments'], verbs: ['patch'] }]
    const me = await person(api, ns, rules)
    const body = { metadata: { labels: { x: 'y' } } }
    await soon(api, () => api.request('PATCH', paths.deployments(ns, 'a'), { ...me, ...patch(body) }), 200)
    const answer = await api.request('PATCH', `${paths.deployments(ns, 'a')}/status`, { ...me, ...patch({}) })
    assert.equal(answer.status, 403)
  }),
  inNamespace('one on a subresource is none on the resource', async (api, ns) => {
    answered(await api.post(paths.deployments(ns), deployment('a')), 201)
    const rules = [{ apiGroups: ['apps'], resources: ['deployments/status'], verbs: ['patch'] }]
    const me = await person(api, ns, rules)
    await soon(
      api,
      () => api.request('PATCH', `${paths.deployments(ns, 'a')}/status`, { ...me, ...patch({}) }),
      200,
    )
    const answer = await api.request('PATCH', paths.deployments(ns, 'a'), { ...me, ...patch({}) })
    assert.equal(answer.status, 403)
  }),
  inNamespace('one on names is none on the collection, and none on another name', async (api, ns) => {
    for (const name of ['a', 'b']) answered(await api.post(paths.configMaps(ns), configMap(name)), 201)
    const me = await person(api, ns, [onMaps(['get', 'list', 'delete'], { resourceNames: ['a'] })])
    await soon(api, () => api.request('GET', paths.configMaps(ns, 'a'), me), 200)
    assert.equal((await api.request('GET', paths.configMaps(ns), me)).status, 403)
    assert.equal((await api.request('DELETE', paths.configMaps(ns, 'b'), me)).status, 403)
    const query = { fieldSelector: 'metadata.name=a' }
    assert.equal((await api.request('GET', paths.configMaps(ns), { ...me, query })).status, 200)
  }),
  inNamespace('one of an account is none of its namesake in another namespace', async (api, ns) => {
    const other = await api.namespace()
    const subject = { kind: 'ServiceAccount', name: 'sa', namespace: ns }
    await grant(api, ns, { subject, rules: [onMaps(['list'])] })
    await soon(api, () => api.request('GET', paths.configMaps(ns), { as: { user: account(ns, 'sa') } }), 200)
    const namesake = { as: { user: account(other, 'sa') } }
    assert.equal((await api.request('GET', paths.configMaps(ns), namesake)).status, 403)
  }),
  inNamespace('one in a namespace is none in another', async (api, ns) => {
    const me = await person(api, ns, [onMaps(['list'])])
    await soon(api, () => api.request('GET', paths.configMaps(ns), me), 200)
    const other = await api.namespace()
    assert.equal((await api.request('GET', paths.configMaps(other), me)).status, 403)
  }),
  inNamespace('a binding cannot give what its author does not have', async (api, ns) => {
    answered(
      await api.post(paths.roles(ns), { metadata: { name: 'much' }, rules: [onMaps(['delete'])] }),
      201,
    )
    const me = await person(api, ns, [roles])
    const roleRef = { apiGroup: rbac, kind: 'Role', name: 'much' }
    const body = { metadata: { name: 'b' }, roleRef, subjects: [{ kind: 'User', name: 'x' }] }
    await api.eventually(async () =>
      says(await api.request('POST', paths.bindings(ns), { ...me, body }), 403, [
        'Forbidden',
        /is attempting to grant RBAC permissions not currently held:\n\{APIGroups:\[""\], Resources:\["configmaps"\], Verbs:\["delete"\]\}$/,
      ]),
    )
  }),
  inNamespace('the verb bind lets a binding give it all the same', async (api, ns) => {
    answered(
      await api.post(paths.roles(ns), { metadata: { name: 'much' }, rules: [onMaps(['delete'])] }),
      201,
    )
    const bind = { apiGroups: [rbac], resources: ['roles'], verbs: ['bind'], resourceNames: ['much'] }
    const me = await person(api, ns, [roles, bind])
    const roleRef = { apiGroup: rbac, kind: 'Role', name: 'much' }
    const body = { metadata: { name: 'b' }, roleRef, subjects: [{ kind: 'User', name: 'x' }] }
    await soon(api, () => api.request('POST', paths.bindings(ns), { ...me, body }), 201)
  }),
  inNamespace(
    'what gives more than its editor has may not even be labelled, but gets finalizers',
    async (api, ns) => {
      answered(
        await api.post(paths.roles(ns), { metadata: { name: 'much' }, rules: [onMaps(['delete'])] }),
        201,
      )
      const roleRef = { apiGroup: rbac, kind: 'Role', name: 'much' }
      answered(await api.post(paths.bindings(ns), { metadata: { name: 'much' }, roleRef }), 201)
      const me = await person(api, ns, [roles])
      for (const path of [paths.roles(ns, 'much'), paths.bindings(ns, 'much')]) {
        const held = { ...me, ...patch({ metadata: { finalizers: ['example.com/held'] } }) }
        await soon(api, () => api.request('PATCH', path, held), 200)
        const labelled = { ...me, ...patch({ metadata: { labels: { x: 'y' } } }) }
        says(await api.request('PATCH', path, labelled), 403, ['Forbidden', /not currently held/])
        answered(await api.patch(path, { metadata: { finalizers: null } }, { type: 'merge' }), 200)
      }
    },
  ),
  inNamespace('a SubjectAccessReview adds no groups to those it names', async (api) => {
    const ask = async (groups: readonly string[]): Promise<unknown> => {
      const resourceAttributes = {
        verb: 'create',
        group: 'authorization.k8s.io',
        resource: 'selfsubjectaccessreviews',
      }
      const body = { spec: { user: api.name('user'), groups, resourceAttributes } }
      const review = await api.post('/apis/authorization.k8s.io/v1/subjectaccessreviews', body)
      return answered(review, 201).status.allowed
    }
    assert.deepEqual([await ask([]), await ask(['system:authenticated'])], [false, true])
  }),
  inNamespace('an account that is impersonated with groups has those alone', async (api, ns) => {
    const user = account(ns, 'sa')
    const groupsAs = async (groups?: readonly string[]): Promise<unknown> =>
      answered(await whoAmI(api, { as: { user, ...(groups === undefined ? {} : { groups }) } }), 201).status
        .userInfo.groups
    assert.deepEqual(await groupsAs(['crew']), ['crew', 'system:authenticated'])
    assert.deepEqual(await groupsAs(), [
      'system:serviceaccounts',
      `system:serviceaccounts:${ns}`,
      'system:authenticated',
    ])
  }),
  inNamespace('the right to impersonate a user is none to take on groups or a uid', async (api, ns) => {
    const user = api.name('user')
    const token = await impersonator(api, ns, [{ ...mayHave, resources: ['users'], resourceNames: [user] }])
    await soon(api, () => whoAmI(api, { token, as: { user } }), 201)
    for (const more of [{ groups: ['crew'] }, { uid: '1' }, { extra: { scopes: 'all' } }])
      says(await whoAmI(api, { token, as: { user, ...more } }), 403, ['Forbidden', /cannot impersonate/])
    assert.equal((await whoAmI(api, { token, as: { user: `${user}x` } })).status, 403)
  }),
  inNamespace('a group may be taken on by who may impersonate it', async (api, ns) => {
    const user = api.name('user')
    const token = await impersonator(api, ns, [
      { ...mayHave, resources: ['users'], resourceNames: [user] },
      { ...mayHave, resources: ['groups'], resourceNames: ['crew'] },
    ])
    await soon(api, () => whoAmI(api, { token, as: { user, groups: ['crew'] } }), 201)
    assert.equal((await whoAmI(api, { token, as: { user, groups: ['crew', 'captains'] } })).status, 403)
  }),
])

/** Who asks, and what they may: 401, 403, impersonation and the reviews. */
import assert from 'node:assert/strict'
import type { Api } from '../api.ts'
import { about, inNamespace, rule } from '../case.ts'
import { answered, refused, says } from '../expected.ts'
import { collections, configMap, lease, paths } from '../objects.ts'

const nobody = { user: 'nobody', groups: ['idle'] }

async function grant(
  api: Api,
  ns: string,
  { user, rules }: { readonly user: string; readonly rules: readonly object[] },
) {
  answered(await api.post(paths.roles(ns), { metadata: { name: user }, rules }), 201)
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: user }
  const subjects = [{ kind: 'User', name: user }]
  answered(await api.post(paths.bindings(ns), { metadata: { name: user }, roleRef, subjects }), 201)
}

/** The rules. */
export const cases = about('who', [
  rule('a token that nobody has is a 401', async (api) => {
    refused(await api.request('GET', '/api/v1/namespaces', { token: 'wrong' }), {
      code: 401,
      reason: 'Unauthorized',
      message: 'Unauthorized',
    })
  }),
  rule('no token is the anonymous user, who may not', async (api) => {
    refused(await api.request('GET', '/api/v1/namespaces', { token: null }), {
      code: 403,
      reason: 'Forbidden',
      message:
        'namespaces is forbidden: User "system:anonymous" cannot list resource "namespaces" in API group "" at the cluster scope',
      details: { kind: 'namespaces' },
    })
  }),
  rule('anyone may ask for health and version', async (api) => {
    for (const path of ['/healthz', '/readyz', '/livez']) {
      const answer = await api.request('GET', path, { token: null })
      assert.deepEqual([answer.status, answer.text], [200, 'ok'])
    }
    const version = answered(await api.request('GET', '/version', { token: null }), 200)
    assert.match(version.gitVersion, /^v\d+\.\d+\.\d+/)
    assert.match(version.major, /^\d+$/)
  }),
  inNamespace(
    'a list that is not allowed is a 403 that names user, verb, resource and namespace',
    async (api, ns) => {
      refused(await api.request('GET', paths.configMaps(ns), { as: nobody }), {
        code: 403,
        reason: 'Forbidden',
        message: `configmaps is forbidden: User "nobody" cannot list resource "configmaps" in API group "" in the namespace "${ns}"`,
        details: { kind: 'configmaps' },
      })
    },
  ),
  inNamespace('a get that is not allowed names the object', async (api, ns) => {
    refused(await api.request('GET', paths.leases(ns, 'a'), { as: nobody }), {
      code: 403,
      reason: 'Forbidden',
      message: `leases.coordination.k8s.io "a" is forbidden: User "nobody" cannot get resource "leases" in API group "coordination.k8s.io" in the namespace "${ns}"`,
      details: { name: 'a', group: 'coordination.k8s.io', kind: 'leases' },
    })
  }),
  inNamespace('a subresource that is not allowed is named', async (api, ns) => {
    const answer = await api.request('PATCH', `${paths.deployments(ns, 'a')}/status`, {
      as: nobody,
      body: {},
      contentType: 'application/merge-patch+json',
    })
    says(answer, 403, [
      'Forbidden',
      `deployments.apps "a" is forbidden: User "nobody" cannot patch resource "deployments/status" in API group "apps" in the namespace "${ns}"`,
    ])
  }),
  rule('a path that is not allowed is named', async (api) => {
    says(await api.request('GET', '/metrics', { as: nobody }), 403, [
      'Forbidden',
      'forbidden: User "nobody" cannot get path "/metrics"',
    ])
  }),
  inNamespace('each verb is its own', async (api, ns) => {
    const user = api.name('user')
    await grant(api, ns, {
      user,
      rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'create'] }],
    })
    const ask = (method: string, path: string, body?: object) =>
      api.request(method, path, { as: { user }, ...(body === undefined ? {} : { body }) })
    await api.eventually(async () => answered(await ask('POST', paths.configMaps(ns), configMap('a')), 201))
    assert.equal((await ask('GET', paths.configMaps(ns, 'a'))).status, 200)
    const refusals: Readonly<Record<string, Promise<{ body: { message: string }; status: number }>>> = {
      'cannot list resource': ask('GET', paths.configMaps(ns)),
      'cannot watch resource': ask('GET', `${paths.configMaps(ns)}?watch=true`),
      'cannot update resource': ask('PUT', paths.configMaps(ns, 'a'), configMap('a')),
      'cannot patch resource': ask('PATCH', paths.configMaps(ns, 'a'), {}),
      'cannot delete resource': ask('DELETE', paths.configMaps(ns, 'a')),
      'cannot deletecollection resource': ask('DELETE', paths.configMaps(ns)),
    }
    for (const [text, asked] of Object.entries(refusals)) {
      const answer = await asked
      assert.equal(answer.status, 403)
      assert.ok(answer.body.message.includes(text), answer.body.message)
    }
  }),
  inNamespace('resourceNames allow one object and no list', async (api, ns) => {
    const user = api.name('user')
    const rules = [
      { apiGroups: [''], resources: ['configmaps'], resourceNames: ['a'], verbs: ['get', 'list'] },
    ]
    await grant(api, ns, { user, rules })
    answered(await api.post(paths.configMaps(ns), configMap('a')), 201)
    const ask = (path: string) => api.request('GET', path, { as: { user } })
    await api.eventually(async () => answered(await ask(paths.configMaps(ns, 'a')), 200))
    assert.equal((await ask(paths.configMaps(ns, 'b'))).status, 403)
    assert.equal((await ask(paths.configMaps(ns))).status, 403)
    assert.equal((await ask(`${paths.configMaps(ns)}?fieldSelector=metadata.name%3Da`)).status, 200)
  }),
  inNamespace('a group is bound as a user is', async (api, ns) => {
    const group = api.name('group')
    const metadata = { name: 'g' }
    const rules = [{ apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['*'] }]
    answered(await api.post(paths.roles(ns), { metadata, rules }), 201)
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'g' }
    const subjects = [{ kind: 'Group', name: group }]
    answered(await api.post(paths.bindings(ns), { metadata, roleRef, subjects }), 201)
    const as = { user: 'any', groups: [group] }
    await api.eventually(async () =>
      answered(await api.request('POST', paths.leases(ns), { body: lease('a'), as }), 201),
    )
  }),
  rule('a ClusterRole bound in a namespace holds there alone', async (api) => {
    const [here, there] = [await api.namespace(), await api.namespace()]
    const user = api.name('user')
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }]
    await api.borrow(collections.clusterRoles, { metadata: { name: user }, rules } as {
      metadata: { name: string }
    })
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: user }
    const subjects = [{ kind: 'User', name: user }]
    answered(await api.post(paths.bindings(here), { metadata: { name: 'b' }, roleRef, subjects }), 201)
    const list = (ns: string) => api.request('GET', paths.configMaps(ns), { as: { user } })
    await api.eventually(async () => answered(await list(here), 200))
    assert.equal((await list(there)).status, 403)
  }),
  rule('a ClusterRole bound in the cluster holds everywhere', async (api) => {
    const ns = await api.namespace()
    const user = api.name('user')
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }]
    const metadata = { name: user }
    await api.borrow(collections.clusterRoles, { metadata, rules } as { metadata: { name: string } })
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: user }
    const subjects = [{ kind: 'User', name: user }]
    await api.borrow(collections.clusterBindings, { metadata, roleRef, subjects } as {
      metadata: { name: string }
    })
    const list = (path: string) => api.request('GET', path, { as: { user } })
    await api.eventually(async () => answered(await list(paths.configMaps(ns)), 200))
    answered(await list('/api/v1/configmaps?limit=1'), 200)
  }),
  inNamespace('nobody grants what they do not have', async (api, ns) => {
    const user = api.name('user')
    const rules = [{ apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'], verbs: ['create'] }]
    await grant(api, ns, { user, rules })
    const wanted = [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }]
    const answer = await api.eventually(async () => {
      const body = { metadata: { name: 'more' }, rules: wanted }
      const answer = await api.request('POST', paths.roles(ns), { body, as: { user } })
      assert.match(answer.body.message, /attempting to grant/)
      return answer
    })
    says(answer, 403, [
      'Forbidden',
      `roles.rbac.authorization.k8s.io "more" is forbidden: user "${user}" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}`,
    ])
  }),
  rule('impersonation needs the right to', async (api) => {
    const token = api.endpoint.token
    const answer = await api.request('GET', '/api/v1/namespaces', { token, as: nobody })
    assert.equal(answer.status, 403)
    const anonymous = await api.request('GET', '/api/v1/namespaces', { token: null, as: nobody })
    says(anonymous, 403, [
      'Forbidden',
      'namespaces is forbidden: User "system:anonymous" cannot impersonate-on:user-info:list resource "namespaces" in API group "" at the cluster scope',
    ])
  }),
  rule('groups without a user to impersonate are a 400', async (api) => {
    const answer = await api.request('GET', '/api/v1/namespaces', { headers: { 'impersonate-group': 'g' } })
    says(answer, 400, ['BadRequest', /without impersonating a user name$/])
  }),
])

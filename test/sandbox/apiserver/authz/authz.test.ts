import t from 'tap'
import { call, maps, started } from '../client.ts'

const alice = {
  name: 'alice',
  token: 'a',
  groups: ['crew'],
  grants: [{ verbs: ['get', 'list'], resources: ['configmaps'], namespaces: ['default'] }],
}
const rbac = '/apis/rbac.authorization.k8s.io/v1'

t.test('an unknown token is 401, no token is anonymous', async (t) => {
  const api = await started(t)
  t.match(await call(api, 'GET', maps, undefined, { headers: { authorization: 'Bearer wrong' } }), {
    code: 401,
    body: { message: 'Unauthorized' },
  })
  t.match(await call(api, 'GET', maps, undefined, { user: '' }), {
    code: 403,
    body: { message: /User "system:anonymous" cannot list/ },
  })
  t.equal((await call(api, 'GET', '/readyz', undefined, { user: '' })).body, 'ok')
})

t.test('a scripted grant allows what it says, and a refusal says what was wanted', async (t) => {
  const api = await started(t, { users: [alice] })
  t.equal((await call(api, 'GET', maps, undefined, { user: 'alice' })).code, 200)
  const refused = await call(api, 'DELETE', `${maps}/x`, undefined, { user: 'alice' })
  t.match(refused, {
    code: 403,
    body: {
      reason: 'Forbidden',
      message:
        'configmaps "x" is forbidden: User "alice" cannot delete resource "configmaps" in API group "" in the namespace "default"',
    },
  })
})

t.test('a RoleBinding allows in its namespace only, and a SubjectAccessReview agrees', async (t) => {
  const api = await started(t, { users: [alice] })
  const namespaced = `${rbac}/namespaces/default`
  await call(api, 'POST', `${namespaced}/roles`, {
    metadata: { name: 'r' },
    rules: [{ verbs: ['create'], apiGroups: [''], resources: ['secrets'] }],
  })
  await call(api, 'POST', `${namespaced}/rolebindings`, {
    metadata: { name: 'b' },
    roleRef: { kind: 'Role', name: 'r' },
    subjects: [{ kind: 'Group', name: 'crew' }],
  })
  const secret = { metadata: { name: 's' } }
  t.equal(
    (await call(api, 'POST', '/api/v1/namespaces/default/secrets', secret, { user: 'alice' })).code,
    201,
  )
  t.equal(
    (await call(api, 'POST', '/api/v1/namespaces/kube-system/secrets', secret, { user: 'alice' })).code,
    403,
  )
  const ask = async (namespace: string): Promise<unknown> => {
    const spec = {
      user: 'alice',
      groups: ['crew'],
      resourceAttributes: { verb: 'create', resource: 'secrets', namespace },
    }
    return (await call(api, 'POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { spec })).body
      .status
  }
  t.match(await ask('default'), {
    allowed: true,
    reason: 'RBAC: allowed by RoleBinding "b/default" of Role "r"',
  })
  t.match(await ask('kube-system'), { allowed: false })
})

t.test('impersonation needs the verb, and gives service accounts their groups', async (t) => {
  const api = await started(t, { users: [alice] })
  const who = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
  const as = { 'impersonate-user': 'system:serviceaccount:velero:velero' }
  t.match(await call(api, 'POST', who, {}, { headers: as }), {
    code: 201,
    body: {
      status: {
        userInfo: {
          username: as['impersonate-user'],
          groups: ['system:serviceaccounts', 'system:serviceaccounts:velero', 'system:authenticated'],
        },
      },
    },
  })
  t.match(await call(api, 'POST', who, {}, { user: 'alice', headers: as }), {
    code: 403,
    body: {
      message:
        'selfsubjectreviews.authentication.k8s.io is forbidden: User "alice" cannot impersonate-on:serviceaccount:create resource "selfsubjectreviews" in API group "authentication.k8s.io" at the cluster scope',
    },
  })
})

t.test('a TokenReview knows the users by their tokens', async (t) => {
  const api = await started(t, { users: [alice] })
  const review = async (token: string): Promise<unknown> =>
    (await call(api, 'POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token } })).body.status
  t.match(await review('a'), {
    authenticated: true,
    user: { username: 'alice', groups: ['crew', 'system:authenticated'] },
  })
  t.match(await review('nope'), { error: 'invalid bearer token' })
})

t.test('nobody binds a role that grants more than they hold, unless they may bind it', async (t) => {
  const path = '/apis/rbac.authorization.k8s.io/v1/namespaces/velero'
  const rules = [{ apiGroups: [''], resources: ['secrets', 'pods'], verbs: ['get', 'list'] }]
  const grants = [
    { verbs: ['create'], groups: ['rbac.authorization.k8s.io'], resources: ['rolebindings'] },
    { verbs: ['get'], groups: [''], resources: ['pods'] },
  ]
  const bind = {
    verbs: ['bind'],
    groups: ['rbac.authorization.k8s.io'],
    resources: ['roles'],
    names: ['strong'],
  }
  const api = await started(t, {
    users: [
      { name: 'eve', token: 'e', grants },
      { name: 'bob', token: 'b', grants: [...grants, bind] },
    ],
  })
  await call(api, 'POST', '/api/v1/namespaces', { metadata: { name: 'velero' } })
  await call(api, 'POST', `${path}/roles`, { metadata: { name: 'strong' }, rules })
  const binding = (name: string): object => ({
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'strong' },
    subjects: [{ kind: 'User', name: 'eve' }],
  })
  t.match(await call(api, 'POST', `${path}/rolebindings`, binding('a'), { user: 'eve' }), {
    code: 403,
    body: {
      message:
        'rolebindings.rbac.authorization.k8s.io "a" is forbidden: user "eve" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["list"]}\n{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}',
    },
  })
  t.match(await call(api, 'POST', `${path}/rolebindings`, binding('b'), { user: 'bob' }), { code: 201 })
})

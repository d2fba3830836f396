/** The reviews: who am I, whose is this token, who may do what. */
import assert from 'node:assert/strict'
import type { Api } from '../api.ts'
import { about, inNamespace, rule } from '../case.ts'
import { answered, has, says } from '../expected.ts'
import { paths } from '../objects.ts'

const authorization = '/apis/authorization.k8s.io/v1'
const authentication = '/apis/authentication.k8s.io/v1'
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

const mayI = async (api: Api, attributes: object, as?: { user: string; groups?: readonly string[] }) =>
  answered(
    await api.request('POST', `${authorization}/selfsubjectaccessreviews`, {
      body: { spec: attributes },
      ...(as === undefined ? {} : { as }),
    }),
    201,
  ).status

/** The rules. */
export const cases = about('reviews', [
  rule('SelfSubjectReview says who asks', async (api) => {
    const me = answered(await api.post(`${authentication}/selfsubjectreviews`, {}), 201)
    has(me, {
      kind: 'SelfSubjectReview',
      status: { userInfo: { username: 'admin', groups: ['system:masters', 'system:authenticated'] } },
    })
    const other = await api.request('POST', `${authentication}/selfsubjectreviews`, {
      body: {},
      as: { user: 'bob', groups: ['crew'], uid: 'u', extra: { scope: 'x' } },
    })
    assert.deepEqual(answered(other, 201).status.userInfo, {
      username: 'bob',
      uid: 'u',
      groups: ['crew', 'system:authenticated'],
      extra: { scope: ['x'] },
    })
  }),
  rule('TokenReview knows a good token and says nothing of a bad one', async (api) => {
    const review = async (token: string) =>
      answered(await api.post(`${authentication}/tokenreviews`, { spec: { token } }), 201).status
    has(await review(api.endpoint.token), {
      authenticated: true,
      user: { username: 'admin', groups: ['system:masters', 'system:authenticated'] },
    })
    const bad = await review('wrong')
    assert.equal(bad.authenticated, undefined)
    assert.equal(bad.error, 'invalid bearer token')
    assert.deepEqual(bad.user, {})
  }),
  rule('a TokenReview without a token is a 400', async (api) => {
    says(await api.post(`${authentication}/tokenreviews`, { spec: {} }), 400, [
      'BadRequest',
      'token is required for TokenReview in authentication',
    ])
  }),
  inNamespace('SelfSubjectAccessReview says what the asker may, and why', async (api, ns) => {
    const user = api.name('user')
    await grant(api, ns, {
      user,
      rules: [{ apiGroups: ['velero.io'], resources: ['backups'], verbs: ['get'] }],
    })
    const ask = (verb: string) =>
      mayI(
        api,
        { resourceAttributes: { namespace: ns, verb, group: 'velero.io', resource: 'backups' } },
        { user },
      )
    await api.eventually(async () => {
      const yes = await ask('get')
      assert.equal(yes.allowed, true)
      assert.match(
        yes.reason,
        new RegExp(`^RBAC: allowed by RoleBinding "${user}/${ns}" of Role "${user}" to User "${user}"$`),
      )
    })
    assert.deepEqual(await ask('delete'), { allowed: false })
  }),
  rule('SelfSubjectAccessReview knows paths', async (api) => {
    const path = (name: string) => ({ nonResourceAttributes: { path: name, verb: 'get' } })
    assert.equal((await mayI(api, path('/healthz'), nobody)).allowed, true)
    assert.equal((await mayI(api, path('/metrics'), nobody)).allowed, false)
    assert.equal((await mayI(api, path('/metrics'))).allowed, true)
  }),
  inNamespace('SubjectAccessReview asks for another, by user and by group', async (api, ns) => {
    const user = api.name('user')
    await grant(api, ns, {
      user,
      rules: [{ apiGroups: [''], resources: ['serviceaccounts'], resourceNames: ['sa'], verbs: ['use'] }],
    })
    const ask = async (name: string) => {
      const resourceAttributes = { namespace: ns, verb: 'use', group: '', resource: 'serviceaccounts', name }
      const body = { spec: { user, groups: ['g'], resourceAttributes } }
      return answered(await api.post(`${authorization}/subjectaccessreviews`, body), 201).status.allowed
    }
    await api.eventually(async () => assert.equal(await ask('sa'), true))
    assert.equal(await ask('other'), false)
    const masters = {
      spec: { groups: ['system:masters'], resourceAttributes: { verb: '*', group: '*', resource: '*' } },
    }
    const all = answered(await api.post(`${authorization}/subjectaccessreviews`, masters), 201)
    assert.equal(all.status.allowed, true)
  }),
  rule('SubjectAccessReview without user and groups is a 422', async (api) => {
    const body = { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } }
    says(await api.post(`${authorization}/subjectaccessreviews`, body), 422, [
      'Invalid',
      /^.*\.authorization\.k8s\.io "" is invalid: spec\.user: Invalid value: "": at least one of user or group must be specified$/,
    ])
  }),
  rule('SubjectAccessReview without attributes is a 422', async (api) => {
    says(await api.post(`${authorization}/subjectaccessreviews`, { spec: { user: 'u' } }), 422, [
      'Invalid',
      /exactly one of nonResourceAttributes or resourceAttributes must be specified/,
    ])
  }),
  inNamespace('LocalSubjectAccessReview asks in its namespace', async (api, ns) => {
    const path = `${authorization}/namespaces/${ns}/localsubjectaccessreviews`
    const resourceAttributes = { namespace: ns, verb: 'get', resource: 'pods' }
    const answer = answered(await api.post(path, { spec: { user: 'u', resourceAttributes } }), 201)
    assert.equal(answer.status.allowed, false)
    assert.equal(answer.metadata.namespace, ns)
  }),
  inNamespace('a custom verb is a verb', async (api, ns) => {
    const user = api.name('user')
    await grant(api, ns, {
      user,
      rules: [{ apiGroups: ['tidewaiter.io'], resources: ['actionruns'], verbs: ['release'] }],
    })
    const attributes = { namespace: ns, verb: 'release', group: 'tidewaiter.io', resource: 'actionruns' }
    await api.eventually(async () =>
      assert.equal((await mayI(api, { resourceAttributes: attributes }, { user })).allowed, true),
    )
  }),
  inNamespace('a right to a subresource is not one to the resource, nor the other way', async (api, ns) => {
    const user = api.name('user')
    await grant(api, ns, {
      user,
      rules: [{ apiGroups: ['velero.io'], resources: ['backups/status'], verbs: ['update'] }],
    })
    const may = async (subresource: string) => {
      const resourceAttributes = {
        namespace: ns,
        verb: 'update',
        group: 'velero.io',
        resource: 'backups',
        subresource,
      }
      return (await mayI(api, { resourceAttributes }, { user })).allowed
    }
    await api.eventually(async () => assert.equal(await may('status'), true))
    assert.equal(await may(''), false)
  }),
])

/** Finer points of policies and webhooks that a rougher server would get wrong. */
import assert from 'node:assert/strict'
import type { Api } from '../api.ts'
import { about, inNamespace } from '../case.ts'
import { answered, says } from '../expected.ts'
import { collections, configMap, deployment, paths } from '../objects.ts'
import { enforce, register } from '../registrations.ts'
import { admit, refuse } from '../webhook-server.ts'

const create = (api: Api, ns: string, name = 'a', data: object = { k: 'v' }) =>
  api.post(paths.configMaps(ns), configMap(name, { ...data }))
const maps = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }

/** The rules. */
export const cases = about('admission finer', [
  inNamespace('excludeResourceRules take out of a policy what they mean', async (api, ns) => {
    await enforce(api, ns, {
      matchConstraints: {
        resourceRules: [maps],
        excludeResourceRules: [{ ...maps, resourceNames: ['free'] }],
      },
      validations: [{ expression: "object.data.k != 'no'" }],
    })
    assert.equal((await create(api, ns, 'a', { k: 'no' })).status, 422)
    answered(await create(api, ns, 'free', { k: 'no' }), 201)
  }),
  inNamespace(
    'a variable that cannot be evaluated denies where it is used, and only there',
    async (api, ns) => {
      await enforce(api, ns, {
        variables: [
          { name: 'missing', expression: 'object.data.missing' },
          { name: 'k', expression: 'object.data.k' },
        ],
        validations: [{ expression: "variables.k != 'use' || variables.missing != 'x'" }],
      })
      answered(await create(api, ns, 'a', { k: 'leave' }), 201)
      answered(await create(api, ns, 'b', { k: 'use', missing: 'y' }), 201)
      says(await create(api, ns, 'c', { k: 'use' }), 422, [
        'Invalid',
        /composited variable "missing" fails to evaluate: /,
      ])
    },
  ),
  inNamespace('a messageExpression with several lines gives way to the message', async (api, ns) => {
    await enforce(api, ns, {
      validations: [
        { expression: "object.data.k != 'no'", messageExpression: "'first line\\nsecond'", message: 'plain' },
      ],
    })
    says(await create(api, ns, 'a', { k: 'no' }), 422, ['Invalid', /denied request: plain$/])
  }),
  inNamespace('authorizer.requestResource is the subresource where one is asked', async (api, ns) => {
    const name = api.name('user')
    const rules = [{ apiGroups: ['apps'], resources: ['deployments/status'], verbs: ['patch'] }]
    answered(await api.post(paths.roles(ns), { metadata: { name }, rules }), 201)
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name }
    const subjects = [{ kind: 'User', name }]
    answered(await api.post(paths.bindings(ns), { metadata: { name }, roleRef, subjects }), 201)
    answered(await api.post(paths.deployments(ns), deployment('a')), 201)
    const status = {
      apiGroups: ['apps'],
      apiVersions: ['v1'],
      operations: ['UPDATE'],
      resources: ['deployments/status'],
    }
    await enforce(api, ns, {
      matchConstraints: { resourceRules: [maps, status] },
      validations: [
        {
          expression:
            "request.resource.resource != 'deployments' || authorizer.requestResource.check('patch').allowed()",
        },
      ],
    })
    const answer = await api.request('PATCH', `${paths.deployments(ns, 'a')}/status`, {
      as: { user: name },
      body: { status: { observedGeneration: 1 } },
      contentType: 'application/merge-patch+json',
    })
    answered(answer, 200)
  }),
  inNamespace('a match condition that is false decides before one that fails', async (api, ns) => {
    const hook = api.hook(() => refuse('no'))
    const matchConditions = [
      { name: 'fails', expression: "object.data.missing == 'x'" },
      { name: 'false', expression: "object.data.k == 'no'" },
    ]
    const needed = "has(object.metadata.labels) && 'contract-canary' in object.metadata.labels"
    await register(api, 'validating', {
      ns,
      entries: [
        {
          hook,
          matchConditions: matchConditions.map((one) => ({
            ...one,
            expression: `${needed} || ${one.expression}`,
          })),
        },
      ],
    })
    answered(await create(api, ns), 201)
    assert.equal(hook.asked.length, 0)
    assert.equal((await create(api, ns, 'b', { k: 'no' })).status, 403)
    assert.equal((await create(api, ns, 'c', { k: 'no', missing: 'x' })).status, 400)
  }),
  inNamespace('the time that a webhook is told is rounded up to seconds', async (api, ns) => {
    const hook = api.hook(() => admit)
    await register(api, 'validating', { ns, entries: [{ hook, timeoutSeconds: 20 }] })
    answered(await api.post(paths.configMaps(ns), configMap('a'), { timeout: '4500ms' }), 201)
    assert.equal(hook.asked[0]?.query.get('timeout'), '5s')
  }),
  inNamespace('a rule of scope Cluster is none for what lies in a namespace', async (api, ns) => {
    const [cluster, namespaced] = [api.hook(() => admit), api.hook(() => admit)]
    await register(api, 'validating', {
      ns,
      entries: [
        { hook: cluster, name: 'cluster.example.com', rules: [{ ...maps, scope: 'Cluster' }] },
        { hook: namespaced, name: 'namespaced.example.com', rules: [{ ...maps, scope: 'Namespaced' }] },
      ],
    })
    answered(await create(api, ns), 201)
    assert.deepEqual([cluster.asked.length, namespaced.asked.length], [0, 1])
  }),
  inNamespace('a policy that is bound nowhere does nothing', async (api, ns) => {
    const name = api.name('policy')
    await api.borrow(collections.policies, {
      metadata: { name },
      spec: {
        matchConstraints: { resourceRules: [maps] },
        validations: [{ expression: 'false' }],
      },
    } as { metadata: { name: string } })
    await enforce(api, ns, { validations: [{ expression: "object.data.k != 'no'" }] })
    assert.equal((await create(api, ns, 'a', { k: 'no' })).status, 422)
    answered(await create(api, ns), 201)
  }),
])

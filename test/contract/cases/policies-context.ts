/** What a ValidatingAdmissionPolicy may ask: objects, variables, request, namespace, authorizer. */
import assert from 'node:assert/strict'
import type { Api } from '../api.ts'
import { about, inNamespace } from '../case.ts'
import { answered, says } from '../expected.ts'
import { configMap, deployment, paths } from '../objects.ts'
import { enforce, register } from '../registrations.ts'
import { admit, patching } from '../webhook-server.ts'
import { widgets } from '../widgets.ts'

const onMaps = (...operations: readonly string[]) => ({
  resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations, resources: ['configmaps'] }],
})
const on = (
  group: string,
  resources: readonly string[],
  operations: readonly string[] = ['CREATE', 'UPDATE'],
) => ({
  resourceRules: [
    { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] },
    { apiGroups: [group], apiVersions: ['v1'], operations, resources },
  ],
})
const create = (api: Api, ns: string, data: object = { k: 'v' }, query = {}) =>
  api.post(paths.configMaps(ns), configMap('a', { ...data }), query)
const denial = (policy: string, text: string): string =>
  `configmaps "a" is forbidden: ValidatingAdmissionPolicy '${policy}' with binding '${policy}' denied request: ${text}`
const notK = { expression: "object.data.k != 'no'", message: 'k may not be no' }

/** The rules. */
export const cases = about('policies', [
  inNamespace('matchConditions decide whether it is asked', async (api, ns) => {
    await enforce(api, ns, {
      validations: [notK],
      matchConditions: [{ name: 'not-bob', expression: "request.userInfo.username != 'bob'" }],
    })
    const as = { user: 'bob', groups: ['system:masters'] }
    answered(await api.request('POST', paths.configMaps(ns), { body: configMap('b', { k: 'no' }), as }), 201)
    assert.equal((await create(api, ns, { k: 'no' })).status, 422)
  }),
  inNamespace('a matchCondition that fails denies under Fail', async (api, ns) => {
    const expression = "!has(object.data) || object.data.missing == 'x'"
    const policy = await enforce(api, ns, {
      validations: [notK],
      matchConditions: [{ name: 'c', expression }],
    })
    const answer = await create(api, ns)
    assert.equal(answer.status, 422, answer.text)
    assert.match(
      answer.body.message,
      new RegExp(`ValidatingAdmissionPolicy '${policy}'.*no such key: missing`, 's'),
    )
  }),
  inNamespace('variables are made of object and of other variables', async (api, ns) => {
    const policy = await enforce(api, ns, {
      variables: [
        { name: 'k', expression: "has(object.data) && 'k' in object.data ? object.data.k : ''" },
        { name: 'loud', expression: "variables.k + '!'" },
      ],
      validations: [
        { expression: "variables.loud != 'no!'", messageExpression: "'heard ' + variables.loud" },
      ],
    })
    says(await create(api, ns, { k: 'no' }), 422, ['Invalid', denial(policy, 'heard no!')])
    answered(await create(api, ns), 201)
  }),
  inNamespace('oldObject is there on UPDATE and null on CREATE', async (api, ns) => {
    const policy = await enforce(api, ns, {
      matchConstraints: onMaps('CREATE', 'UPDATE'),
      validations: [
        { expression: 'oldObject == null || oldObject.data.k == object.data.k', message: 'k stays' },
      ],
    })
    answered(await create(api, ns), 201)
    answered(await api.patch(paths.configMaps(ns, 'a'), { data: { l: 'x' } }, { type: 'merge' }), 200)
    says(await api.patch(paths.configMaps(ns, 'a'), { data: { k: 'w' } }, { type: 'merge' }), 422, [
      'Invalid',
      denial(policy, 'k stays'),
    ])
  }),
  inNamespace('DELETE has an old object alone', async (api, ns) => {
    const policy = await enforce(api, ns, {
      matchConstraints: onMaps('CREATE', 'DELETE'),
      validations: [
        {
          expression: "request.operation != 'DELETE' || (object == null && oldObject.data.k != 'keep')",
          message: 'kept',
        },
      ],
    })
    answered(await create(api, ns, { k: 'keep' }), 201)
    says(await api.delete(paths.configMaps(ns, 'a')), 422, ['Invalid', denial(policy, 'kept')])
    answered(await api.patch(paths.configMaps(ns, 'a'), { data: { k: 'go' } }, { type: 'merge' }), 200)
    answered(await api.delete(paths.configMaps(ns, 'a')), 200)
  }),
  inNamespace('request tells user, operation, name and dry run', async (api, ns) => {
    await enforce(api, ns, {
      validations: [
        {
          expression: [
            "request.operation == 'CREATE'",
            "request.userInfo.username == 'admin'",
            "'system:masters' in request.userInfo.groups",
            `request.namespace == '${ns}'`,
            "request.resource.resource == 'configmaps'",
            "request.kind.kind == 'ConfigMap'",
            '!request.dryRun',
          ].join(' && '),
        },
      ],
    })
    answered(await create(api, ns), 201)
  }),
  inNamespace('namespaceObject tells of the namespace', async (api, ns) => {
    const policy = await enforce(api, ns, {
      validations: [{ expression: `namespaceObject.metadata.name != '${ns}'`, message: 'not here' }],
    })
    says(await create(api, ns), 422, ['Invalid', denial(policy, 'not here')])
  }),
  inNamespace('the authorizer is asked about the user', async (api, ns) => {
    const check = `authorizer.group('example.com').resource('things').namespace('${ns}').name('n').check('poke').allowed()`
    const policy = await enforce(api, ns, {
      validations: [{ expression: `object.data.k != 'poke' || ${check}`, message: 'needs poke' }],
    })
    const roles = [
      { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] },
      { apiGroups: ['example.com'], resources: ['things'], resourceNames: ['n'], verbs: ['poke'] },
    ]
    for (const [name, rules] of [
      ['no', roles.slice(0, 1)],
      ['yes', roles],
    ] as const) {
      answered(await api.post(paths.roles(ns), { metadata: { name }, rules }), 201)
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name }
      answered(
        await api.post(paths.bindings(ns), {
          metadata: { name },
          roleRef,
          subjects: [{ kind: 'User', name }],
        }),
        201,
      )
    }
    const by = (user: string) =>
      api.request('POST', paths.configMaps(ns), { body: configMap('a', { k: 'poke' }), as: { user } })
    await api.eventually(async () => says(await by('no'), 422, ['Invalid', denial(policy, 'needs poke')]))
    await api.eventually(async () => answered(await by('yes'), 201))
  }),
  inNamespace('the authorizer tells of subresources and of the request itself', async (api, ns) => {
    const policy = await enforce(api, ns, {
      validations: [
        {
          expression:
            "authorizer.group('velero.io').resource('backups').subresource('status').check('update').allowed()",
          message: 'sub',
        },
        { expression: "authorizer.requestResource.check('create').allowed()", message: 'own' },
        { expression: "authorizer.path('/healthz').check('get').allowed()", message: 'path' },
        {
          expression:
            "authorizer.serviceAccount('nobody', 'nothing').group('').resource('pods').check('get').allowed()",
          message: 'account',
        },
      ],
    })
    says(await create(api, ns), 422, ['Invalid', denial(policy, 'account')])
  }),
  inNamespace('a policy sees what mutating webhooks made', async (api, ns) => {
    const hook = api.hook(() => patching({ op: 'replace', path: '/data/k', value: 'no' }))
    await register(api, 'mutating', { ns, entries: [{ hook }] })
    await enforce(api, ns, { validations: [notK] })
    assert.equal((await create(api, ns)).status, 422)
  }),
  inNamespace('a policy and a validating webhook are both asked', async (api, ns) => {
    const hook = api.hook(() => admit)
    await register(api, 'validating', { ns, entries: [{ hook }] })
    await enforce(api, ns, { validations: [notK] })
    assert.equal((await create(api, ns, { k: 'no' })).status, 422)
    assert.equal(hook.asked.length, 0)
  }),
  inNamespace('custom kinds and their status are judged, with types of their schema', async (api, ns) => {
    const phase = { type: 'object', properties: { phase: { type: 'string' } } }
    const widget = await widgets(api, {
      properties: { spec: { type: 'object', properties: { n: { type: 'integer' } } }, status: phase },
      subresources: { status: {} },
    })
    const policy = await enforce(api, ns, {
      matchConstraints: on(widget.group, ['widgets', 'widgets/status']),
      validations: [
        {
          expression:
            "request.resource.resource != 'widgets' || !has(object.status) || object.status.phase != 'Running' || !('hold' in object.metadata.?annotations.orValue({}))",
          message: 'held',
        },
      ],
    })
    answered(
      await api.post(
        widget.path(ns),
        widget.object('a', { spec: { n: 1 } }, { annotations: { hold: 'yes' } }),
      ),
      201,
    )
    const run = () =>
      api.patch(`${widget.path(ns, 'a')}/status`, { status: { phase: 'Running' } }, { type: 'merge' })
    says(await run(), 422, [
      'Invalid',
      `widgets.${widget.group} "a" is forbidden: ValidatingAdmissionPolicy '${policy}' with binding '${policy}' denied request: held`,
    ])
    answered(
      await api.patch(widget.path(ns, 'a'), { metadata: { annotations: { hold: null } } }, { type: 'merge' }),
      200,
    )
    answered(await run(), 200)
  }),
  inNamespace('a policy on a Deployment compares images', async (api, ns) => {
    await enforce(api, ns, {
      matchConstraints: on('apps', ['deployments']),
      validations: [
        {
          expression:
            "request.resource.resource != 'deployments' || object.spec.template.spec.containers.all(c, c.image.contains('@sha256:'))",
          message: 'pin it',
        },
      ],
    })
    assert.equal((await api.post(paths.deployments(ns), deployment('a'))).status, 422)
    const image = `a@sha256:${'0'.repeat(64)}`
    answered(await api.post(paths.deployments(ns), deployment('a', [{ name: 'a', image }])), 201)
  }),
])

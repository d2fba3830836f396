/** ValidatingAdmissionPolicies. */
import assert from 'node:assert/strict'
import type { Api } from '../api.ts'
import { about, inNamespace, rule } from '../case.ts'
import { answered, has, refused, says } from '../expected.ts'
import { collections, configMap, lease, paths } from '../objects.ts'
import { enforce } from '../registrations.ts'

const onMaps = (...operations: readonly string[]) => ({
  resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations, resources: ['configmaps'] }],
})
const create = (api: Api, ns: string, data: object = { k: 'v' }, query = {}) =>
  api.post(paths.configMaps(ns), configMap('a', { ...data }), query)
const denial = (policy: string, text: string): string =>
  `configmaps "a" is forbidden: ValidatingAdmissionPolicy '${policy}' with binding '${policy}' denied request: ${text}`
const notK = { expression: "object.data.k != 'no'", message: 'k may not be no' }

/** The rules. */
export const cases = about('policies', [
  inNamespace(
    'what a validation does not hold for is a 422 that names policy and binding',
    async (api, ns) => {
      const policy = await enforce(api, ns, { validations: [notK] })
      const text = `ValidatingAdmissionPolicy '${policy}' with binding '${policy}' denied request: k may not be no`
      refused(await create(api, ns, { k: 'no' }), {
        code: 422,
        reason: 'Invalid',
        message: `configmaps "a" is forbidden: ${text}`,
        details: { name: 'a', kind: 'configmaps', causes: [{ message: text }] },
      })
      answered(await create(api, ns), 201)
    },
  ),
  inNamespace('a validation without a message shows its expression', async (api, ns) => {
    const policy = await enforce(api, ns, { validations: [{ expression: "object.data.k != 'no'" }] })
    says(await create(api, ns, { k: 'no' }), 422, [
      'Invalid',
      denial(policy, "failed expression: object.data.k != 'no'"),
    ])
  }),
  inNamespace(
    'messageExpression makes the message, and the message stands in for one that fails',
    async (api, ns) => {
      const policy = await enforce(api, ns, {
        validations: [
          {
            expression: "object.data.k != 'no'",
            messageExpression: "'k is ' + object.data.k",
            message: 'unused',
          },
          {
            expression: "object.data.k != 'bad'",
            messageExpression: "'see ' + object.data.missing",
            message: 'plain',
          },
        ],
      })
      says(await create(api, ns, { k: 'no' }), 422, ['Invalid', denial(policy, 'k is no')])
      says(await create(api, ns, { k: 'bad' }), 422, ['Invalid', denial(policy, 'plain')])
    },
  ),
  inNamespace('a validation may say its reason, and so the code', async (api, ns) => {
    const codes = { Forbidden: 403, Invalid: 422, RequestEntityTooLarge: 413 }
    const reasons = Object.keys(codes)
    const policy = await enforce(api, ns, {
      validations: reasons.map((reason) => ({
        expression: `object.data.k != '${reason}'`,
        message: 'm',
        reason,
      })),
    })
    for (const [reason, code] of Object.entries(codes)) {
      says(await create(api, ns, { k: reason }), code, [reason, denial(policy, 'm')])
    }
  }),
  inNamespace('an expression that fails denies under Fail', async (api, ns) => {
    const policy = await enforce(api, ns, { validations: [{ expression: "object.data.missing == 'x'" }] })
    says(await create(api, ns), 422, [
      'Invalid',
      denial(policy, "expression 'object.data.missing == 'x'' resulted in error: no such key: missing"),
    ])
  }),
  inNamespace('an expression that fails is passed over under Ignore', async (api, ns) => {
    await enforce(api, ns, {
      validations: [{ expression: "object.data.missing == 'x'" }],
      failurePolicy: 'Ignore',
    })
    answered(await create(api, ns), 201)
  }),
  inNamespace('a denial counts under Ignore too', async (api, ns) => {
    await enforce(api, ns, { validations: [notK], failurePolicy: 'Ignore' })
    assert.equal((await create(api, ns, { k: 'no' })).status, 422)
  }),
  inNamespace('a dry run is judged', async (api, ns) => {
    await enforce(api, ns, { validations: [notK] })
    assert.equal((await create(api, ns, { k: 'no' }, { dryRun: 'All' })).status, 422)
  }),
  inNamespace('all that deny are told, one after another', async (api, ns) => {
    const policy = await enforce(api, ns, {
      validations: [
        { expression: "object.data.k != 'no'", message: 'one' },
        { expression: "object.data.k == 'v'", message: 'two' },
      ],
    })
    const answer = await create(api, ns, { k: 'no' })
    says(answer, 422, ['Invalid', denial(policy, 'one')])
  }),
  inNamespace('Warn warns and lets it be', async (api, ns) => {
    const policy = await enforce(api, ns, { validations: [notK], binding: { validationActions: ['Warn'] } })
    const answer = await create(api, ns, { k: 'no' })
    answered(answer, 201)
    assert.deepEqual(answer.warnings, [
      `Validation failed for ValidatingAdmissionPolicy '${policy}' with binding '${policy}': k may not be no`,
    ])
  }),
  inNamespace('Audit beside Deny denies without a warning', async (api, ns) => {
    await enforce(api, ns, { validations: [notK], binding: { validationActions: ['Audit', 'Deny'] } })
    const answer = await create(api, ns, { k: 'no' })
    assert.equal(answer.status, 422)
    assert.deepEqual(answer.warnings, [])
  }),
  rule('Deny and Warn together are a 422', async (api) => {
    const body = {
      metadata: { name: api.name() },
      spec: { policyName: 'p', validationActions: ['Deny', 'Warn'] },
    }
    says(await api.post(collections.policyBindings, body), 422, [
      'Invalid',
      /spec\.validationActions: Invalid value: .*must not contain both Deny and Warn \(repeating the same validation failure information in the API response and headers serves no purpose\)$/,
    ])
  }),
  inNamespace('a namespace beyond the binding is free', async (api, ns) => {
    const other = await api.namespace()
    await enforce(api, ns, { validations: [notK] })
    answered(await create(api, other, { k: 'no' }), 201)
    assert.equal((await create(api, ns, { k: 'no' })).status, 422)
  }),
  inNamespace('objectSelector of the binding narrows', async (api, ns) => {
    await enforce(api, ns, {
      validations: [notK],
      binding: {
        matchResources: {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': ns } },
          objectSelector: { matchExpressions: [{ key: 'free', operator: 'DoesNotExist' }] },
        },
      },
    })
    const free = configMap('b', { k: 'no' }, { labels: { free: 'yes' } })
    answered(await api.post(paths.configMaps(ns), free), 201)
    assert.equal((await create(api, ns, { k: 'no' })).status, 422)
  }),
  inNamespace('resourceNames in matchConstraints narrow', async (api, ns) => {
    const narrow = {
      apiGroups: ['coordination.k8s.io'],
      apiVersions: ['*'],
      operations: ['CREATE'],
      resources: ['leases'],
      resourceNames: ['held'],
    }
    const { resourceRules } = onMaps('CREATE')
    await enforce(api, ns, {
      matchConstraints: { resourceRules: [...resourceRules, narrow] },
      validations: [{ expression: "request.resource.resource != 'leases'", message: 'no' }],
    })
    answered(await api.post(paths.leases(ns), lease('free')), 201)
    assert.equal((await api.post(paths.leases(ns), lease('held'))).status, 422)
  }),
  inNamespace('a policy without a binding does nothing', async (api, ns) => {
    const policy = await enforce(api, ns, { validations: [notK] })
    assert.equal((await create(api, ns, { k: 'no' })).status, 422)
    answered(await api.delete(`${collections.policyBindings}/${policy}`), 200)
    await api.eventually(async () => answered(await create(api, ns, { k: 'no' }), 201))
  }),
  rule('an expression that does not compile is a 422', async (api) => {
    const spec = {
      matchConstraints: onMaps('CREATE'),
      validations: [{ expression: 'object.metadata.name ==' }],
    }
    says(await api.post(collections.policies, { metadata: { name: api.name() }, spec }), 422, [
      'Invalid',
      /spec\.validations\[0\]\.expression: Invalid value: .*compilation failed: ERROR: <input>:1:24: Syntax error: mismatched input '<EOF>' expecting/s,
    ])
  }),
  rule('an expression that gives no boolean is a 422', async (api) => {
    const spec = { matchConstraints: onMaps('CREATE'), validations: [{ expression: "'text'" }] }
    says(await api.post(collections.policies, { metadata: { name: api.name() }, spec }), 422, [
      'Invalid',
      /spec\.validations\[0\]\.expression: Invalid value: .*must evaluate to bool/s,
    ])
  }),
  rule('a variable that does not exist is a 422', async (api) => {
    const spec = {
      matchConstraints: onMaps('CREATE'),
      validations: [{ expression: 'variables.nothing == 1' }],
    }
    says(await api.post(collections.policies, { metadata: { name: api.name() }, spec }), 422, [
      'Invalid',
      /undeclared reference to 'variables'/,
    ])
  }),
  rule('a policy without validations is a 422', async (api) => {
    const spec = { matchConstraints: onMaps('CREATE') }
    says(await api.post(collections.policies, { metadata: { name: api.name() }, spec }), 422, [
      'Invalid',
      /spec\.validations: Required value: validations or auditAnnotations must be provided; spec\.auditAnnotations|validations/,
    ])
  }),
  rule('a policy gets its defaults', async (api) => {
    const name = api.name()
    const spec = { matchConstraints: onMaps('CREATE'), validations: [{ expression: 'true' }] }
    const made = await api.borrow(collections.policies, { metadata: { name }, spec } as {
      metadata: { name: string }
    })
    has(answered(made, 201).spec, {
      failurePolicy: 'Fail',
      matchConstraints: {
        matchPolicy: 'Equivalent',
        namespaceSelector: {},
        objectSelector: {},
        resourceRules: [{ scope: '*' }],
      },
    })
  }),
])

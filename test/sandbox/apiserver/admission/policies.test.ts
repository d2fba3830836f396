import t from 'tap'
import { aMap, call, maps, started, type Loose } from '../client.ts'

const policy = (spec: Record<string, unknown>): Loose => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  metadata: { name: 'p' },
  spec: {
    matchConstraints: {
      resourceRules: [
        { apiGroups: [''], apiVersions: ['*'], resources: ['configmaps'], operations: ['CREATE', 'UPDATE'] },
      ],
    },
    ...spec,
  },
})
const binding = (spec: Record<string, unknown> = {}): Loose => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  metadata: { name: 'b' },
  spec: { policyName: 'p', validationActions: ['Deny'], ...spec },
})

const cases: Record<string, { spec: Record<string, unknown>; want: { code: number; body?: unknown } }> = {
  'a validation that holds admits': {
    spec: { validations: [{ expression: "object.data.x == 'y'" }] },
    want: { code: 201 },
  },
  'a validation that fails denies with its message': {
    spec: { validations: [{ expression: "object.data.x == 'z'", message: 'x must be z' }] },
    want: {
      code: 422,
      body: {
        reason: 'Invalid',
        message: `configmaps "a" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: x must be z`,
      },
    },
  },
  'a message may be computed': {
    spec: { validations: [{ expression: 'false', messageExpression: "'x is ' + object.data.x" }] },
    want: { code: 422, body: { message: /denied request: x is y$/ } },
  },
  'without a message the expression is told': {
    spec: { validations: [{ expression: 'false' }] },
    want: { code: 422, body: { message: /failed expression: false$/ } },
  },
  'an error fails closed': {
    spec: { validations: [{ expression: 'object.data.q == 1' }] },
    want: { code: 422, body: { message: /resulted in error: no such key: q/ } },
  },
  'an error fails open under Ignore': {
    spec: { failurePolicy: 'Ignore', validations: [{ expression: 'object.data.q == 1' }] },
    want: { code: 201 },
  },
  'variables build on each other, lazily': {
    spec: {
      variables: [
        { name: 'one', expression: "object.data.x + '1'" },
        { name: 'two', expression: "variables.one + '2'" },
        { name: 'bad', expression: 'object.nope.nope' },
      ],
      validations: [{ expression: "variables.two == 'y12'" }],
    },
    want: { code: 201 },
  },
  'optional fields and absent old objects work': {
    spec: {
      validations: [
        {
          expression:
            "oldObject == null && object.metadata.?annotations['tidewaiter.io/hold'].hasValue() == false",
        },
      ],
    },
    want: { code: 201 },
  },
  'a match condition that is false passes the policy by': {
    spec: {
      matchConditions: [{ name: 'c', expression: "request.userInfo.username == 'x'" }],
      validations: [{ expression: 'false' }],
    },
    want: { code: 201 },
  },
  'the authorizer answers for the requester': {
    spec: {
      validations: [
        {
          expression:
            "authorizer.group('tidewaiter.io').resource('actionruns').namespace(request.namespace).check('release').allowed()",
        },
      ],
    },
    want: { code: 201 },
  },
}
for (const [name, { spec, want }] of Object.entries(cases)) {
  t.test(name, async (t) => {
    const api = await started(t)
    api.seed([policy(spec), binding()])
    t.match(await call(api, 'POST', maps, aMap('a', { x: 'y' })), want)
  })
}

t.test('the authorizer refuses who lacks the right', async (t) => {
  const api = await started(t, {
    users: [{ name: 'bob', token: 'b', grants: [{ verbs: ['create'], resources: ['configmaps'] }] }],
  })
  api.seed([
    policy({
      validations: [
        {
          expression: "authorizer.group('').resource('secrets').namespace('default').check('get').allowed()",
        },
      ],
    }),
    binding(),
  ])
  t.equal((await call(api, 'POST', maps, aMap('a'), { user: 'bob' })).code, 422)
  t.equal((await call(api, 'POST', maps, aMap('a'))).code, 201)
})

t.test('Warn warns, and a binding without a matching namespace leaves alone', async (t) => {
  const api = await started(t)
  api.seed([
    policy({ validations: [{ expression: 'false', message: 'hm' }] }),
    binding({ validationActions: ['Warn'] }),
  ])
  t.match(await call(api, 'POST', maps, aMap('a')), {
    code: 201,
    headers: { warning: `299 - "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': hm"` },
  })
  api.seed([
    binding({
      matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'velero' } } },
    }),
  ])
  t.equal((await call(api, 'POST', maps, aMap('b'))).code, 201)
})

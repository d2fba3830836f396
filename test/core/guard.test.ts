import t from 'tap'
import { guardOf } from '../../src/core/guard.ts'
import { evaluate } from '../../src/sandbox/apiserver/cel/evaluate.ts'
import { celValue } from '../../src/sandbox/apiserver/cel/value.ts'

const guard = guardOf({ name: 'tidewaiter', namespaces: ['velero', 'oadp'], accounts: ['a"b', 'c'] })
const of = (kind: string) => guard.filter((one) => one.kind === kind)

t.test(
  'there is a policy for what may start, for Schedules and for our records, each with its binding',
  async (t) => {
    const names = [
      'hold.tidewaiter.io',
      'schedules.tidewaiter.io',
      'records.tidewaiter.io',
      'decisions.tidewaiter.io',
    ]
    t.same(
      of('ValidatingAdmissionPolicy').map(({ metadata }) => metadata.name),
      names,
    )
    t.match(
      of('ValidatingAdmissionPolicyBinding'),
      names.map((policyName) => ({ metadata: { name: policyName }, spec: { policyName } })),
    )
  },
)

t.test('a process outside the cluster has policies of other names', async (t) => {
  const [first] = guardOf({ name: 'tidewaiter-dev-1a2b', namespaces: ['velero'], accounts: [] })
  t.equal(first?.metadata.name, 'hold.tidewaiter-dev-1a2b.tidewaiter.io')
})

t.test('a binding denies in the given namespaces, unless their gate is off', async (t) => {
  for (const binding of of('ValidatingAdmissionPolicyBinding')) {
    t.match(binding['spec'], {
      validationActions: ['Deny'],
      matchResources: {
        namespaceSelector: {
          matchExpressions: [
            { key: 'kubernetes.io/metadata.name', operator: 'In', values: ['velero', 'oadp'] },
            { key: 'tidewaiter.io/gate', operator: 'NotIn', values: ['off'] },
          ],
        },
      },
    })
  }
})

t.test('a policy that cannot be evaluated refuses, and concerns CREATE and UPDATE only', async (t) => {
  for (const policy of of('ValidatingAdmissionPolicy').slice(0, -1)) {
    t.match(policy['spec'], {
      failurePolicy: 'Fail',
      matchConstraints: { resourceRules: [{ operations: ['CREATE', 'UPDATE'] }] },
    })
  }
})

t.test(
  'nothing but decisions is kept from being deleted, and a namespace that goes takes them along',
  async (t) => {
    const { spec } = of('ValidatingAdmissionPolicy').at(-1) as unknown as {
      spec: { validations: readonly { expression: string }[] }
    }
    t.match(spec, {
      failurePolicy: 'Fail',
      matchConstraints: { resourceRules: [{ operations: ['DELETE'], resources: ['admissiondecisions'] }] },
    })
    const [first] = spec.validations
    const may = (username: string, namespace: object) =>
      evaluate(first?.expression ?? '', {
        request: celValue({ userInfo: { username } }),
        namespaceObject: celValue({ metadata: { name: 'velero', ...namespace } }),
      })
    for (const ours of ['a"b', 'c']) t.match(may(ours, {}), { value: true }, ours)
    // Whoever it is: the controller that empties namespaces has another account in every distribution.
    for (const other of ['system:admin', 'system:serviceaccount:kube-system:namespace-controller']) {
      t.match(may(other, {}), { value: false }, other)
      t.match(may(other, { deletionTimestamp: '2026-01-01T00:00:00Z' }), { value: true }, other)
    }
  },
)

t.test('everything stays out of Backups, and is found by one label', async (t) => {
  for (const { metadata } of guard) {
    t.same(metadata.labels, {
      'app.kubernetes.io/part-of': 'tidewaiter',
      'velero.io/exclude-from-backup': 'true',
    })
  }
})

t.test('a user name is quoted in the expression, whatever is in it', async (t) => {
  t.match(
    JSON.stringify(of('ValidatingAdmissionPolicy').at(2)),
    JSON.stringify('in ["a\\"b","c"]').slice(1, -1),
  )
})

t.test('every refusal says who speaks, and is one line', async (t) => {
  const spec = of('ValidatingAdmissionPolicy').map(
    (policy) => policy['spec'] as { validations: { message: string }[] },
  )
  for (const { message } of spec.flatMap(({ validations }) => validations))
    t.match(message, /^tidewaiter guard: [^\n]+$/)
})

t.test(
  'what a user is told has no placeholder left in it, but for the namespace where CEL fills it in',
  async (t) => {
    const validations = of('ValidatingAdmissionPolicy').flatMap(
      (policy) =>
        (policy['spec'] as { validations: { message: string; messageExpression?: string }[] }).validations,
    )
    for (const { message, messageExpression } of validations) {
      t.notMatch(message, /KEYS/)
      t.notMatch(messageExpression ?? '', /KEYS|NAMESPACE/)
      t.equal(messageExpression !== undefined, message.includes('NAMESPACE'))
    }
  },
)

t.test(
  'every rule of the policy "hold" but the hold itself says that it is kept for what is not held too',
  async (t) => {
    const [hold] = of('ValidatingAdmissionPolicy')
    const { validations } = hold?.['spec'] as { validations: { message: string }[] }
    t.same(
      validations
        .map(({ message }) => message)
        .filter((message) => !message.includes('for what is not held too')).length,
      3,
      'the canary, the hold, and what keeps a held Restore untouched',
    )
  },
)

import t from 'tap'
import { elsewhereMessage, elsewhereOf } from '../../src/core/elsewhere.ts'

t.test('an Action outside the given namespaces is warned of, and never refused', async (t) => {
  const [policy, binding] = elsewhereOf({ name: 'tidewaiter', namespaces: ['velero', 'oadp'] })
  t.match(policy, {
    metadata: { name: 'elsewhere.tidewaiter.io' },
    spec: { failurePolicy: 'Ignore', validations: [{ message: elsewhereMessage }] },
  })
  t.match(binding, {
    spec: {
      policyName: 'elsewhere.tidewaiter.io',
      validationActions: ['Warn'],
      matchResources: {
        namespaceSelector: { matchExpressions: [{ operator: 'NotIn', values: ['velero', 'oadp'] }] },
      },
    },
  })
})

t.test('a process outside the cluster has one of another name', async (t) => {
  const [policy] = elsewhereOf({ name: 'tidewaiter-dev-1a2b', namespaces: ['velero'] })
  t.equal(policy?.metadata.name, 'elsewhere.tidewaiter-dev-1a2b.tidewaiter.io')
})

t.test('what it says is one line that no client cuts', async (t) => {
  const prefix =
    "Validation failed for ValidatingAdmissionPolicy 'elsewhere.tidewaiter.io' with binding 'elsewhere.tidewaiter.io': "
  t.ok(`${prefix}${elsewhereMessage}`.length <= 250)
  t.notMatch(elsewhereMessage, '\n')
})

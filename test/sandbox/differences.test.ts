/** The list of differences in docs/sandbox.md is honest: what it says is not there is not there, and nothing more. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { evaluate } from '../../src/sandbox/apiserver/cel/evaluate.ts'
import { eventually, type Loose } from '../support/asking.ts'
import { startCluster } from '../support/cluster.ts'

const page = readFileSync('docs/sandbox.md', 'utf8')
const cellsOf = (what: string): readonly string[] =>
  (page.split('\n').find((line) => line.startsWith(`| ${what}`)) ?? '').split('|').map((cell) => cell.trim())

/** An expression for each thing that the page says is missing; on a real API server all of them are true. */
const missing: Readonly<Record<string, string>> = {
  quantity: "quantity('1Gi').isGreaterThan(quantity('1Mi'))",
  ip: "ip('10.0.0.1').family() == 4",
  cidr: "cidr('10.0.0.0/8').containsIP('10.0.0.1')",
  url: "url('https://a.example/').getHost() == 'a.example'",
  format: "!format.dns1123Label().validate('a').hasValue()",
  semver: "semver('1.2.3').major() == 1",
  sets: 'sets.contains([1, 2], [1])',
  'strings.quote': "strings.quote('a') == '\"a\"'",
  indexOf: '[1, 2].indexOf(2) == 1',
  replace: "'aa'.replace('a', 'b', 1) == 'ba'",
  optMap: 'optional.of(1).optMap(x, x + 1).value() == 2',
}

t.test('the page names every missing part of the CEL library that is known, and no other', async (t) => {
  const [, , , cell = ''] = cellsOf('CEL library')
  const [named = ''] = cell.split(': no rule')
  t.same([...named.matchAll(/`([^`]+)`/g)].map(([, name]) => name).sort(), Object.keys(missing).sort())
})

for (const [name, expression] of Object.entries({ ...missing, 'two variables': '[1].all(i, v, v == i + 1)' }))
  t.test(`as the page says, CEL has no ${name}: when it has, mend the page`, async (t) => {
    t.ok('error' in evaluate(expression, {}), expression)
  })

for (const expression of [
  "isURL('https://a.example')",
  "'a,b'.split(',').join('-') == 'a-b'",
  "'ab'.find('b') == 'b' && 'ab'.indexOf('b') == 1",
  'cel.bind(x, [1, 2], x.sum() == 3 && x.isSorted())',
  "timestamp('2026-01-01T00:00:00Z') + duration('1h') > timestamp('2026-01-01T00:00:00Z')",
  "{'a': 1}.?a.orValue(2) == 1",
])
  t.test(`what the page does not name is there: ${expression}`, async (t) => {
    t.same(evaluate(expression, {}), { value: true })
  })

t.test('a policy with params denies under Fail, and is passed over under Ignore', async (t) => {
  const { call } = await startCluster(t, { service: false })
  const path = '/apis/admissionregistration.k8s.io/v1'
  const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }
  const policy = (name: string, failurePolicy: string): Loose => ({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: {
      failurePolicy,
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      matchConstraints: { resourceRules: [rule] },
      validations: [{ expression: 'params.data.yes == "yes"' }],
    },
  })
  const bind = async (name: string, failurePolicy: string) => {
    await call('POST', `${path}/validatingadmissionpolicies`, { body: policy(name, failurePolicy) })
    const spec = {
      policyName: name,
      validationActions: ['Deny'],
      paramRef: { name: 'p', parameterNotFoundAction: 'Deny' },
    }
    const binding = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name },
      spec,
    }
    t.equal((await call('POST', `${path}/validatingadmissionpolicybindings`, { body: binding })).status, 201)
  }
  const write = () =>
    call('POST', '/api/v1/namespaces/shop/configmaps', {
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'c-' } },
    })
  await bind('open', 'Ignore')
  t.equal((await write()).status, 201)
  await bind('closed', 'Fail')
  const refused = await eventually('the policy is in force', async () => {
    const answer = await write()
    return answer.status === 201 ? undefined : answer
  })
  t.match(refused.body.message, 'params are not supported by the sandbox')
})

t.test('MutatingAdmissionPolicies are not served', async (t) => {
  const { call } = await startCluster(t, { service: false })
  const { body } = await call('GET', '/apis/admissionregistration.k8s.io/v1')
  t.notOk(body.resources.some(({ kind }: Loose) => kind === 'MutatingAdmissionPolicy'))
})

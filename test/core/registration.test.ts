import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import t from 'tap'
import {
  missingWebhooks,
  registrationPatch,
  registrationsOf,
  type RegistrationInput,
  type RegistrationOperation,
} from '../../src/core/registration.ts'

const input: RegistrationInput = {
  name: 'tidewaiter',
  namespaces: ['velero'],
  clientConfig: { service: { namespace: 'tidewaiter', name: 'tidewaiter' } },
  token: 'abc',
  caBundle: 'PEM',
}
type Webhook = {
  name: string
  rules: { apiGroups: string[]; operations: string[]; resources: string[] }[]
  failurePolicy: string
  timeoutSeconds: number
  sideEffects: string
  clientConfig: { url?: string; caBundle?: string; service?: { path: string; name: string } }
  objectSelector: { matchLabels?: Record<string, string> }
  reinvocationPolicy?: string
}
const webhooksOf = (more: Partial<RegistrationInput> = {}) =>
  registrationsOf({ ...input, ...more }).flatMap((one) => one['webhooks'] as Webhook[])

t.test('each webhook is called for what it decides', async (t) => {
  const rows = webhooksOf().map(({ name, rules, failurePolicy, timeoutSeconds, sideEffects }) => [
    name,
    rules[0]?.apiGroups[0],
    rules[0]?.resources.join(),
    rules[0]?.operations.join(),
    failurePolicy,
    timeoutSeconds,
    sideEffects,
  ])
  t.same(rows, [
    ['backups.tidewaiter.io', 'velero.io', 'backups', 'CREATE', 'Fail', 30, 'NoneOnDryRun'],
    ['restores.tidewaiter.io', 'velero.io', 'restores', 'CREATE', 'Fail', 30, 'NoneOnDryRun'],
    ['actions.tidewaiter.io', 'tidewaiter.io', 'actions', 'CREATE,UPDATE', 'Fail', 10, 'None'],
    ['plugins.tidewaiter.io', 'tidewaiter.io', 'veleroplugins', 'CREATE,UPDATE', 'Fail', 10, 'None'],
    ['author.tidewaiter.io', 'tidewaiter.io', 'actions', 'CREATE,UPDATE', 'Fail', 10, 'None'],
    ['deployments.tidewaiter.io', 'apps', 'deployments', 'CREATE,UPDATE', 'Ignore', 10, 'None'],
    ['hold.tidewaiter.io', 'velero.io', 'backups,restores', 'CREATE', 'Ignore', 5, 'None'],
  ])
})

t.test('Ignore lets Backups and Restores pass while we are away, and nothing else', async (t) => {
  const of = (failurePolicy: 'Fail' | 'Ignore') =>
    webhooksOf({ failurePolicy }).map((webhook) => [webhook.name, webhook.failurePolicy])
  const changed = of('Ignore').filter(([, policy], index) => policy !== of('Fail')[index]?.[1])
  t.same(changed, [
    ['backups.tidewaiter.io', 'Ignore'],
    ['restores.tidewaiter.io', 'Ignore'],
  ])
})

t.test("of Deployments only Velero's are asked about, and those again after later webhooks", async (t) => {
  const [, mutating] = registrationsOf(input)
  const webhooks = mutating['webhooks'] as Webhook[]
  t.same(
    webhooks.map(({ reinvocationPolicy }) => reinvocationPolicy),
    ['IfNeeded', 'IfNeeded', 'IfNeeded'],
  )
  for (const { rules, objectSelector } of webhooksOf())
    t.same(objectSelector, rules[0]?.apiGroups[0] === 'apps' ? { matchLabels: { component: 'velero' } } : {})
})

t.test('nothing asks on DELETE, and nothing asks about what a pod of ours needs', async (t) => {
  for (const { rules } of webhooksOf()) {
    for (const { operations, apiGroups } of rules) {
      t.notOk(operations.includes('DELETE') || operations.includes('*'))
      t.ok(apiGroups.every((group) => ['velero.io', 'tidewaiter.io', 'apps'].includes(group)))
    }
  }
})

t.test('every webhook stops at the gate label and outside the given namespaces', async (t) => {
  for (const webhook of webhooksOf({ namespaces: ['a', 'b'] })) {
    t.match(webhook, {
      namespaceSelector: {
        matchExpressions: [
          { key: 'kubernetes.io/metadata.name', operator: 'In', values: ['a', 'b'] },
          { key: 'tidewaiter.io/gate', operator: 'NotIn', values: ['off'] },
        ],
      },
    })
  }
})

t.test('each has a path of its own behind the token', async (t) => {
  t.same(
    webhooksOf().map(({ clientConfig }) => clientConfig.service?.path),
    ['backups', 'restores', 'actions', 'plugins', 'author', 'deployments', 'hold'].map(
      (route) => `/abc/${route}`,
    ),
  )
  t.same(
    webhooksOf({ clientConfig: { url: 'https://127.0.0.1:9443/' } }).map(
      ({ clientConfig }) => clientConfig.url,
    )[0],
    'https://127.0.0.1:9443/abc/backups',
  )
})

t.test('the manifests name neither path nor authority', async (t) => {
  for (const { clientConfig } of webhooksOf({ token: '', caBundle: '' })) {
    t.same(clientConfig, { service: { namespace: 'tidewaiter', name: 'tidewaiter', port: 443 } })
  }
})

t.test('the CA bundle is base64 of the PEM', async (t) => {
  t.equal(webhooksOf()[0]?.clientConfig.caBundle, Buffer.from('PEM').toString('base64'))
})

const [wanted] = registrationsOf(input)
const [shipped] = registrationsOf({ ...input, token: '', caBundle: '' })

t.test('what is as wanted needs no patch', async (t) => {
  t.equal(registrationPatch(wanted, wanted), undefined)
})

t.test('the leader fills path and authority in, each webhook tested by name', async (t) => {
  t.same(registrationPatch(shipped, wanted)?.slice(0, 3), [
    { op: 'test', path: '/webhooks/0/name', value: 'backups.tidewaiter.io' },
    { op: 'add', path: '/webhooks/0/clientConfig/service/path', value: '/abc/backups' },
    { op: 'add', path: '/webhooks/0/clientConfig/caBundle', value: 'UEVN' },
  ])
})

t.test('a new authority changes the bundle only', async (t) => {
  const [next] = registrationsOf({ ...input, caBundle: 'NEW' })
  t.same(
    registrationPatch(wanted, next)
      ?.map(({ op, path }) => `${op} ${path}`)
      .slice(0, 2),
    ['test /webhooks/0/name', 'add /webhooks/0/clientConfig/caBundle'],
  )
})

t.test('an authority that others gave stays where none is wanted', async (t) => {
  const [pathsOnly] = registrationsOf({ ...input, caBundle: '' })
  t.equal(registrationPatch(wanted, pathsOnly), undefined)
})

t.test('an address instead of a Service is put in whole', async (t) => {
  const [byUrl] = registrationsOf({ ...input, clientConfig: { url: 'https://127.0.0.1:1' } })
  t.match(registrationPatch(wanted, byUrl)?.[1], {
    op: 'replace',
    path: '/webhooks/0/clientConfig',
    value: { url: 'https://127.0.0.1:1/abc/backups' },
  })
})

t.test(
  'what an overlay chose stays: policy, timeout, the name of the Service, webhooks of others',
  async (t) => {
    const webhooks = (wanted['webhooks'] as Webhook[]).map((webhook) => ({
      ...webhook,
      failurePolicy: 'Ignore',
      timeoutSeconds: 5,
      clientConfig: {
        ...webhook.clientConfig,
        service: { ...webhook.clientConfig.service, name: 'renamed' },
      },
    }))
    t.equal(
      registrationPatch(
        { ...wanted, webhooks: [{ name: 'other.example.org', clientConfig: {} }, ...webhooks] },
        wanted,
      ),
      undefined,
    )
  },
)

t.test('a webhook that somebody took away is named', async (t) => {
  t.same(missingWebhooks({ webhooks: [{ name: 'backups.tidewaiter.io' }] }, wanted), [
    'restores.tidewaiter.io',
    'actions.tidewaiter.io',
    'plugins.tidewaiter.io',
  ])
  t.same(missingWebhooks(undefined, wanted).length, 4)
  t.same(missingWebhooks(wanted, wanted), [])
})

function applied(current: unknown, patch: readonly RegistrationOperation[]): unknown {
  const copy = structuredClone(current)
  for (const { op, path, value } of patch) {
    const keys = path.split('/').slice(1)
    const last = keys.pop() ?? ''
    const parent = keys.reduce<any>((at, key) => at[key], copy) // oxlint-disable-line typescript/no-explicit-any -- a JSON pointer
    if (op === 'test') assert.equal(parent[last], value)
    else parent[last] = value
  }
  return copy
}

t.test('from any state one patch leads to where none is needed', async () => {
  const state = fc.record({
    token: fc.constantFrom('', 'abc', 'old'),
    caBundle: fc.constantFrom('', 'PEM', 'OLD'),
    clientConfig: fc.constantFrom<RegistrationInput['clientConfig']>(input.clientConfig, {
      url: 'https://127.0.0.1:1',
    }),
  })
  fc.assert(
    fc.property(state, state, fc.constantFrom(0, 1), (from, to, index) => {
      const current = registrationsOf({ ...input, ...from })[index]
      const target = registrationsOf({ ...input, ...to })[index]
      const patch = registrationPatch(current, target)
      return patch === undefined || registrationPatch(applied(current, patch), target) === undefined
    }),
    { seed: 1, numRuns: 200 },
  )
})

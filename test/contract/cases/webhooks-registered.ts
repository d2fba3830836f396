/** Registrations of webhooks themselves, and what they say of labels and CEL conditions. */
import assert from 'node:assert/strict'
import type { Api } from '../api.ts'
import { about, inNamespace, rule } from '../case.ts'
import { answered, says } from '../expected.ts'
import { collections, configMap, paths } from '../objects.ts'
import { register, type Entry } from '../registrations.ts'
import { admit, refuse, type Hook } from '../webhook-server.ts'

const on = (resources: readonly string[], operations: readonly string[] = ['CREATE'], more = {}) => [
  { apiGroups: ['*'], apiVersions: ['*'], operations, resources, ...more },
]
async function asking(api: Api, ns: string, fields: Omit<Entry, 'hook'>): Promise<Hook> {
  const hook = api.hook(() => admit)
  await register(api, 'validating', { ns, entries: [{ ...fields, hook }] })
  return hook
}

const conditions = (expression: string) => ({ matchConditions: [{ name: 'c', expression }] })

/** The rules. */
export const cases = about('webhooks registered', [
  inNamespace('matchConditions must all hold', async (api, ns) => {
    const hook = await asking(api, ns, {
      matchConditions: [
        { name: 'one', expression: "object.metadata.name.startsWith('a')" },
        { name: 'two', expression: "request.userInfo.username == 'admin'" },
      ],
    })
    answered(await api.post(paths.configMaps(ns), configMap('b')), 201)
    const as = { user: 'bob', groups: ['system:masters'] }
    answered(await api.request('POST', paths.configMaps(ns), { body: configMap('a1'), as }), 201)
    assert.equal(hook.asked.length, 0)
    answered(await api.post(paths.configMaps(ns), configMap('a2')), 201)
    assert.equal(hook.asked.length, 1)
  }),
  inNamespace('matchConditions see oldObject and may ask the authorizer', async (api, ns) => {
    const hook = await asking(api, ns, {
      rules: on(['configmaps'], ['UPDATE']),
      ...conditions(
        "oldObject.data.k != object.data.k && authorizer.group('').resource('secrets').check('get').allowed()",
      ),
    })
    answered(await api.post(paths.configMaps(ns), configMap('a', { k: '1' })), 201)
    answered(await api.patch(paths.configMaps(ns, 'a'), { data: { other: '1' } }, { type: 'merge' }), 200)
    assert.equal(hook.asked.length, 0)
    answered(await api.patch(paths.configMaps(ns, 'a'), { data: { k: '2' } }, { type: 'merge' }), 200)
    assert.equal(hook.asked.length, 1)
  }),
  inNamespace('a matchCondition that fails refuses under Fail', async (api, ns) => {
    await asking(api, ns, { ...conditions("object.data.missing == 'x'"), failurePolicy: 'Fail' })
    const answer = await api.post(paths.configMaps(ns), configMap('a', { k: 'v' }))
    says(answer, 403, ['Forbidden', /^configmaps "a" is forbidden: .*no such key: missing/s])
  }),
  inNamespace('a matchCondition that fails asks nobody under Ignore', async (api, ns) => {
    const hook = await asking(api, ns, {
      ...conditions("object.data.missing == 'x'"),
      failurePolicy: 'Ignore',
    })
    answered(await api.post(paths.configMaps(ns), configMap('a', { k: 'v' })), 201)
    assert.equal(hook.asked.length, 0)
  }),
  rule('a matchCondition that does not compile is a 422', async (api) => {
    const webhooks = [
      {
        name: 'h.example.com',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        clientConfig: { url: 'https://127.0.0.1/x' },
        ...conditions('object.metadata.name =='),
      },
    ]
    says(await api.post(collections.validating, { metadata: { name: api.name() }, webhooks }), 422, [
      'Invalid',
      /webhooks\[0\]\.matchConditions\[0\]\.expression: Invalid value: .*compilation failed: ERROR: /s,
    ])
  }),
  rule('a registration must be whole', async (api) => {
    const post = (webhook: object) =>
      api.post(collections.validating, {
        metadata: { name: api.name() },
        webhooks: [
          {
            name: 'h.example.com',
            admissionReviewVersions: ['v1'],
            sideEffects: 'None',
            clientConfig: { url: 'https://127.0.0.1/x' },
            ...webhook,
          },
        ],
      })
    const bad: Readonly<Record<string, object>> = {
      'webhooks[0].name: Invalid value: "short": should be a domain with at least three segments separated by dots':
        { name: 'short' },
      'webhooks[0].clientConfig: Required value: exactly one of url or service is required': {
        clientConfig: {},
      },
      'webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds': {
        timeoutSeconds: 31,
      },
      'webhooks[0].failurePolicy: Unsupported value: "Maybe": supported values: "Fail", "Ignore"': {
        failurePolicy: 'Maybe',
      },
      'webhooks[0].admissionReviewVersions: Invalid value: ["v7"]: must include at least one of v1, v1beta1':
        { admissionReviewVersions: ['v7'] },
    }
    for (const [message, webhook] of Object.entries(bad)) {
      const answer = await post(webhook)
      assert.equal(answer.status, 422, answer.text)
      assert.ok(answer.body.message.endsWith(`is invalid: ${message}`), answer.body.message)
    }
    const http = await post({ clientConfig: { url: 'http://127.0.0.1/x' } })
    assert.match(
      http.body.message,
      /webhooks\[0\]\.clientConfig\.url: Invalid value: "http": 'https' is the only allowed URL scheme/,
    )
  }),
  rule('a registration gets its defaults', async (api) => {
    const metadata = { name: api.name() }
    const webhooks = [
      {
        name: 'h.example.com',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        clientConfig: { url: 'https://127.0.0.1/x' },
      },
    ]
    const made = await api.borrow(collections.mutating, { metadata, webhooks } as {
      metadata: { name: string }
    })
    const [webhook] = answered(made, 201).webhooks
    const {
      matchPolicy,
      failurePolicy,
      timeoutSeconds,
      reinvocationPolicy,
      namespaceSelector,
      objectSelector,
    } = webhook
    assert.deepEqual(
      { matchPolicy, failurePolicy, timeoutSeconds, reinvocationPolicy, namespaceSelector, objectSelector },
      {
        matchPolicy: 'Equivalent',
        failurePolicy: 'Fail',
        timeoutSeconds: 10,
        reinvocationPolicy: 'Never',
        namespaceSelector: {},
        objectSelector: {},
      },
    )
    assert.equal(made.body.metadata.generation, 1)
  }),
  rule('registrations are none of a webhook’s business', async (api) => {
    const ns = await api.namespace()
    const hook = await asking(api, ns, {
      rules: on(['validatingwebhookconfigurations', 'mutatingwebhookconfigurations']),
      namespaceSelector: {},
    })
    await api.borrow(collections.validating, { metadata: { name: api.name() } })
    assert.equal(hook.asked.length, 0)
  }),
  inNamespace('a webhook that is gone is asked no more', async (api, ns) => {
    const hook = api.hook(() => refuse('no'))
    const name = await register(api, 'validating', { ns, entries: [{ hook }] })
    assert.equal((await api.post(paths.configMaps(ns), configMap('a'))).status, 400)
    answered(await api.delete(`${collections.validating}/${name}`), 200)
    await api.eventually(async () => answered(await api.post(paths.configMaps(ns), configMap('a')), 201))
  }),
  rule('sideEffects Some is not to be had in v1', async (api) => {
    const webhooks = [
      {
        name: 'hook.example.com',
        sideEffects: 'Some',
        admissionReviewVersions: ['v1'],
        clientConfig: { url: 'https://localhost' },
      },
    ]
    const body = { metadata: { name: api.name() }, webhooks }
    says(await api.post('/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', body), 422, [
      'Invalid',
      /webhooks\[0\]\.sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"$/,
    ])
  }),
])

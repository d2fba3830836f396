/** Validating webhooks: what they are asked, and what their answers do. */
import assert from 'node:assert/strict'
import type { Api } from '../api.ts'
import type { Answer } from '../http.ts'
import { about, inNamespace } from '../case.ts'
import { answered, refused, says } from '../expected.ts'
import { configMap, lease, paths } from '../objects.ts'
import { register, type Entry } from '../registrations.ts'
import { admit, refuse, type Hook, type Reply } from '../webhook-server.ts'

type Given = Omit<Entry, 'hook'>

async function validating(
  api: Api,
  ns: string,
  [reply, fields = {}]: readonly [Reply, Given?],
): Promise<Hook> {
  const hook = api.hook(() => reply)
  await register(api, 'validating', { ns, entries: [{ ...fields, hook }] })
  return hook
}

const create = (api: Api, ns: string, query = {}): Promise<Answer> =>
  api.post(paths.configMaps(ns), configMap('a', { k: 'v' }, { labels: { tier: 'x' } }), query)

const failing: Readonly<Record<string, readonly [reply: Reply, message: RegExp]>> = {
  'a status of 500': [
    { status: 500, body: 'oh' },
    /^Internal error occurred: failed calling webhook "hook\.example\.com": failed to call webhook: an error on the server \("oh"\) has prevented the request from succeeding$/,
  ],
  'a status of 404': [
    { status: 404, body: '' },
    /^Internal error occurred: failed calling webhook "hook\.example\.com": failed to call webhook: the server could not find the requested resource$/,
  ],
  'an answer that is no JSON': [
    { status: 200, body: 'no', headers: { 'content-type': 'application/json' } },
    /^Internal error occurred: failed calling webhook "hook\.example\.com": /,
  ],
  'an answer of another kind': [
    {
      status: 200,
      body: '{"kind":"Pod","apiVersion":"v1"}',
      headers: { 'content-type': 'application/json' },
    },
    /^Internal error occurred: failed calling webhook "hook\.example\.com": /,
  ],
  'an answer without a response': [
    {
      status: 200,
      body: '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}',
      headers: { 'content-type': 'application/json' },
    },
    /^Internal error occurred: failed calling webhook "hook\.example\.com": expected webhook response of admission\.k8s\.io\/v1, Kind=AdmissionReview, got|invalid admission response|webhook response was absent/,
  ],
  'another uid than was asked': [
    { response: { allowed: true, uid: 'other' } },
    /^Internal error occurred: failed calling webhook "hook\.example\.com": .*expected response\.uid="[0-9a-f-]{36}", got "other"/,
  ],
  'a patch from a validating webhook': [
    { response: { allowed: true, patch: 'W10=', patchType: 'JSONPatch' } },
    /^Internal error occurred: failed calling webhook "hook\.example\.com": .*validating webhook may not return response\.patch/,
  ],
  'a connection that is cut': [
    'cut',
    /^Internal error occurred: failed calling webhook "hook\.example\.com": failed to call webhook: Post ".*": EOF$/,
  ],
}

/** The rules. */
export const cases = about('validating webhooks', [
  inNamespace('a refusal is a 400 in the webhook’s name, with its message', async (api, ns) => {
    await validating(api, ns, [refuse('not today')])
    refused(await create(api, ns), {
      code: 400,
      message: 'admission webhook "hook.example.com" denied the request: not today',
    })
    assert.equal((await api.get(paths.configMaps(ns, 'a'))).status, 404)
  }),
  inNamespace('a refusal without words says so', async (api, ns) => {
    await validating(api, ns, [{ response: { allowed: false } }])
    refused(await create(api, ns), {
      code: 400,
      message: 'admission webhook "hook.example.com" denied the request without explanation',
    })
  }),
  inNamespace('a refusal has the code and reason that the webhook gives', async (api, ns) => {
    const status = {
      code: 409,
      reason: 'Conflict',
      message: 'busy',
      details: { name: 'n', retryAfterSeconds: 3 },
    }
    await validating(api, ns, [{ response: { allowed: false, status } }])
    refused(await create(api, ns), {
      code: 409,
      reason: 'Conflict',
      message: 'admission webhook "hook.example.com" denied the request: busy',
      details: { name: 'n', retryAfterSeconds: 3 },
    })
  }),
  inNamespace('a refusal with a reason and no message gives the reason', async (api, ns) => {
    await validating(api, ns, [{ response: { allowed: false, status: { reason: 'Tired' } } }])
    says(await create(api, ns), 400, [
      'Tired',
      'admission webhook "hook.example.com" denied the request: Tired',
    ])
  }),
  inNamespace('a refusal with a code below 400 is a 400', async (api, ns) => {
    await validating(api, ns, [{ response: { allowed: false, status: { code: 200, message: 'm' } } }])
    assert.equal((await create(api, ns)).status, 400)
  }),
  inNamespace('a message of several lines and quotes is kept as it is', async (api, ns) => {
    const text = 'one\ntwo "three" é'
    await validating(api, ns, [refuse(text)])
    says(await create(api, ns), 400, [
      undefined,
      `admission webhook "hook.example.com" denied the request: ${text}`,
    ])
  }),
  inNamespace('an admission lets it be', async (api, ns) => {
    const hook = await validating(api, ns, [admit])
    answered(await create(api, ns), 201)
    assert.equal(hook.asked.length, 1)
  }),
  inNamespace('a deletion that is refused keeps the object', async (api, ns) => {
    const rules = [
      { apiGroups: [''], apiVersions: ['v1'], operations: ['DELETE', 'CREATE'], resources: ['configmaps'] },
    ]
    const hook = api.hook(({ request }) => (request.operation === 'DELETE' ? refuse('stay') : admit))
    await register(api, 'validating', { ns, entries: [{ hook, rules }] })
    answered(await create(api, ns), 201)
    says(await api.delete(paths.configMaps(ns, 'a')), 400, [
      undefined,
      'admission webhook "hook.example.com" denied the request: stay',
    ])
    assert.equal((await api.get(paths.configMaps(ns, 'a'))).status, 200)
  }),
  inNamespace('warnings come out as headers, admitted or not', async (api, ns) => {
    const warnings = ['first', 'second "quoted"']
    await validating(api, ns, [{ response: { allowed: true, warnings } }])
    const answer = await create(api, ns)
    answered(answer, 201)
    assert.deepEqual(answer.warnings, warnings)
  }),
  inNamespace('warnings of a refusal come out too', async (api, ns) => {
    await validating(api, ns, [{ response: { allowed: false, warnings: ['beware'] } }])
    assert.deepEqual((await create(api, ns)).warnings, ['beware'])
  }),
  inNamespace('all validating webhooks are asked, though one refuses', async (api, ns) => {
    const hooks = [refuse('one'), admit, refuse('three')].map((reply) => api.hook(() => reply))
    const entries = hooks.map((hook, index) => ({ hook, name: `h${index}.example.com` }))
    await register(api, 'validating', { ns, entries })
    const answer = await create(api, ns)
    assert.equal(answer.status, 400)
    assert.match(
      answer.body.message,
      /admission webhook "h[02]\.example\.com" denied the request: (one|three)/,
    )
    await api.eventually(async () =>
      assert.deepEqual(
        hooks.map(({ asked }) => asked.length),
        [1, 1, 1],
      ),
    )
  }),
  ...Object.entries(failing).map(([name, [reply, message]]) =>
    inNamespace(`${name} is a failure: a 500 under Fail`, async (api, ns) => {
      await validating(api, ns, [reply, { failurePolicy: 'Fail' }])
      const answer = await create(api, ns)
      says(answer, 500, ['InternalError', message])
      const { causes } = answer.body.details
      assert.deepEqual(causes, [{ message: answer.body.message.replace('Internal error occurred: ', '') }])
    }),
  ),
  ...Object.entries(failing).map(([name, [reply]]) =>
    inNamespace(`${name} is a failure: admitted under Ignore`, async (api, ns) => {
      const hook = await validating(api, ns, [reply, { failurePolicy: 'Ignore' }])
      answered(await create(api, ns), 201)
      assert.ok(hook.asked.length > 0)
    }),
  ),
  inNamespace('a refusal counts under Ignore too', async (api, ns) => {
    await validating(api, ns, [refuse('no'), { failurePolicy: 'Ignore' }])
    assert.equal((await create(api, ns)).status, 400)
  }),
  inNamespace(
    'an answer that does not come is a 500 after timeoutSeconds, and the connection is closed',
    async (api, ns) => {
      const hook = await validating(api, ns, ['hang', { timeoutSeconds: 1 }])
      const answer = await create(api, ns)
      says(answer, 500, [
        'InternalError',
        /^Internal error occurred: failed calling webhook "hook\.example\.com": failed to call webhook: Post "https:\/\/127\.0\.0\.1:\d+\/[0-9a-f]+\?timeout=1s": (context deadline exceeded|net\/http: request canceled.*)$/,
      ])
      await api.eventually(async () => assert.equal(hook.abandoned(), 1))
    },
  ),
  inNamespace('an answer that does not come is admitted under Ignore', async (api, ns) => {
    await validating(api, ns, ['hang', { timeoutSeconds: 1, failurePolicy: 'Ignore' }])
    answered(await create(api, ns), 201)
  }),
  inNamespace('a certificate that caBundle does not vouch for is a failure', async (api, ns) => {
    const hook = api.hook(() => admit)
    const stranger = Buffer.from(api.endpoint.ca).toString('base64')
    await register(api, 'validating', {
      ns,
      entries: [{ hook, clientConfig: { ...hook.clientConfig, caBundle: stranger } }],
    })
    says(await create(api, ns), 500, [
      'InternalError',
      /failed to verify certificate: x509: certificate signed by unknown authority/,
    ])
    assert.equal(hook.asked.length, 0)
  }),
  inNamespace('a webhook that nobody listens for is a failure', async (api, ns) => {
    const hook = api.hook(() => admit)
    await register(api, 'validating', {
      ns,
      entries: [{ hook, clientConfig: { ...hook.clientConfig, url: 'https://127.0.0.1:1/x' } }],
    })
    says(await create(api, ns), 500, [
      'InternalError',
      'Internal error occurred: failed calling webhook "hook.example.com": failed to call webhook: Post "https://127.0.0.1:1/x?timeout=5s": dial tcp 127.0.0.1:1: connect: connection refused',
    ])
  }),
  inNamespace('what other kinds do is none of its business', async (api, ns) => {
    const hook = await validating(api, ns, [refuse('no')])
    answered(await api.post(paths.leases(ns), lease('a')), 201)
    assert.equal(hook.asked.length, 0)
  }),
  inNamespace('a taken name is found after the webhooks were asked', async (api, ns) => {
    const hook = await validating(api, ns, [admit])
    answered(await create(api, ns), 201)
    says(await create(api, ns), 409, ['AlreadyExists', 'configmaps "a" already exists'])
    assert.equal(hook.asked.length, 2)
  }),
  inNamespace('what is not valid is refused before validating webhooks are asked', async (api, ns) => {
    const hook = await validating(api, ns, [admit])
    assert.equal((await api.post(paths.configMaps(ns), configMap('A_'))).status, 422)
    assert.equal(hook.asked.length, 0)
  }),
])

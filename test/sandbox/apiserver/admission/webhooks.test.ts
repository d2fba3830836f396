import t from 'tap'
import { aMap, call, maps, started, type Loose } from '../client.ts'
import { aConfiguration, aHook, patching } from '../hook.ts'

t.test('a refusal has the words of the webhook, its code and its warnings', async (t) => {
  const api = await started(t)
  const hook = await aHook(t, () => ({
    allowed: false,
    status: { code: 403, message: 'not\ntoday' },
    warnings: ['late'],
  }))
  api.seed([aConfiguration('Validating', hook)])
  const reply = await call(api, 'POST', maps, aMap('a'))
  t.match(reply, {
    code: 403,
    body: { message: 'admission webhook "one.hooks.example" denied the request: not\ntoday' },
    headers: { warning: '299 - "late"' },
  })
  t.equal((await call(api, 'GET', `${maps}/a`)).code, 404)
})

t.test('the review carries what the real server sends', async (t) => {
  const api = await started(t)
  const hook = await aHook(t, () => ({ allowed: true }))
  api.seed([aConfiguration('Validating', hook)])
  await call(api, 'POST', `${maps}?dryRun=All`, { ...aMap('a'), metadata: { generateName: 'a-' } })
  t.match(hook.heard[0], {
    path: '/judge?timeout=5s',
    request: {
      operation: 'CREATE',
      kind: { group: '', version: 'v1', kind: 'ConfigMap' },
      resource: { group: '', version: 'v1', resource: 'configmaps' },
      name: /^a-.{5}$/,
      namespace: 'default',
      dryRun: true,
      userInfo: { username: 'admin' },
      object: { metadata: { uid: /^[0-9a-f-]{36}$/, name: /^a-/ } },
      oldObject: null,
    },
  })
})

t.test('a mutating webhook sees neither generated name nor uid, and its patch is stored', async (t) => {
  const api = await started(t)
  const hook = await aHook(t, () =>
    patching({ op: 'add', path: '/metadata/annotations', value: { held: 'yes' } }),
  )
  api.seed([aConfiguration('Mutating', hook)])
  const made = await call(api, 'POST', maps, { ...aMap('a'), metadata: { generateName: 'a-' } })
  t.equal(made.body.metadata.annotations.held, 'yes')
  const { object, name } = hook.heard[0]?.request ?? {}
  t.same([name, object.metadata.name, object.metadata.uid], [undefined, undefined, undefined])
})

t.test('a webhook that asked for it is called again after a later one changed the object', async (t) => {
  const api = await started(t)
  const first = await aHook(t, () => ({ allowed: true }))
  const second = await aHook(t, () => patching({ op: 'add', path: '/data', value: { x: 'y' } }))
  const both = aConfiguration('Mutating', first, { reinvocationPolicy: 'IfNeeded' })
  both.webhooks.push({ ...aConfiguration('Mutating', second).webhooks[0], name: 'two.hooks.example' })
  api.seed([both])
  await call(api, 'POST', maps, aMap('a'))
  t.same([first.heard.length, second.heard.length], [2, 1])
})

t.test('past its timeout the connection closes and the request fails, or passes under Ignore', async (t) => {
  const timers: { at: number; call: () => void }[] = []
  const clock = {
    now: () => Date.now(),
    after: (ms: number, call: () => void) => {
      const timer = { at: ms, call }
      timers.push(timer)
      return () => void timers.splice(timers.indexOf(timer), 1)
    },
  }
  const api = await started(t, { clock })
  const expire = (): undefined => {
    queueMicrotask(() => timers.find((one) => one.at === 5000)?.call())
    return undefined
  }
  const hook = await aHook(t, expire)
  api.seed([aConfiguration('Validating', hook)])
  const failed = await call(api, 'POST', maps, aMap('a'))
  t.match(failed, {
    code: 500,
    body: {
      reason: 'InternalError',
      message: `Internal error occurred: failed calling webhook "one.hooks.example": failed to call webhook: Post "${hook.url}/judge?timeout=5s": context deadline exceeded`,
    },
  })
  await hook.heard[0]?.closed
  api.seed([aConfiguration('Validating', hook, { failurePolicy: 'Ignore' })])
  t.equal((await call(api, 'POST', maps, aMap('a'))).code, 201)
})

t.test('an answer with Retry-After is asked for again with the same uid, eleven times at most', async (t) => {
  const api = await started(t)
  const hook = await aHook(t, () => ({ httpCode: 503, retryAfter: 0 }))
  api.seed([aConfiguration('Validating', hook)])
  t.equal((await call(api, 'POST', maps, aMap('a'))).code, 500)
  t.equal(hook.heard.length, 11)
  t.equal(new Set(hook.heard.map((one) => one.request.uid)).size, 1)
})

t.test(
  'a certificate that the caBundle does not vouch for is refused, and a Service is reached by what it stands for',
  async (t) => {
    const hook = await aHook(t, () => ({ allowed: true }), ['judge.court.svc'])
    const other = await aHook(t, () => ({ allowed: true }))
    const api = await started(t, { services: { 'court/judge': hook.url } })
    const service = (caBundle: string): unknown => ({
      clientConfig: { service: { namespace: 'court', name: 'judge', path: '/judge' }, caBundle },
    })
    api.seed([aConfiguration('Validating', hook, service(other.caBundle) as Loose)])
    t.match(
      (await call(api, 'POST', maps, aMap('a'))).body.message,
      /Post "https:\/\/judge.court.svc:443\/judge\?timeout=5s": tls: failed to verify certificate: x509: certificate signed by unknown authority/,
    )
    api.seed([aConfiguration('Validating', hook, service(hook.caBundle) as Loose)])
    t.equal((await call(api, 'POST', maps, aMap('a'))).code, 201)
  },
)

t.test('selectors, conditions and dry run decide whether a webhook is called', async (t) => {
  const api = await started(t)
  const hook = await aHook(t, () => ({ allowed: false }))
  const codeWith = async (more: Record<string, unknown>, query = ''): Promise<number> => {
    api.seed([aConfiguration('Validating', hook, more)])
    return (await call(api, 'POST', `${maps}${query}`, aMap('a', { x: 'y' }), {})).code
  }
  const dry = '?dryRun=All'
  t.equal(
    await codeWith({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'other' } } }, dry),
    201,
  )
  t.equal(await codeWith({ objectSelector: { matchLabels: { a: 'b' } } }, dry), 201)
  t.equal(await codeWith({ matchConditions: [{ name: 'x', expression: "object.data.x == 'z'" }] }, dry), 201)
  t.equal(await codeWith({ matchConditions: [{ name: 'x', expression: "object.data.x == 'y'" }] }, dry), 400)
  t.equal(await codeWith({ matchConditions: [{ name: 'x', expression: 'object.data.nope == 1' }] }, dry), 403)
  t.equal(await codeWith({ sideEffects: 'Some' }, dry), 400)
  t.equal(hook.heard.length, 1)
})

t.test('a taken name is still put to the webhooks, then refused', async (t) => {
  const api = await started(t)
  const hook = await aHook(t, () => ({ allowed: true }))
  api.seed([aMap('a'), aConfiguration('Validating', hook)])
  t.equal((await call(api, 'POST', maps, aMap('a'))).code, 409)
  t.equal(hook.heard.length, 1)
})

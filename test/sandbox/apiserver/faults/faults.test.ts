import t from 'tap'
import { aMap, call, maps, started } from '../client.ts'

t.test('a fault meets the nth matching call, as often as told', async (t) => {
  const api = await started(t)
  api.seed([aMap('a')])
  api.faults.add({
    match: { verb: 'get', resource: 'configmaps' },
    nth: 2,
    times: 2,
    effect: { kind: 'answer', code: 429, retryAfterSeconds: 3 },
  })
  const codes: number[] = []
  for (let turn = 0; turn < 4; turn += 1) codes.push((await call(api, 'GET', `${maps}/a`)).code)
  t.same(codes, [200, 429, 429, 200])
})

t.test('a cut loses the call, a cut answer only the answer', async (t) => {
  const api = await started(t)
  api.faults.add({ match: { verb: 'create' }, effect: { kind: 'cut' } })
  await t.rejects(call(api, 'POST', maps, aMap('a')), { code: 'ECONNRESET' })
  t.equal(api.read('/configmaps', 'default', 'a'), undefined)
  api.faults.add({ match: { verb: 'create' }, effect: { kind: 'cut-answer' } })
  await t.rejects(call(api, 'POST', maps, aMap('a')), { code: 'ECONNRESET' })
  t.ok(api.read('/configmaps', 'default', 'a'))
})

t.test('a frozen call goes on when it is thawed', async (t) => {
  const api = await started(t)
  api.faults.add({ match: { path: '/version' }, effect: { kind: 'freeze' } })
  const frozen = call(api, 'GET', '/version')
  await call(api, 'GET', '/readyz')
  api.faults.thaw()
  await call(api, 'GET', '/readyz')
  api.faults.thaw()
  t.equal((await frozen).code, 200)
})

t.test('faults can be asked for over HTTP, by masters only', async (t) => {
  const api = await started(t, { users: [{ name: 'bob', token: 'b' }] })
  const fault = { match: { path: '/version' }, effect: { kind: 'answer', code: 503 } }
  t.equal((await call(api, 'POST', '/sandbox/faults', fault, { user: 'bob' })).code, 403)
  t.equal((await call(api, 'POST', '/sandbox/faults', fault)).code, 200)
  t.equal((await call(api, 'GET', '/version')).code, 503)
  t.equal((await call(api, 'POST', '/sandbox/faults', { effect: { kind: 'explode' } })).code, 400)
})

t.test('a restart keeps the port, and the state if asked to', async (t) => {
  const api = await started(t)
  api.seed([aMap('a')])
  await api.restart()
  t.equal((await call(api, 'GET', `${maps}/a`)).code, 200)
  await api.restart({ keepState: false })
  t.equal((await call(api, 'GET', `${maps}/a`)).code, 404)
})

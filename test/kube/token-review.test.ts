import t from 'tap'
import type { Call, KubeClient } from '../../src/kube/client.ts'
import { createKubeClient } from '../../src/kube/client.ts'
import { createTokenReview } from '../../src/kube/token-review.ts'
import { startApiServer } from '../../src/sandbox/apiserver/server.ts'
import { systemClock } from '../../src/system-clock.ts'
import { FakeLog } from '../support/fake-log.ts'

t.test('a token is whose the API server says, if it is for our audience and has not ended', async (t) => {
  const audiences = ['tidewaiter']
  const api = await startApiServer({
    users: [
      { name: 'alice', token: 'hers', groups: ['developers'], audiences },
      { name: 'late', token: 'ended', audiences, expiresAt: 1000 },
      { name: 'other', token: 'for-others', audiences: ['vault'] },
      { name: 'plain', token: 'for-the-api-server' },
    ],
  })
  t.teardown(() => api.stop())
  const client = createKubeClient({
    access: {
      server: api.url,
      ca: api.ca,
      auth: async () => ({ authorization: `Bearer ${api.token('admin')}` }),
      inCluster: false,
      skipTlsVerify: false,
      warnings: [],
    },
    clock: systemClock,
    log: new FakeLog(),
    userAgent: 'test',
  })
  t.teardown(() => client.close())
  const review = createTokenReview(client, 'tidewaiter')
  t.match(await review('hers'), { user: 'alice', groups: ['developers', 'system:authenticated'] })
  for (const token of ['ended', 'for-others', 'for-the-api-server', 'unknown'])
    t.equal(await review(token), undefined, token)
})

const answering = (status: unknown) => {
  const calls: Call[] = []
  const request = async (call: Call) => {
    calls.push(call)
    return { status }
  }
  const client = { request } as unknown as KubeClient
  return { review: createTokenReview(client, 'ours'), calls }
}

t.test('only a plain yes for our audience is a yes', async (t) => {
  const user = { username: 'alice' }
  for (const status of [
    {},
    { authenticated: false, audiences: ['ours'], user },
    { authenticated: 'true', audiences: ['ours'], user },
    { authenticated: true, user },
    { authenticated: true, audiences: ['theirs'], user },
    { authenticated: true, audiences: ['ours'] },
    { authenticated: true, audiences: ['ours'], user: { username: '' } },
  ])
    t.equal(await answering(status).review('x'), undefined, JSON.stringify(status))
  t.same(await answering({ authenticated: true, audiences: ['ours'], user }).review('x'), {
    user: 'alice',
    groups: [],
  })
  await t.rejects(answering(undefined).review('x'), { code: 'BAD_ANSWER' })
})

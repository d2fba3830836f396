import t from 'tap'
import { createMetrics } from '../../src/observe/metrics.ts'
import { buildOps } from '../../src/observe/ops.ts'

t.test('the operations port says whether it lives, whether it is ready, and what was counted', async (t) => {
  const { registry, ready } = createMetrics('1')
  ready.set(1)
  let reasons: readonly string[] = ['starting', 'no copies']
  const ops = buildOps({ registry, notReady: () => reasons })
  const { port } = await ops.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => ops.close())
  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`)
    return { status: answer.status, text: await answer.text(), type: answer.headers.get('content-type') }
  }
  t.match(await get('/healthz'), { status: 200, text: 'ok\n' })
  t.match(await get('/readyz'), { status: 503, text: 'starting\nno copies\n' })
  reasons = []
  t.match(await get('/readyz'), { status: 200 })
  t.match(await get('/metrics'), { status: 200, text: /tidewaiter_ready 1/, type: /text\/plain/ })
  t.equal((await get('/else')).status, 404)
})

/** The performer with the real egress client, over real sockets. */
import t from 'tap'
import { createPerformer } from '../../src/actions/perform.ts'
import type { Ports } from '../../src/actions/ports.ts'
import { createEgress } from '../../src/net/egress.ts'
import { systemClock } from '../../src/system-clock.ts'
import { anActionSpec, anHttp } from '../support/build.ts'
import { serve, serveRaw } from '../net/servers.ts'
import { path, unchanged } from './support.ts'

const silent = () => {}
const log = { debug: silent, info: silent, warn: silent, error: silent }
const rules = { inCluster: false, refusedAddresses: () => [], allowNames: [], onlyTo: [] }
const egress = createEgress({ rules, clock: systemClock, lookup: async () => ['127.0.0.1'] })
const ports: Ports = {
  clock: systemClock,
  log,
  send: egress.send,
  secret: async () => ({ ok: 'hunter22' }),
  actor: async () => ({ refused: 'there is none' }),
  evaluate: path,
  reads: () => [],
  userAgent: 'tidewaiter/test',
}
const retry = {
  limit: 3,
  retryOn: ['5xx', 'network', 'timeout'],
  initialSeconds: 0,
  factor: 1,
  maxSeconds: 1,
}

const perform = (spec: Parameters<typeof anActionSpec>[0], signal = new AbortController().signal) =>
  createPerformer(ports)({
    action: { name: '10-a', spec: anActionSpec(spec) },
    idempotencyKey: 'u/PreBackup/10-a',
    traceparent: '00-1-1-01',
    variables: {},
    endsAt: systemClock.now() + 5000,
    signal,
    ...unchanged,
  })

t.test('a server that is not well at first is called again, and its JSON becomes outputs', async (t) => {
  let calls = 0
  const port = await serve(t, (_request, response) => {
    calls += 1
    response.writeHead(calls < 3 ? 503 : 200, { 'content-type': 'application/json' }).end('{"lsn":"0/1"}')
  })
  const http = anHttp({ url: `http://a.test:${port}/` })
  t.match(await perform({ http, retry, outputs: [{ name: 'lsn', expression: 'response.body.lsn' }] }), {
    status: 'done',
    attempts: 3,
    outputs: { lsn: '0/1' },
  })
})
t.test('a connection that was reset is tried again', async (t) => {
  let calls = 0
  const { port } = await serveRaw(t, (socket) => {
    calls += 1
    if (calls === 1) socket.resetAndDestroy()
    else socket.once('data', () => socket.end('HTTP/1.1 204 No Content\r\n\r\n'))
  })
  t.match(await perform({ http: anHttp({ url: `http://a.test:${port}/` }), retry }), {
    status: 'done',
    attempts: 2,
  })
})
t.test('a refused address fails with the cause egress and the way it was written', async (t) => {
  const outcome = await perform({ http: anHttp({ url: 'http://[::ffff:169.254.169.254]/' }), retry })
  t.match(outcome, {
    cause: 'egress',
    attempts: 1,
    mayHaveHadEffect: false,
    message: /169.254.169.254, written \[::ffff:a9fe:a9fe\]/,
  })
})
t.test('giving up closes the connection', async (t) => {
  const controller = new AbortController()
  const { port, open } = await serveRaw(t, (socket) => void socket.once('data', () => controller.abort()))
  const outcome = await perform({ http: anHttp({ url: `http://a.test:${port}/` }) }, controller.signal)
  t.match(outcome, { cause: 'aborted', mayHaveHadEffect: true })
  for (const socket of open) await new Promise((resolve) => socket.once('close', resolve))
})

/** The door of the webhooks: what is asked passes to a process that shows what the install trusts, and ends with it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Agent, request } from 'node:https'
import t, { type Test } from 'tap'
import { certificate, serve } from '../net/servers.ts'
import { startAdmission } from './admission.ts'
import { relay, type PassingCall } from './proxy.ts'

const pair = certificate({ name: '127.0.0.1' })
const shown = { key: pair.key, cert: pair.cert, ca: pair.cert }
const review = { kind: 'AdmissionReview', request: { uid: 'u' } }

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** A door before one process, and somebody who asks on one connection. */
async function doorOf(
  t: Test,
  answer: Answer,
  onCall: (call: PassingCall) => Promise<void> | undefined = () => undefined,
) {
  const port = await serve(t, answer, pair)
  const door = await startAdmission({
    ports: () => [port],
    shown: () => shown,
    onCall: (_, one) => onCall(one),
  })
  const agent = new Agent({ ca: pair.cert, keepAlive: true, maxSockets: 1 })
  t.teardown(async () => {
    agent.destroy()
    await door.stop()
  })
  return () =>
    new Promise<number>((resolve, reject) => {
      const asking = request({
        host: '127.0.0.1',
        port: door.port,
        path: '/t/backups',
        method: 'POST',
        agent,
      })
      asking.on('response', (said) => void said.resume().on('end', () => resolve(said.statusCode ?? 0)))
      asking.on('error', reject)
      asking.end(JSON.stringify(review))
    })
}

t.test('what is asked is seen, and passes with its answer, on connections that stay', async (t) => {
  const calls: PassingCall[] = []
  const far = new Set<unknown>()
  const answer: Answer = (asked, response) => {
    far.add(asked.socket)
    asked.resume().on('end', () => response.end('{}'))
  }
  const ask = await doorOf(t, answer, (call) => void calls.push(call))
  for (let times = 0; times < 3; times += 1) t.equal(await ask(), 200)
  t.same(
    calls.map(({ wire }) => [wire.url, wire.body]),
    Array.from({ length: 3 }, () => ['/t/backups', review]),
  )
  t.equal(far.size, 1)
})

t.test('who dies before it answers leaves nobody waiting', async (t) => {
  const ask = await doorOf(t, (asked) => void asked.socket.destroy())
  await t.rejects(ask(), { code: 'ECONNRESET' })
})

t.test('a call that is cut had its effect', async (t) => {
  let heard = 0
  const answer: Answer = (_, response) => {
    heard += 1
    response.end('{}')
  }
  const ask = await doorOf(t, answer, async (call) => {
    await call.pass()
    if (heard === 1) call.cut()
    else await relay(call)
  })
  await t.rejects(ask(), { code: 'ECONNRESET' })
  t.equal(heard, 1)
  t.equal(await ask(), 200)
})

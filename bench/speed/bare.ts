/**
 * What every figure is a ratio of: a bare node:https server that decides as the webhooks of tidewaiter do where nothing is to be run,
 * and does nothing else: no metrics, no log, no limits, no deadlines. usage: node bench/speed/bare.ts CERT KEY [ACTION-URL]
 */
import { readFileSync } from 'node:fs'
import { Agent, request as ask, type ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'

const [cert = '', key = '', action = ''] = process.argv.slice(2)
// At most as many as tidewaiter has: one for each question.
const agent = new Agent({ keepAlive: true })

/** Does the one action that there is for it: calls a server, and wants 200. */
function act(name: string): Promise<boolean> {
  const body = JSON.stringify({ name })
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const sent = ask(action, { method: 'POST', agent, headers }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode === 200))
    })
    sent.once('error', reject).end(body)
  })
}

function answerTo(url: string, body: Buffer): string | Promise<string> {
  const { request } = JSON.parse(body.toString('utf8'))
  const starts = ['', 'New'].includes(request.object?.status?.phase ?? '')
  const reason = starts && request.operation === 'CREATE' ? 'NoActionMatches' : 'NotStarting'
  const told = url.startsWith('/hold') ? {} : { auditAnnotations: { verdict: 'allowed', reason } }
  const reply = (allowed: boolean) =>
    JSON.stringify({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: request.uid, allowed, ...told },
    })
  return request.object?.metadata?.labels?.bench === 'act' ? act(request.name).then(reply) : reply(true)
}

function send(response: ServerResponse, answer: string): void {
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(answer),
  })
  response.end(answer)
}

const server = createServer(
  {
    cert: readFileSync(cert),
    key: readFileSync(key),
    ALPNProtocols: ['http/1.1'],
    keepAliveTimeout: 95_000,
  },
  (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const answer = answerTo(request.url ?? '', Buffer.concat(chunks))
      if (typeof answer === 'string') send(response, answer)
      else void answer.then((text) => send(response, text))
    })
  },
)
server.listen(0, '127.0.0.1', () =>
  console.log(`listens on 127.0.0.1:${(server.address() as AddressInfo).port}`),
)

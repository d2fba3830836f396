/**
 * What every figure is a ratio of: a bare node:https server that decides as the webhooks of tidewaiter do where nothing is to be run,
 * and does nothing else: no metrics, no log, no limits, no deadlines. usage: node bench/speed/bare.ts CERT KEY
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'

const [cert = '', key = ''] = process.argv.slice(2)

function answerTo(url: string, body: Buffer): string {
  const { request } = JSON.parse(body.toString('utf8'))
  const starts = ['', 'New'].includes(request.object?.status?.phase ?? '')
  const reason = starts && request.operation === 'CREATE' ? 'NoActionMatches' : 'NotStarting'
  const response = { uid: request.uid, allowed: true }
  const told = url.startsWith('/hold') ? {} : { auditAnnotations: { verdict: 'allowed', reason } }
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { ...response, ...told },
  })
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
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(answer),
      })
      response.end(answer)
    })
  },
)
server.listen(0, '127.0.0.1', () =>
  console.log(`listens on 127.0.0.1:${(server.address() as AddressInfo).port}`),
)

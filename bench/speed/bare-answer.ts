/** What the bare twin does with a request: it decides as the webhooks of tidewaiter do where nothing is to be run, and no more than that. */
import {
  Agent,
  request as ask,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'

// At most as many as tidewaiter has: one for each question.
const agent = new Agent({ keepAlive: true })

/** Does the one action that there is for it: calls a server, and wants 200. */
function act(action: string, name: string): Promise<boolean> {
  const body = JSON.stringify({ name })
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const sent = ask(action, { method: 'POST', agent, headers }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode === 200))
    })
    sent.once('error', reject).end(body)
  })
}

function answerTo(url: string, body: Buffer, action: string): string | Promise<string> {
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
  return request.object?.metadata?.labels?.bench === 'act'
    ? act(action, request.name).then(reply)
    : reply(true)
}

function send(response: ServerResponse, answer: string): void {
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(answer),
  })
  response.end(answer)
}

/** Answers each request; `action` is the URL of the one action that there may be. */
export const bareListener =
  (action = ''): RequestListener =>
  (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const answer = answerTo(request.url ?? '', Buffer.concat(chunks), action)
      if (typeof answer === 'string') send(response, answer)
      else void answer.then((text) => send(response, text))
    })
  }

/**
 * Part of what tidewaiter promises where nothing is to be run, in the simplest code that we could think of, and for this one case: the path
 * is a secret, size and time are bounded, the fields that make a question are checked, Actions are looked for by their Schedule, the answer
 * is counted, told in the log, and taken into a chain that is signed now and then. Missing of what tidewaiter does: records that are kept
 * and written to the API server, skips, other ways of matching, connections that make room, who asks, and an answer to whatever goes wrong.
 * usage: node bench/speed/promised.ts CERT KEY
 */
import { isUtf8 } from 'node:buffer'
import { generateKeyPairSync, hash, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { isAccepted } from '../../src/admission/asked.ts'
import { Gauge, Registry } from '../../src/lean/prom-client.ts'
import { Tally, Timing } from '../../src/observe/tally.ts'

const mostBytes = 7 * 2 ** 20
const longestMs = 9_500
const checkpointEvery = 16

const [cert = '', key = ''] = process.argv.slice(2)
const registry = new Registry()
const requests = new Tally({
  name: 'requests',
  help: 'by what was decided',
  labelNames: ['webhook', 'kind', 'operation', 'verdict', 'reason', 'dry_run'],
  registry,
})
const duration = new Timing({
  name: 'duration',
  help: 'how long it took',
  labelNames: ['webhook', 'verdict'],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30],
  registry,
})
const inFlight = new Gauge({ name: 'in_flight', help: 'being answered', registers: [registry] })
const prefix = '8ccf68cb21e44f76328408bcef767610'
const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime })
const actions = new Map(Array.from({ length: 20 }, (_, i) => [`other-${i}`, [`other-${i}`]]))
const { privateKey } = generateKeyPairSync('ed25519')

type Asked = {
  readonly uid: string
  readonly operation: string
  readonly name: string
  readonly namespace: string
  readonly kind: { readonly kind: string }
  readonly userInfo: { readonly username: string; readonly groups?: readonly string[] }
  readonly dryRun?: boolean
  readonly object?: {
    readonly metadata?: { readonly uid?: string; readonly labels?: Readonly<Record<string, string>> }
    readonly status?: { readonly phase?: string }
  }
}

/** The question, or undefined if it is none. */
function askedIn(body: Buffer): Asked | undefined {
  if (!isUtf8(body)) return undefined
  const { apiVersion, kind, request } = JSON.parse(body.toString('utf8'))
  const isOne = apiVersion === 'admission.k8s.io/v1' && kind === 'AdmissionReview'
  const texts = [request?.uid, request?.operation, request?.namespace, request?.name]
  texts.push(request?.kind?.kind, request?.userInfo?.username)
  return isOne && texts.every((text) => typeof text === 'string') ? request : undefined
}

function reasonOf({ operation, object }: Asked): string {
  const starts = ['', 'New'].includes(object?.status?.phase ?? '') && operation === 'CREATE'
  if (!starts) return 'NotStarting'
  const labels = object?.metadata?.labels ?? {}
  return actions.has(labels['velero.io/schedule-name'] ?? '') ? 'ActionMatches' : 'NoActionMatches'
}

const chain = { seq: 0, head: '' }

/** Takes the decision into the chain; what is said of it in the audit log of the API server. */
function recorded(asked: Asked, reason: string): Readonly<Record<string, string>> {
  const { uid, operation, name, kind, userInfo, object } = asked
  const detail = hash('sha256', JSON.stringify({ groups: userInfo.groups }))
  const seq = (chain.seq += 1)
  const time = new Date().toISOString()
  const event = { detail, name, request: uid, seq, time, uid: object?.metadata?.uid }
  const spec = { kind: kind.kind, operation, reason, user: userInfo.username, verdict: 'Allowed' }
  const digest = hash('sha256', JSON.stringify({ event, spec }))
  chain.head = hash('sha256', `${chain.head}${digest}`)
  const own = { chain: JSON.stringify({ seq, digest }) }
  if (seq % checkpointEvery !== 1) return own
  return { ...own, checkpoint: sign(null, Buffer.from(chain.head), privateKey).toString('base64url') }
}

function told(asked: Asked, reason: string): Readonly<Record<string, string>> {
  const { uid: request, operation, name, namespace, kind, userInfo, dryRun = false } = asked
  const who = { request, kind: kind.kind, namespace, name, operation, user: userInfo.username, dryRun }
  log.info({ audit: true, webhook: 'backups', verdict: 'allowed', reason, ...who }, 'decision')
  return { verdict: 'allowed', reason, ...recorded(asked, reason) }
}

function answerTo(asked: Asked, webhook: string, began: number): string {
  const reason = reasonOf(asked)
  const auditAnnotations = webhook === 'hold' ? undefined : told(asked, reason)
  const { operation, dryRun = false } = asked
  const verdict = 'allowed'
  requests.inc(webhook, asked.kind.kind, operation, verdict, reason, String(dryRun))
  duration.observe((Date.now() - began) / 1000, webhook, verdict)
  const response = { uid: asked.uid, allowed: true, auditAnnotations }
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response })
}

function understood(body: Buffer): Asked | undefined {
  try {
    return askedIn(body)
  } catch {
    return undefined
  }
}

function send(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  response.end(text)
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const began = Date.now()
  const { headers, url = '' } = request
  if (!isAccepted(url.slice(1, prefix.length + 1), [prefix])) return send(response, 404, '{}')
  if (headers['content-type'] !== 'application/json' || Number(headers['content-length']) > mostBytes)
    return send(response, 415, '{}')
  const late = setTimeout(() => request.socket.destroy(), longestMs)
  response.once('close', () => clearTimeout(late))
  inFlight.inc()
  const chunks: Buffer[] = []
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > mostBytes) request.socket.destroy()
    chunks.push(chunk)
  })
  request.on('end', () => {
    const asked = understood(Buffer.concat(chunks))
    inFlight.dec()
    if (asked === undefined) send(response, 400, '{}')
    else send(response, 200, answerTo(asked, url.includes('/hold?') ? 'hold' : 'backups', began))
  })
}

const server = createServer(
  { cert: readFileSync(cert), key: readFileSync(key), ALPNProtocols: ['http/1.1'], keepAliveTimeout: 95_000 },
  answer,
)
server.listen(0, '127.0.0.1', () =>
  console.log(`listens on 127.0.0.1:${(server.address() as AddressInfo).port}/${prefix}`),
)

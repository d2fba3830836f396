/** Answers on the wire: JSON, text, and streams of watch events. */
import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Effect, Faults, FaultyCall } from '../faults/faults.ts'
import { isObject, type Json } from '../json.ts'
import type { Answer } from './request.ts'

type Plain = Exclude<Answer, { as: 'stream' }>
type Streamed = Extract<Answer, { as: 'stream' }>

// apiserver pkg/endpoints/filters/warning.go: beyond 4096 characters in total, each is cut to 256.
const warningsInTotal = 4096
const warningCut = 256

function warningHeaders(warnings: readonly string[]): readonly string[] {
  const usable = warnings.filter((one) => one !== '' && !/[\r\n]/.test(one))
  const total = usable.reduce((sum, one) => sum + one.length, 0)
  const cut = total > warningsInTotal ? usable.map((one) => one.slice(0, warningCut)) : usable
  return cut.map((one) => `299 - ${quoted(one)}`)
}

// A header carries latin-1 at most; what lies beyond is sent as UTF-8 bytes, as Go does.
function quoted(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
  return `"${Buffer.from(escaped, 'utf8').toString('latin1')}"`
}

/** How an answer is sent. */
export type Manner = {
  readonly warnings: readonly string[]
  /** Only the head is wanted. */
  readonly head: boolean
  /** For people: indented, what it is first. */
  readonly pretty: boolean
}

function shown(body: Json, pretty: boolean): string {
  if (!pretty) return `${JSON.stringify(body)}\n`
  const { kind, apiVersion, ...rest } = isObject(body) ? body : {}
  const ordered = isObject(body) && kind !== undefined ? { kind, apiVersion, ...rest } : body
  return JSON.stringify(ordered, null, 2)
}

/** Sends an answer that is no stream. */
export function sendAnswer(
  response: ServerResponse,
  answer: Plain,
  { warnings, head, pretty }: Manner,
): void {
  const text = answer.as === 'json' ? shown(answer.body, pretty) : answer.text
  const list = warningHeaders(warnings)
  if (list.length > 0) response.setHeader('warning', list)
  response.writeHead(answer.code, {
    'content-type': answer.as === 'json' ? (answer.contentType ?? 'application/json') : answer.contentType,
    'content-length': Buffer.byteLength(text),
    'audit-id': randomUUID(),
    'cache-control': 'no-cache, private',
    ...answer.headers,
  })
  // Bytes, not text: Node sends a text's encoding for the headers before it too, and what is beyond latin-1 would be UTF-8 twice.
  response.end(head ? undefined : Buffer.from(text))
}

// A watcher that reads nothing must not keep everything in our memory.
const mostUnread = 32 * 1024 * 1024

/** Sends a stream until it ends on either side, or a fault ends it. */
export function sendStream(
  response: ServerResponse,
  answer: Streamed,
  {
    faults,
    call,
    effects,
  }: { readonly faults: Faults; readonly call: FaultyCall; readonly effects: readonly Effect[] },
): void {
  const drop = effects.find((one) => one.kind === 'drop-watch')
  const skip = effects.some((one) => one.kind === 'skip-bookmarks')
  let left = drop === undefined ? Number.POSITIVE_INFINITY : drop.afterEvents
  response.writeHead(200, {
    'content-type': 'application/json',
    'cache-control': 'no-cache, private',
    'audit-id': randomUUID(),
  })
  response.flushHeaders()
  if (left <= 0) {
    response.destroy()
    return
  }
  const send = (line: string): boolean => {
    if (skip && line.startsWith('{"type":"BOOKMARK"')) return true
    if (left <= 0 || response.destroyed) return false
    left -= 1
    response.write(line)
    if (left > 0 && response.writableLength <= mostUnread) return true
    response.end()
    return false
  }
  const stop = answer.start({ send, end: () => response.end() })
  const forget = faults.watching(call, () => response.destroy())
  response.once('close', () => {
    forget()
    stop()
  })
}

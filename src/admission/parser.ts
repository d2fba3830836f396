/** Reads a body: JSON of the API server, bounded in size, time and in what all bodies together may hold. */
import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import type { Cut } from './call.ts'
import type { Failure } from './review.ts'

/** A body that was read, or why not. `bytes` stay counted against the common bound until `release`. */
export type Body =
  | { readonly ok: unknown; readonly release: () => void }
  | { readonly failure: Failure; readonly release: () => void }

/** The bounds of one parser. */
export type BodyLimits = { readonly bodyBytes: number; readonly bufferedBytes: number }

/** Reads one body until it ends, or the request is cut. It never rejects. */
export type ReadBody = (request: IncomingMessage, cut: Cut) => Promise<Body>

type Bytes = { readonly ok: Buffer } | { readonly failure: Failure }

/** A reader whose bodies share one bound on memory. */
export function bodyReader(limits: BodyLimits): ReadBody {
  let buffered = 0
  return async (request, cut) => {
    let held = 0
    const release = () => {
      buffered -= held
      held = 0
    }
    /** Counts some bytes more; or says which bound they break. */
    const hold = (bytes: number): Failure | undefined => {
      if (held + bytes > limits.bodyBytes) return tooLarge(limits.bodyBytes)
      if (buffered + bytes > limits.bufferedBytes) return tooMuchAtOnce
      held += bytes
      buffered += bytes
      return undefined
    }
    const wrong = wrongHead(request, limits)
    const read: Bytes = wrong === undefined ? await bytesOf(request, cut, hold) : { failure: wrong }
    if ('ok' in read) return { ...parse(read.ok), release }
    // What is left of a refused body is thrown away, so that the client can read the answer; the request's deadline ends it.
    request.resume()
    return { failure: read.failure, release }
  }
}

function wrongHead({ headers }: IncomingMessage, { bodyBytes }: BodyLimits): Failure | undefined {
  const told = headers['content-type'] ?? ''
  // An API server says it in these letters.
  const type = told === json ? json : mediaTypeOf(told)
  if (type !== json && (type !== '' || hasBody(headers))) return wrongType(type)
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    return { code: 415, message: 'the body must not be compressed: the API server sends it plain' }
  }
  return Number(headers['content-length'] ?? 0) > bodyBytes ? tooLarge(bodyBytes) : undefined
}

const json = 'application/json'
const mediaTypeOf = (type: string): string => type.split(';', 1)[0]?.trim().toLowerCase() ?? ''

/** What has none needs no type; that it is empty is said of it. */
const hasBody = (headers: IncomingMessage['headers']): boolean =>
  (headers['content-length'] ?? '0') !== '0' || headers['transfer-encoding'] !== undefined

const wrongType = (got: string): Failure => ({
  code: 415,
  message: `content-type must be application/json, got ${got === '' ? 'nothing' : JSON.stringify(got.slice(0, 60))}`,
})

function bytesOf(
  request: IncomingMessage,
  cut: Cut,
  hold: (bytes: number) => Failure | undefined,
): Promise<Bytes> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let isOver = false
    let forget = () => {}
    const over = (bytes: Bytes) => {
      if (isOver) return
      isOver = true
      forget()
      if ('failure' in bytes) request.off('data', take)
      resolve(bytes)
    }
    const take = (chunk: Buffer) => {
      const failure = hold(chunk.length)
      if (failure === undefined) chunks.push(chunk)
      else over({ failure })
    }
    const end = () => over({ ok: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks) })
    request.on('data', take).on('end', end)
    // Of a client that goes away there is half a body.
    forget = cut.onCut(() => over({ failure: cut.isLate() ? tooLate : broken }))
  })
}

function parse(bytes: Buffer): { readonly ok: unknown } | { readonly failure: Failure } {
  if (!isUtf8(bytes))
    return { failure: { code: 400, message: 'the body must be JSON, got bytes that are not UTF-8' } }
  try {
    // It bears any depth; whoever walks what it gives may not (fence.ts).
    // JSON.parse keeps `__proto__` as an own property like any other. Of duplicate keys it takes the last, as encoding/json in the
    // API server does, which sends what it has encoded itself: finding them would cost a second parser.
    return { ok: JSON.parse(bytes.toString('utf8')) }
  } catch (cause) {
    return { failure: { code: 400, message: `the body must be JSON: ${shortReason(cause, bytes.length)}` } }
  }
}

// V8 quotes the text around the fault, which may be a Secret's: only the place is told.
function shortReason(cause: unknown, length: number): string {
  const place = cause instanceof Error ? /at position \d+/.exec(cause.message)?.[0] : undefined
  return length === 0 ? 'it is empty' : `it is broken ${place ?? `somewhere in its ${length} bytes`}`
}

const tooLarge = (bytes: number): Failure => ({
  code: 413,
  message: `the body must have at most ${bytes} bytes: an AdmissionReview holds two objects of at most 3 MiB`,
})

const broken: Failure = { code: 400, message: 'the connection closed before the body was whole' }
const tooLate: Failure = { code: 408, message: 'the body did not arrive in time' }

const tooMuchAtOnce: Failure = {
  code: 500,
  message: 'too many large bodies are being read at this moment; nothing was done, try again',
}

/** Reads a body: JSON of the API server, bounded in size, time, depth and in what all bodies together may hold. */
import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import type { Failure } from './review.ts'

/** The deepest nesting that is let in: more than any kind of Kubernetes has, less than any recursion of ours can bear. */
const deepest = 256

/** A body that was read, or why not. `bytes` stay counted against the common bound until `release`. */
export type Body =
  | { readonly ok: unknown; readonly release: () => void }
  | { readonly failure: Failure; readonly release: () => void }

/** The bounds of one parser. */
export type BodyLimits = { readonly bodyBytes: number; readonly bufferedBytes: number }

/** Reads one body until it ends, or `signal` aborts. It never rejects. */
export type ReadBody = (request: IncomingMessage, signal: AbortSignal) => Promise<Body>

type Bytes = { readonly ok: Buffer } | { readonly failure: Failure }

/** A reader whose bodies share one bound on memory. */
export function bodyReader(limits: BodyLimits): ReadBody {
  let buffered = 0
  return async (request, signal) => {
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
    const read: Bytes = wrong === undefined ? await bytesOf(request, signal, hold) : { failure: wrong }
    // What is left of a refused body is thrown away, so that the client can read the answer; the request's deadline ends it.
    request.resume()
    return 'failure' in read ? { failure: read.failure, release } : { ...parse(read.ok), release }
  }
}

function wrongHead({ headers }: IncomingMessage, { bodyBytes }: BodyLimits): Failure | undefined {
  const type = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'application/json') return wrongType(type)
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    return { code: 415, message: 'the body must not be compressed: the API server sends it plain' }
  }
  return Number(headers['content-length'] ?? 0) > bodyBytes ? tooLarge(bodyBytes) : undefined
}

/** Says which content type was wanted. */
export const wrongType = (got = ''): Failure => ({
  code: 415,
  message: `content-type must be application/json, got ${got === '' ? 'nothing' : JSON.stringify(got.slice(0, 60))}`,
})

function bytesOf(
  request: IncomingMessage,
  signal: AbortSignal,
  hold: (bytes: number) => Failure | undefined,
): Promise<Bytes> {
  const { promise, resolve } = Promise.withResolvers<Bytes>()
  const chunks: Buffer[] = []
  const take = (chunk: Buffer) => {
    const failure = hold(chunk.length)
    if (failure === undefined) chunks.push(chunk)
    else resolve({ failure })
  }
  const end = () => resolve({ ok: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks) })
  // A client that goes away emits close without end: what came so far is half a body.
  const broken = () =>
    resolve({ failure: { code: 400, message: 'the connection closed before the body was whole' } })
  const late = () => resolve({ failure: { code: 408, message: 'the body did not arrive in time' } })
  request.on('data', take).once('end', end).once('error', broken).once('close', broken)
  if (signal.aborted) late()
  signal.addEventListener('abort', late, { once: true })
  return promise.finally(() => {
    signal.removeEventListener('abort', late)
    request.off('data', take).off('end', end).off('close', broken)
  })
}

function parse(bytes: Buffer): { readonly ok: unknown } | { readonly failure: Failure } {
  if (!isUtf8(bytes))
    return { failure: { code: 400, message: 'the body must be JSON, got bytes that are not UTF-8' } }
  let ok: unknown
  try {
    // JSON.parse keeps `__proto__` as an own property like any other. Of duplicate keys it takes the last, as encoding/json in the
    // API server does, which sends what it has encoded itself: finding them would cost a second parser.
    ok = JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    return { failure: { code: 400, message: `the body must be JSON: ${shortReason(cause, bytes.length)}` } }
  }
  // After the parse, because V8 parses without recursion, and walking objects costs a third of scanning text.
  if (isDeeper(ok, deepest))
    return { failure: { code: 400, message: `the body must not nest deeper than ${deepest} levels` } }
  return { ok }
}

// V8 quotes the text around the fault, which may be a Secret's: only the place is told.
function shortReason(cause: unknown, length: number): string {
  const place = cause instanceof Error ? /at position \d+/.exec(cause.message)?.[0] : undefined
  return length === 0 ? 'it is empty' : `it is broken ${place ?? `somewhere in its ${length} bytes`}`
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  if (Array.isArray(value)) return value.some((item) => isDeeper(item, levels - 1))
  for (const key in value) {
    // A parsed body has own keys only; `in` is four times as fast as Object.values.
    if (isDeeper((value as Readonly<Record<string, unknown>>)[key], levels - 1)) return true
  }
  return false
}

const tooLarge = (bytes: number): Failure => ({
  code: 413,
  message: `the body must have at most ${bytes} bytes: an AdmissionReview holds two objects of at most 3 MiB`,
})

const tooMuchAtOnce: Failure = {
  code: 500,
  message: 'too many large bodies are being read at this moment; nothing was done, try again',
}

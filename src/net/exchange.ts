/** One request and its answer on an open connection, bounded in size. The connection is destroyed afterwards. */
import { Client } from 'undici'
import type { Dispatcher } from 'undici'
import type { Connection } from './connect.ts'
import type { Answered, Request } from './ports.ts'

/** Largest header of an answer: what nginx and Node take. */
export const longestHeader = 16_384
/** Largest body of an answer, unless the request says otherwise. */
export const defaultMaxResponseBytes = 1_048_576

/** The answer, without what the caller knows better; or that its body broke the limit. */
export type Exchanged = Pick<Answered, 'status' | 'headers' | 'body'> | { readonly tooLarge: string }

type Sending = Pick<Request, 'method' | 'headers' | 'body' | 'maxResponseBytes' | 'signal'> & {
  readonly url: URL
  /** Called with how many bytes of the body have come. */
  readonly onProgress: (bytes: number) => void
}

/** Sends and receives; rejects with undici's error, or with the signal's reason. */
export async function exchange(connection: Connection, sending: Sending): Promise<Exchanged> {
  const client = clientOn(connection, sending.url)
  try {
    const answer = await client.request({
      path: sending.url.pathname + sending.url.search,
      method: sending.method,
      headers: headersOf(sending.headers),
      body: sending.body ?? null,
      signal: sending.signal,
      reset: true,
    })
    const body = await read(answer, sending)
    if (!(body instanceof Uint8Array)) return body
    return { status: answer.statusCode, headers: joined(answer.headers), body }
  } finally {
    connection.destroy()
    // Not waited for: what is left is bookkeeping inside of undici.
    void client.destroy().catch(() => {})
  }
}

/** A client that knows one connection and never opens another: undici would connect again by itself. */
function clientOn(connection: Connection, url: URL): Client {
  let handedOver = false
  return new Client(url.origin, {
    connect: (_options, callback) => {
      if (handedOver || connection.destroyed) {
        callback(Object.assign(new Error('closed'), { code: 'ECONNRESET' }), null)
        return
      }
      handedOver = true
      // undici misses a connection that is handed over before this function returns.
      queueMicrotask(() => callback(null, connection))
    },
    allowH2: false,
    useMilo: false,
    pipelining: 1,
    maxHeaderSize: longestHeader,
    // The signal bounds the time; undici's own timers are real ones and would fire between our words.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
}

function headersOf(headers: Request['headers']): string[] {
  const taken = new Set(headers.map(([name]) => name.toLowerCase()))
  const more = taken.has('accept') ? [] : ['accept', '*/*']
  const given = headers.filter(([name]) => name.toLowerCase() !== 'accept-encoding').flat()
  // A compressed answer of 1 MiB can unpack to a thousand: it is never asked for, and never unpacked.
  return [...given, ...more, 'accept-encoding', 'identity']
}

async function read(
  answer: Dispatcher.ResponseData,
  { maxResponseBytes = defaultMaxResponseBytes, onProgress }: Sending,
): Promise<Uint8Array | { readonly tooLarge: string }> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  // Untyped in undici's declarations; a body without setEncoding gives Buffers.
  for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength
    if (bytes > maxResponseBytes) {
      return {
        tooLarge: `answered ${answer.statusCode} with more than ${maxResponseBytes} bytes`,
      }
    }
    chunks.push(chunk)
    onProgress(bytes)
  }
  return Buffer.concat(chunks)
}

function joined(headers: Dispatcher.ResponseData['headers']): Readonly<Record<string, string>> {
  const entries = Object.entries(headers).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), [value].flat().join(', ')]))
}

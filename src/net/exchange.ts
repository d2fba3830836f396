/** One request and its answer on an open connection, bounded in size. The connection is destroyed afterwards. */
import { Client } from '../lean/undici.ts'
import type { Dispatcher } from '../lean/undici.ts'
import type { Connection } from './connect.ts'
import { meterOn } from './meter.ts'
import type { Answered, Request } from './ports.ts'
import type { Semaphore } from './semaphore.ts'

/** Largest header of an answer: what nginx and Node take. */
export const longestHeader = 16_384
/** Largest body of an answer, unless the request says otherwise. */
export const defaultMaxResponseBytes = 1_048_576

/** An answer that is longer than this waits until few enough others of its size are being read. */
export const largeBody = 65_536
/** So many large answers are read at once: what they hold together is bounded, however many calls are under way. */
export const mostLarge = 32

/** The answer, without what the caller knows better; or that its body broke the limit. */
export type Exchanged = Pick<Answered, 'status' | 'headers' | 'body'> | { readonly tooLarge: string }

type Sending = Pick<Request, 'method' | 'headers' | 'body' | 'maxResponseBytes' | 'signal'> & {
  readonly url: URL
  /** Lets few large answers be read at once. */
  readonly large: Semaphore
  /** Called with how many bytes of the body have come. */
  readonly onProgress: (bytes: number) => void
}

/** Sends and receives; rejects with undici's error, or with the signal's reason. */
export async function exchange(connection: Connection, sending: Sending): Promise<Exchanged> {
  const maxBody = sending.maxResponseBytes ?? defaultMaxResponseBytes
  const meter = meterOn(connection, maxBody)
  const client = clientOn(connection, sending.url, meter.start)
  try {
    const answer = await client.request({
      path: sending.url.pathname + sending.url.search,
      method: sending.method,
      headers: headersOf(sending.headers),
      body: sending.body ?? null,
      signal: sending.signal,
      reset: true,
    })
    meter.answered()
    const body = await read(answer, maxBody, sending)
    if (!(body instanceof Uint8Array)) return body
    return { status: answer.statusCode, headers: joined(answer.headers), body }
  } catch (error) {
    const tooLarge = meter.broken()
    if (tooLarge === undefined) throw error
    return { tooLarge }
  } finally {
    connection.destroy()
    // Not waited for: what is left is bookkeeping inside of undici.
    void client.destroy().catch(() => {})
  }
}

/** A client that knows one connection and never opens another: undici would connect again by itself. */
function clientOn(connection: Connection, url: URL, handedOn: () => void): Client {
  let handedOver = false
  return new Client(url.origin, {
    connect: (_options, callback) => {
      if (handedOver || connection.destroyed) {
        callback(Object.assign(new Error('closed'), { code: 'ECONNRESET' }), null)
        return
      }
      handedOver = true
      // undici misses a connection that is handed over before this function returns.
      queueMicrotask(() => {
        callback(null, connection)
        handedOn()
      })
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

type Body = Uint8Array | { readonly tooLarge: string }

async function read(
  { body, statusCode }: Dispatcher.ResponseData,
  maxBody: number,
  { large, signal, onProgress }: Sending,
): Promise<Body> {
  const chunks: Uint8Array[] = []
  // Untyped in undici's declarations; a body without setEncoding gives Buffers.
  const rest = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  let bytes = 0
  const upTo = async (most: number): Promise<Body | undefined> => {
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      bytes += next.value.byteLength
      if (bytes > maxBody) return { tooLarge: `answered ${statusCode} with more than ${maxBody} bytes` }
      chunks.push(next.value)
      onProgress(bytes)
      if (bytes > most) return undefined
    }
    return Buffer.concat(chunks)
  }
  const whole = async () => (await upTo(maxBody)) ?? Buffer.concat(chunks)
  // The body's stream takes in no more than a little while it waits.
  try {
    return (await upTo(largeBody)) ?? (await large(whole, signal))
  } finally {
    // What is not read ends with the connection, and nobody waits for that.
    rest.return?.().catch(() => {})
  }
}

function joined(headers: Dispatcher.ResponseData['headers']): Readonly<Record<string, string>> {
  const entries = Object.entries(headers).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), [value].flat().join(', ')]))
}

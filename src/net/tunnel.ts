/** A tunnel through an HTTP proxy (RFC 9110 9.3.6): asked for with CONNECT, on an open connection to the proxy. */
import type net from 'node:net'
import type { EgressProxy } from '../core/egress.ts'

/** The longest head of a proxy's answer. */
const longestHead = 16_384

/** Where the tunnel leads. */
export type Through = { readonly proxy: EgressProxy; readonly host: string; readonly port: number }

/** What a proxy answered instead of a tunnel. */
export class NoTunnel extends Error {
  /** Undefined: something that is not HTTP/1.1. */
  readonly status: number | undefined

  constructor(status: number | undefined) {
    super(status === undefined ? 'no answer of HTTP/1.1' : `answer ${status}`)
    this.status = status
  }
}

/** Resolves when the socket is the tunnel; rejects with NoTunnel, the socket's error or the signal's reason, and destroys it. */
export async function tunnel(socket: net.Socket, through: Through, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let head = Buffer.alloc(0)
  const stop = () => reject(signal.reason)
  const closed = () => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' }))
  const read = () => {
    for (let chunk = nextOf(socket); chunk !== undefined; chunk = nextOf(socket)) {
      head = Buffer.concat([head, chunk])
      const end = head.indexOf('\r\n\r\n')
      if (end < 0 && head.length <= longestHead) continue
      // What comes behind the head was sent before anybody spoke to the server: no HTTP and no TLS server does.
      const whole = end >= 0 && head.length === end + 4
      const status = statusOf(end < 0 ? '' : head.toString('latin1', 0, end))
      if (status === undefined || status < 200 || status > 299) reject(new NoTunnel(status))
      else if (whole) resolve()
      else reject(new NoTunnel(undefined))
      return
    }
  }
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  socket.on('error', reject).once('close', closed).on('readable', read)
  try {
    socket.write(requestFor(through))
    await promise
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
    socket.off('readable', read).off('close', closed)
  }
}

const nextOf = (socket: net.Socket): Buffer | undefined => {
  const chunk: unknown = socket.read()
  return chunk instanceof Buffer ? chunk : undefined
}

/** An interim answer is none that a proxy may give to CONNECT: it counts as a refusal. */
function statusOf(head: string): number | undefined {
  const [, digits] = /^HTTP\/1\.[01] (\d{3})(?: |\r|$)/.exec(head) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** The host is one that a URL had: it holds no line break. */
function requestFor({ proxy, host, port }: Through): string {
  const lines = [
    `CONNECT ${host}:${port} HTTP/1.1`,
    `Host: ${host}:${port}`,
    ...(proxy.authorization === undefined ? [] : [`Proxy-Authorization: ${proxy.authorization}`]),
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** The life of one HTTP request: when it came, how long it may take, and the signal that ends the work for it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../clock.ts'

/** One HTTP request while it lasts. */
export type Call = {
  readonly receivedAt: number
  readonly timeoutMs: number
  /** Aborts when the connection closed before the answer, or half a second before the API server gives up. */
  readonly signal: AbortSignal
}

// For the way back, so that our own words arrive: encoding, TLS and the network.
const marginMs = 500

/** Begins the life of a request; it ends with its response, and takes the connection along if the body has not ended by then. */
export function beginCall(
  raw: { readonly request: IncomingMessage; readonly response: ServerResponse },
  timeoutMs: number,
  clock: Clock,
): Call {
  const { request, response } = raw
  const controller = new AbortController()
  const deadline = clock.abortAfter(timeoutMs - Math.min(marginMs, timeoutMs / 2))
  let closed = false
  const isWhole = () => request.complete || request.readableEnded || request.destroyed
  const late = () => {
    controller.abort(deadline.signal.reason)
    // An answer was given while a body was still coming (413, 404): it has had its time.
    if (response.writableEnded && !isWhole()) request.socket.destroy()
  }
  const over = () => {
    closed = true
    if (!response.writableEnded && !controller.signal.aborted) {
      controller.abort(
        new DOMException('the API server closed the connection before the answer', 'AbortError'),
      )
    }
    if (isWhole()) deadline.release()
  }
  deadline.signal.addEventListener('abort', late, { once: true })
  response.once('close', over)
  for (const event of ['end', 'close']) request.once(event, () => closed && deadline.release())
  return { receivedAt: clock.now(), timeoutMs, signal: controller.signal }
}

/** The life of one HTTP request: when it came, how long it may take, and the signal that ends the work for it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../clock.ts'

/** One HTTP request while it lasts. */
export type Call = {
  readonly receivedAt: number
  readonly timeoutMs: number
  /** How long we take at most: a little less than the API server waits, so that our own words arrive. */
  readonly budgetMs: number
  /** Aborts when the connection closed before the answer, or when `budgetMs` have passed. */
  readonly signal: AbortSignal
  /** True once the client went away before it was answered. */
  readonly abandoned: () => boolean
}

// For the way back: encoding, TLS and the network.
const marginMs = 500

/** Begins the life of a request; it ends with its response, and takes the connection along if the body has not ended by then. */
export function beginCall(
  raw: { readonly request: IncomingMessage; readonly response: ServerResponse },
  timeoutMs: number,
  clock: Clock,
): Call {
  const { request, response } = raw
  const budgetMs = timeoutMs - Math.min(marginMs, timeoutMs / 2)
  const controller = new AbortController()
  const deadline = clock.abortAfter(budgetMs)
  let gone = false
  const late = () => {
    controller.abort(deadline.signal.reason)
    // An answer was given while a body was still coming (413, 404): it has had its time.
    if (response.writableFinished && !request.complete) request.socket.destroy()
  }
  const over = () => {
    if (!response.writableFinished && !controller.signal.aborted) {
      gone = true
      controller.abort(
        new DOMException('the API server closed the connection before the answer', 'AbortError'),
      )
    }
    if (request.complete || request.socket.destroyed) deadline.release()
  }
  deadline.signal.addEventListener('abort', late, { once: true })
  response.once('close', over)
  request.once('close', () => response.closed && deadline.release())
  return { receivedAt: clock.now(), timeoutMs, budgetMs, signal: controller.signal, abandoned: () => gone }
}

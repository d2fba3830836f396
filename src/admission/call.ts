/** The life of one HTTP request: when it came, how long it may take, and what ends the work for it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../clock.ts'

/** What ends the work for a request before its answer: told once, with the reason. */
export type Cut = {
  /** Why it was ended; undefined while it goes on. */
  readonly reason: unknown
  /** Whether it was ended because its time was over. */
  readonly isLate: () => boolean
  /** Calls back when it is ended, at once if it was; not any more once `forget` is called. */
  readonly onCut: (run: () => void) => () => void
}

const nobody: readonly (() => void)[] = []

// For the way back, so that our own words arrive: encoding, TLS and the network.
const marginMs = 500

/**
 * One HTTP request while it lasts. It is cut when the connection closed before the answer, or half a second before the API server gives up;
 * a body that has not ended by then takes its connection along.
 */
export class Call implements Cut {
  readonly receivedAt: number
  readonly timeoutMs: number
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #release: () => void
  #waiting: readonly (() => void)[] = nobody
  #reason: unknown
  #controller: AbortController | undefined

  constructor(
    raw: { readonly request: IncomingMessage; readonly response: ServerResponse },
    timeoutMs: number,
    { clock, over }: { readonly clock: Clock; readonly over: () => void },
  ) {
    const { request, response } = raw
    this.#request = request
    this.#response = response
    this.timeoutMs = timeoutMs
    this.receivedAt = clock.now()
    const ms = timeoutMs - Math.min(marginMs, timeoutMs / 2)
    this.#release = clock.after(ms, () => this.#late(ms))
    response.on('close', () => {
      over()
      this.#over()
    })
  }

  get reason(): unknown {
    return this.#reason
  }

  /** Aborts when it is cut. Made when it is first asked for: most questions are answered without. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  isLate(): boolean {
    return this.#reason instanceof DOMException && this.#reason.name === 'TimeoutError'
  }

  onCut(run: () => void): () => void {
    if (this.#reason !== undefined) run()
    else this.#waiting = this.#waiting.length === 0 ? [run] : [...this.#waiting, run]
    return () => {
      this.#waiting = this.#waiting.filter((one) => one !== run)
    }
  }

  #cut(reason: unknown): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    this.#controller?.abort(reason)
    const waiting = this.#waiting
    this.#waiting = nobody
    for (const run of waiting) run()
  }

  #isWhole(): boolean {
    const { complete, readableEnded, destroyed } = this.#request
    return complete || readableEnded || destroyed
  }

  #late(ms: number): void {
    this.#cut(new DOMException(`${ms} ms have passed`, 'TimeoutError'))
    // An answer was given while a body was still coming (413, 404): it has had its time.
    if (this.#response.writableEnded && !this.#isWhole()) this.#request.socket.destroy()
  }

  #over(): void {
    if (!this.#response.writableEnded)
      this.#cut(new DOMException('the API server closed the connection before the answer', 'AbortError'))
    if (this.#isWhole()) this.#release()
    else for (const event of ['end', 'close']) this.#request.once(event, this.#release)
  }
}

/** Makes attempts until one gives what was asked for, within the time of the call. */
import type { Clock } from '../clock.ts'
import type { Method } from './attempt.ts'
import { isKubeError, KubeError } from './errors.ts'
import { waitBeforeRetry } from './retry.ts'

/** Counts attempts; `code` is OK or the code of the KubeError, so that the label has few values. */
export type ClientMetrics = {
  readonly called: (call: {
    readonly method: Method
    readonly code: string
    readonly durationMs: number
  }) => void
}

/** A call as persistence sees it. */
export type Persistent<T> = {
  readonly clock: Clock
  readonly metrics: ClientMetrics | undefined
  readonly method: Method
  /** `GET /api/v1/pods`, for messages. */
  readonly name: string
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  readonly safe: boolean
  readonly retry: boolean
  /** One attempt; `fresh` re-reads the credentials first. */
  readonly send: (signal: AbortSignal, fresh: boolean) => Promise<T>
}

/** The first good answer; else the last KubeError, a TIMEOUT, or the reason of the caller's signal. */
export async function persist<T>(call: Persistent<T>): Promise<T> {
  const deadline = call.clock.abortAfter(call.timeoutMs)
  const signal = call.signal === undefined ? deadline.signal : AbortSignal.any([deadline.signal, call.signal])
  try {
    return await attempts(call, signal, call.clock.steady() + call.timeoutMs)
  } catch (error) {
    if (call.signal?.aborted === true) throw call.signal.reason
    if (!deadline.signal.aborted) throw error
    throw new KubeError(
      'TIMEOUT',
      `${call.name} must answer within ${call.timeoutMs / 1000} s, got nothing; is the API server well?`,
      {
        cause: error,
      },
    )
  } finally {
    deadline.release()
  }
}

async function attempts<T>(call: Persistent<T>, signal: AbortSignal, endsAt: number): Promise<T> {
  let fresh = false
  for (let made = 1; ; made++) {
    try {
      return await measured(call, signal, fresh)
    } catch (error) {
      if (signal.aborted || !isKubeError(error)) throw error
      if (error.code === 'UNAUTHORIZED' && error.sent && !fresh) {
        fresh = true // The token may have rotated since it was read: once more with what the file says now.
        continue
      }
      const { clock, safe } = call
      const leftMs = call.retry ? endsAt - clock.steady() : 0
      const wait = waitBeforeRetry({ error, attempts: made, safe, leftMs, random: clock.random() })
      if (wait === undefined) throw error
      await clock.sleep(wait, signal)
    }
  }
}

async function measured<T>(call: Persistent<T>, signal: AbortSignal, fresh: boolean): Promise<T> {
  const startedAt = call.clock.steady()
  const count = (code: string) =>
    call.metrics?.called({ method: call.method, code, durationMs: call.clock.steady() - startedAt })
  try {
    const result = await call.send(signal, fresh)
    count('OK')
    return result
  } catch (error) {
    count(isKubeError(error) ? error.code : signal.aborted ? 'TIMEOUT' : 'NETWORK')
    throw error
  }
}

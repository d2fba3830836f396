/** The real Clock: the only file that reads the time, sets timers or draws random numbers. */
import type { Clock, Deadline } from './clock.ts'

// A longer delay overflows and fires at once (Node's TIMEOUT_MAX, 24.8 days): it is waited for in pieces.
const longestTimer = 2 ** 31 - 1

/** The time, timers and randomness of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  steady: () => performance.now(),
  abortAfter,
  after,
  sleep,
  random: () => Math.random(),
}

function abortAfter(ms: number): Deadline {
  const controller = new AbortController()
  const abort = () => controller.abort(new DOMException(`${ms} ms have passed`, 'TimeoutError'))
  if (ms <= 0) {
    abort()
    return { signal: controller.signal, release: () => {} }
  }
  return { signal: controller.signal, release: after(ms, abort) }
}

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const release = after(ms, resolve)
  const stop = () => {
    release()
    reject(signal?.reason)
  }
  signal?.addEventListener('abort', stop, { once: true })
  try {
    await promise
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

function after(ms: number, run: () => void): () => void {
  let timer = set(ms)
  function set(left: number): NodeJS.Timeout {
    if (left <= longestTimer) return setTimeout(run, left)
    return setTimeout(() => {
      timer = set(left - longestTimer)
    }, longestTimer)
  }
  return () => clearTimeout(timer)
}

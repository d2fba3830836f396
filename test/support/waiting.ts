/** Waiting and deadlines for clocks of tests that have timers of their own. */
import type { Clock, Deadline } from '../../src/clock.ts'
import type { Clock as SandboxClock } from '../../src/sandbox/apiserver/clock.ts'

/** What the service's clock makes of timers. */
export function waiting(after: SandboxClock['after']): Pick<Clock, 'sleep' | 'abortAfter'> {
  const abortAfter = (ms: number): Deadline => {
    const controller = new AbortController()
    const abort = () => controller.abort(new DOMException(`${ms} ms have passed`, 'TimeoutError'))
    if (ms > 0) return { signal: controller.signal, release: after(ms, abort) }
    abort()
    return { signal: controller.signal, release: () => {} }
  }
  const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const release = after(ms, resolve)
    const stop = () => {
      release()
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', stop, { once: true })
    await promise.finally(() => signal?.removeEventListener('abort', stop))
  }
  return { abortAfter, sleep }
}

/** A look at what is known, which ends well before the API server gives up. */
import type { AdmissionRequest } from '../core/admission-request.ts'
import type { Clock } from '../clock.ts'
import { unlessAborted } from '../until.ts'

/** The longest look: what is looked for was mostly found ahead of time. */
const longestMs = 4_000
/** For whoever looks to answer, once told that the time is up, with what was found so far. */
const lastWordMs = 500
/** What the API server's `?timeout=` is rounded up by, and the way back. */
const marginMs = 1_500

/** What the look found; undefined if it did not end in time. Everything else that goes wrong is thrown. */
export async function lookFor<T>(
  { receivedAt, timeoutMs, signal: signalOf }: AdmissionRequest,
  clock: Clock,
  look: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const left = receivedAt + timeoutMs - marginMs - lastWordMs - clock.now()
  const ms = Math.max(0, Math.min(longestMs, left))
  const [soon, late] = [clock.abortAfter(ms), clock.abortAfter(ms + lastWordMs)]
  const signal = signalOf()
  const cut = AbortSignal.any([late.signal, signal])
  try {
    return await unlessAborted(cut, look(AbortSignal.any([soon.signal, signal])))
  } catch (error) {
    if (cut.aborted) return undefined
    throw error
  } finally {
    soon.release()
    late.release()
  }
}

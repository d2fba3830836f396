/** One request to one host: in its lane, in its time, and again if that may help. */
import { attemptTime, parseRetryAfter, tryAgain } from '../core/retry.ts'
import type { Lanes } from './lanes.ts'
import { attemptMs, longestError, retries } from './limits.ts'
import type { Answered, Call, CallAnswer, Ports, Within } from './ports.ts'
import { unanswered } from './trouble.ts'
import type { Trouble } from './trouble.ts'

/** One request, without what is the same for all. */
export type Hop = {
  readonly method: Call['method']
  readonly url: URL
  readonly headers: Call['headers']
  readonly body?: string
  readonly ca?: string | undefined
  readonly maxBytes: number
  /** Not to be made again: there is another place to ask. */
  readonly once?: boolean
}

/** What a request needs besides itself. */
export type Delivery = Ports & { readonly lanes: Lanes }

/** Sends it, and again after what may pass: 429, 5xx, a broken connection, an attempt that took too long. */
export async function deliver(
  hop: Hop,
  within: Within,
  ports: Delivery,
): Promise<{ readonly ok: Answered } | Trouble> {
  for (let attempts = 1; ; attempts += 1) {
    const answer = await inLane(hop, { within, attempts }, ports)
    const waitMs = hop.once === true ? undefined : waitAfter(answer, { within, attempts }, ports)
    if (waitMs === undefined || !(await slept(waitMs, within, ports)))
      return 'ok' in answer ? answer : unanswered(answer)
  }
}

type Turn = { readonly within: Within; readonly attempts: number }

async function inLane(hop: Hop, turn: Turn, ports: Delivery): Promise<CallAnswer> {
  const { signal } = turn.within
  try {
    return await ports.lanes(hop.url.host, signal, () => attempt(hop, turn, ports))
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error
    return stopped(signal, `waiting for earlier calls of ${hop.url.host}`)
  }
}

async function attempt(hop: Hop, { within, attempts }: Turn, ports: Ports): Promise<CallAnswer> {
  const began = ports.clock.now()
  const timeLeftMs = Math.min(attemptMs * 2, within.endsAt - began)
  const limit = ports.clock.abortAfter(Math.min(attemptMs, attemptTime(retries, { attempts, timeLeftMs })))
  try {
    const answer = await ports.send({
      method: hop.method,
      url: hop.url.href,
      headers: [['User-Agent', ports.userAgent], ...hop.headers],
      ...(hop.body === undefined ? {} : { body: hop.body }),
      ...(hop.ca === undefined ? {} : { ca: hop.ca }),
      maxRedirects: 0,
      // An error has words that are worth more than the limit of a small blob.
      maxResponseBytes: Math.max(hop.maxBytes, longestError),
      signal: AbortSignal.any([within.signal, limit.signal]),
    })
    const status = 'ok' in answer ? answer.ok.status : 'failed' in answer ? answer.failed : answer.refused
    // Neither path nor query: the one may name a secret project, the other may carry a signature.
    ports.log.debug(
      { registry: hop.url.host, method: hop.method, status, ms: ports.clock.now() - began },
      'registry asked',
    )
    return answer
  } finally {
    limit.release()
  }
}

function waitAfter(answer: CallAnswer, { within, attempts }: Turn, { clock }: Ports): number | undefined {
  const header = 'ok' in answer ? answer.ok.headers['retry-after'] : undefined
  const retryAfterMs = parseRetryAfter(header, clock.now()) ?? 0
  // Whoever asks for a longer rest gets it: the caller is told, and comes back in its own time.
  if (retryAfterMs > retries.maxSeconds * 1000) return undefined
  const again = tryAgain(retries, {
    attempts,
    why: whyOf(answer),
    retryAfterMs,
    timeLeftMs: within.endsAt - clock.now(),
    random: clock.random(),
  })
  return again.again ? again.afterMs : undefined
}

function whyOf(answer: CallAnswer): string | undefined {
  if ('ok' in answer) return answer.ok.status >= 400 ? String(answer.ok.status) : undefined
  return 'failed' in answer ? answer.failed : undefined
}

async function slept(ms: number, { signal }: Within, { clock }: Ports): Promise<boolean> {
  try {
    await clock.sleep(ms, signal)
    return true
  } catch (error) {
    if (!signal.aborted) throw error
    return false
  }
}

function stopped(signal: AbortSignal, doing: string): CallAnswer {
  const reason: unknown = signal.reason
  const timedOut = reason instanceof DOMException && reason.name === 'TimeoutError'
  return { failed: timedOut ? 'timeout' : 'aborted', message: `no answer in time: stopped while ${doing}` }
}

/** The fence around a handler: whatever it does, the API server gets an answer, in time. */
import type { AdmissionRequest } from '../core/admission-request.ts'
import { Undecided } from '../core/decision/undecided.ts'
import { spell } from '../core/refusal.ts'
import { deny } from '../core/verdict.ts'
import type { Log } from '../log.ts'
import type { Endpoint } from './ports.ts'
import { encode } from './review.ts'

/** Asks handlers, and knows which are still at work. */
export type Fence = {
  /** The encoded answer of the endpoint, or a denial in its place. */
  readonly ask: (endpoint: Endpoint, request: AdmissionRequest) => Promise<string>
  /** Resolves when no handler is at work any more, also none whose client has gone. */
  readonly idle: () => Promise<void>
}

/** Says of a failure what its reader can act on; undefined: only the log has more. */
export type Explain = (error: unknown) => string | undefined

/** A fence that logs each failure of a handler once. */
export function buildFence(log: Log, explain: Explain = () => undefined): Fence {
  const atWork = new Set<Promise<unknown>>()
  function ask(endpoint: Endpoint, request: AdmissionRequest): Promise<string> {
    const about = { uid: request.uid, path: endpoint.path }
    const work = answer(endpoint, request).catch((error: unknown) => {
      const { cause: err, audit } = error instanceof Undecided ? error : { cause: error, audit: {} }
      log.error({ ...about, err }, 'a webhook handler failed')
      return encode(request.uid, { ...broken(request, explain(err)), audit })
    })
    atWork.add(work)
    void work.finally(() => atWork.delete(work))
    return cutOff(work, request, () =>
      log.warn({ ...about, reason: String(request.signal.reason) }, 'cut off a webhook handler'),
    )
  }
  async function idle(): Promise<void> {
    while (atWork.size > 0) await Promise.all(atWork)
  }
  return { ask, idle }
}

/** Async, so that a synchronous throw and an answer that cannot be encoded are rejections too. */
async function answer(endpoint: Endpoint, request: AdmissionRequest): Promise<string> {
  return encode(request.uid, await endpoint.handle(request))
}

async function cutOff(work: Promise<string>, request: AdmissionRequest, onLate: () => void): Promise<string> {
  const { signal } = request
  const { promise, resolve } = Promise.withResolvers<string>()
  let answered = false
  const end = () => {
    if (answered) return
    onLate()
    resolve(encode(request.uid, outOfTime(request)))
  }
  // A handler that hears of the same signal may have its own answer ready: it has one turn of the event loop for it.
  const soon = () => setImmediate(end)
  if (signal.aborted) soon()
  signal.addEventListener('abort', soon, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    answered = true
    signal.removeEventListener('abort', soon)
  }
}

/** What an API server says of a failed call can be long. */
const maxWhy = 300

const broken = ({ uid }: AdmissionRequest, why: string | undefined) =>
  deny(
    'InternalError',
    why === undefined
      ? `internal error in tidewaiter, see its log: ${uid}`
      : `tidewaiter cannot decide: ${why.slice(0, maxWhy)}. Try again; its log says more: ${uid}`,
    { code: 500 },
  )

const outOfTime = ({ uid, timeoutMs }: AdmissionRequest) =>
  deny(
    'Timeout',
    `tidewaiter did not decide within the ${spell(timeoutMs)} that the API server gives, see its log: ${uid}`,
    { code: 504 },
  )

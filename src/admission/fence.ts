/** The fence around a handler: whatever it does, the API server gets an answer, in time. */
import type { AdmissionRequest } from '../core/admission-request.ts'
import { Undecided } from '../core/decision/undecided.ts'
import { spell } from '../core/refusal.ts'
import { deny } from '../core/verdict.ts'
import type { Log } from '../log.ts'
import type { Cut } from './call.ts'
import type { Endpoint } from './ports.ts'
import { encode } from './review.ts'

/** Asks handlers, and knows which are still at work. */
export type Fence = {
  /** The encoded answer of the endpoint, or a denial in its place, also where the request is cut. */
  readonly ask: (endpoint: Endpoint, request: AdmissionRequest, cut: Cut) => Promise<string>
  /** Resolves when no handler is at work any more, also none whose client has gone. */
  readonly idle: () => Promise<void>
}

/** Says of a failure what its reader can act on; undefined: only the log has more. */
export type Explain = (error: unknown) => string | undefined

/** A fence that logs each failure of a handler once. */
export function buildFence(log: Log, explain: Explain = () => undefined): Fence {
  let atWork = 0
  const waiting: (() => void)[] = []
  /** The encoded answer of a handler, or what is said in its place. */
  async function work(endpoint: Endpoint, request: AdmissionRequest): Promise<string> {
    atWork += 1
    try {
      return encode(request.uid, await endpoint.handle(request))
    } catch (error) {
      const { cause: err, audit } = error instanceof Undecided ? error : { cause: error, audit: {} }
      log.error({ uid: request.uid, path: endpoint.path, err }, 'a webhook handler failed')
      return encode(request.uid, {
        ...(isTooDeep(err) ? tooDeep(request) : broken(request, explain(err))),
        audit,
      })
    } finally {
      atWork -= 1
      if (atWork === 0 && waiting.length > 0) for (const tell of waiting.splice(0)) tell()
    }
  }
  const ask: Fence['ask'] = (endpoint, request, cut) =>
    new Promise((resolve, reject) => {
      let answered = false
      const end = () => {
        if (answered) return
        const about = { uid: request.uid, path: endpoint.path, reason: String(cut.reason) }
        log.warn(about, 'cut off a webhook handler')
        resolve(encode(request.uid, outOfTime(request)))
      }
      // A handler that hears of the same may have its own answer ready: it has one turn of the event loop for it.
      const forget = cut.onCut(() => setImmediate(end))
      const over =
        <T>(settle: (value: T) => void) =>
        (value: T) => {
          answered = true
          forget()
          settle(value)
        }
      void work(endpoint, request).then(over(resolve), over(reject))
    })
  async function idle(): Promise<void> {
    if (atWork === 0) return
    await new Promise<void>((resolve) => waiting.push(resolve))
    // Another may have begun since.
    return idle()
  }
  return { ask, idle }
}

/** An object is let in however deep it nests: where one of our own functions walks it by recursion, that ends here. */
const isTooDeep = (error: unknown): boolean =>
  error instanceof RangeError && error.message.includes('call stack')

const tooDeep = ({ uid }: AdmissionRequest) =>
  deny(
    'InternalError',
    `tidewaiter cannot decide: the object may nest too deep; make it flatter. Its log says more: ${uid}`,
    { code: 422 },
  )

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

/** Performs one action: its secrets, its account, its rendering, its attempts, its outputs, all within its time, and masked. */
import { createMask } from '../core/masks.ts'
import type { Mask } from '../core/masks.ts'
import type { Outcome } from '../core/outcome.ts'
import { reverts } from '../core/run/undo.ts'
import { unlessAborted } from '../until.ts'
import { causeOf, tryOut } from './attempts.ts'
import { fenced, fenceOf } from './fence.ts'
import { outputsOf } from './outputs.ts'
import { nobody } from './nobody.ts'
import type { Actor, Performance, Ports, SecretRef } from './ports.ts'
import { bind, runners as allRunners } from './runners.ts'
import type { Attempt, Bound, Prepared, Runners } from './runners.ts'
import { cut } from './words.ts'

/** Longest message of an outcome, in characters: what the field of an ActionRun takes. */
export const longestMessage = 4096

/**
 * Makes the performer. It never rejects: a runner or a port that throws is logged once and becomes an outcome with the
 * cause `internal`, because the record must say that there may have been an effect.
 */
export function createPerformer(
  ports: Ports,
  runners: Runners = allRunners,
): (performance: Performance) => Promise<Outcome> {
  return async (performance) => {
    const { clock } = ports
    const startedAt = clock.now()
    const endsAt = Math.min(startedAt + performance.action.spec.timeoutSeconds * 1000, performance.endsAt)
    const deadline = clock.abortAfter(endsAt - startedAt)
    const fence = fenceOf({ clock, isOurs: performance.isOurs, endsAt })
    const signal = AbortSignal.any([deadline.signal, performance.signal, fence.signal])
    const isWanted = () => fence.isOpen() && !signal.aborted
    const course: Course = { performance, ports, runners, startedAt, endsAt, signal, isWanted }
    const seen: Seen = { mask: (text) => text, request: '', started: false }
    try {
      return await performed(course, seen)
    } catch (error) {
      return broken(error, course, seen)
    } finally {
      deadline.release()
    }
  }
}

type Course = {
  readonly performance: Performance
  readonly ports: Ports
  readonly runners: Runners
  readonly startedAt: number
  readonly endsAt: number
  readonly signal: AbortSignal
  /** Looks at the clock, and at whose the run is, right before something is sent. */
  readonly isWanted: () => boolean
}

/** What is known so far; the fence needs it if something throws. */
type Seen = { mask: Mask; request: string; started: boolean }

type Failed = Extract<Outcome, { readonly status: 'failed' }>
type Ending = Pick<Failed, 'cause' | 'message'> & Partial<Pick<Failed, 'mayHaveHadEffect' | 'attempts'>>

async function performed(course: Course, seen: Seen): Promise<Outcome> {
  const { performance, ports } = course
  const { spec, name } = performance.action
  const body = bind({ spec, revert: performance.revert }, course.runners)
  if (body === undefined) {
    return failed(course, seen, {
      cause: 'internal',
      message: `action "${name}" has no body that this version performs`,
    })
  }
  if (course.signal.aborted)
    return failed(course, seen, { cause: causeOf(course.signal), message: 'there was no time left to begin' })
  const secrets = await fetched(body.secrets, course)
  if ('refused' in secrets) return failed(course, seen, { cause: 'secret', message: secrets.refused })
  seen.mask = createMask([...secrets.ok.values()])
  const actor = await actorFor(body, course)
  if ('refused' in actor) return failed(course, seen, { cause: 'account', message: actor.refused })
  const prepared = body.prepare({
    ...fenced(ports, actor.ok, course.isWanted),
    action: name,
    reverts: reverts(spec),
    before: performance.before,
    remember: performance.remember,
    idempotencyKey: performance.idempotencyKey,
    traceparent: performance.traceparent,
    reads: (source, variable, besides) =>
      ports.reads(source, variable, [...Object.keys(performance.variables), ...besides]),
    evaluate: (source, besides = {}) => ports.evaluate(source, { ...performance.variables, ...besides }),
    secret: (ref) => secrets.ok.get(keyOf(ref)) ?? '',
    mask: seen.mask,
  })
  if ('problem' in prepared) return failed(course, seen, { cause: prepared.cause, message: prepared.problem })
  seen.request = prepared.ok.request
  return performance.renderOnly ? rendered(prepared.ok, course, seen) : attempted(prepared.ok, course, seen)
}

/** The account of a body that calls the Kubernetes API: judged anew each time. */
async function actorFor(
  body: Bound,
  { performance, ports, signal }: Course,
): Promise<{ readonly ok: Actor } | { readonly refused: string }> {
  if (!body.acts) return { ok: nobody }
  const { serviceAccountName } = performance.action.spec
  if (serviceAccountName === undefined) return { refused: 'it names no serviceAccountName to act for' }
  return unlessAborted(signal, ports.actor(serviceAccountName))
}

async function rendered({ what, rehearse }: Prepared, course: Course, seen: Seen): Promise<Outcome> {
  const { performance, signal } = course
  const tried =
    performance.rehearse && rehearse !== undefined
      ? await unlessAborted(signal, rehearse(signal))
      : { status: 'done' as const, message: `would ${what}` }
  return tried.status === 'done'
    ? done(course, seen, { attempts: 0, message: tried.message, outputs: {} })
    : failed(course, seen, { cause: tried.cause, message: tried.message })
}

async function attempted(prepared: Prepared, course: Course, seen: Seen): Promise<Outcome> {
  const { performance, ports, endsAt, signal } = course
  const { spec } = performance.action
  seen.started = true
  const { last, attempts } = await tryOut(prepared, {
    policy: spec.retry,
    clock: ports.clock,
    endsAt,
    signal,
  })
  if (last.status === 'failed') {
    const message =
      last.cause === 'timeout' && signal.aborted ? `${last.message}; ${limitOf(course)}` : last.message
    return failed(course, seen, { cause: last.cause, message, mayHaveHadEffect: last.sent, attempts })
  }
  return withOutputs(last, attempts, { course, seen })
}

function withOutputs(
  { message, response }: Extract<Attempt, { readonly status: 'done' }>,
  attempts: number,
  { course, seen }: { readonly course: Course; readonly seen: Seen },
): Outcome {
  const { spec } = course.performance.action
  const outputs = outputsOf(spec.outputs ?? [], response, {
    evaluate: course.ports.evaluate,
    mask: seen.mask,
  })
  if ('ok' in outputs) return done(course, seen, { attempts, message, outputs: outputs.ok })
  const ending = {
    cause: 'output',
    message: `${message}, but ${outputs.problem}`,
    mayHaveHadEffect: true,
    attempts,
  } as const
  return failed(course, seen, ending)
}

/** Every Secret once, in order; the first that may not be used ends it. */
async function fetched(
  refs: readonly SecretRef[],
  { ports, signal }: Course,
): Promise<{ readonly ok: ReadonlyMap<string, string> } | { readonly refused: string }> {
  const values = new Map<string, string>()
  for (const ref of refs) {
    if (values.has(keyOf(ref))) continue
    const secret = await unlessAborted(signal, ports.secret(ref))
    if ('refused' in secret)
      return { refused: `key "${ref.key}" of Secret "${ref.name}" cannot be used: ${secret.refused}` }
    values.set(keyOf(ref), secret.ok)
  }
  return { ok: values }
}

// No name or key holds a slash.
const keyOf = ({ name, key }: SecretRef): string => `${name}/${key}`

function done(
  { ports, startedAt }: Course,
  { mask, request }: Seen,
  ending: {
    readonly attempts: number
    readonly message: string
    readonly outputs: Readonly<Record<string, unknown>>
  },
): Outcome {
  const { attempts, message, outputs } = ending
  const durationMs = ports.clock.now() - startedAt
  return {
    status: 'done',
    attempts,
    durationMs,
    message: cut(mask(message), longestMessage),
    request: mask(request),
    outputs,
  }
}

function failed({ ports, startedAt }: Course, { mask, request }: Seen, ending: Ending): Failed {
  return {
    status: 'failed',
    cause: ending.cause,
    mayHaveHadEffect: ending.mayHaveHadEffect ?? false,
    attempts: ending.attempts ?? 0,
    durationMs: ports.clock.now() - startedAt,
    message: cut(mask(ending.message), longestMessage),
    request: mask(request),
  }
}

/** Something threw: the time ended while the API server was asked before it began, or a tool of ours is broken. */
function broken(error: unknown, course: Course, seen: Seen): Outcome {
  const { signal, ports, performance } = course
  if (signal.aborted && !seen.started) {
    return failed(course, seen, {
      cause: causeOf(signal),
      message: `the API server was asked for a Secret, or about the account, and did not answer in time; ${limitOf(course)}`,
    })
  }
  ports.log.error(
    { err: error, action: performance.action.name, started: seen.started },
    'performing an action broke',
  )
  const message = seen.started
    ? 'an error in tidewaiter ended it; see its log'
    : 'an error in tidewaiter, or of the API server when it was asked for a Secret or about the account, ended it before it began; see its log'
  return failed(course, seen, {
    cause: 'internal',
    message,
    mayHaveHadEffect: seen.started,
    attempts: seen.started ? 1 : 0,
  })
}

function limitOf({ performance, startedAt, endsAt }: Course): string {
  const seconds = ((endsAt - startedAt) / 1000).toFixed(1)
  // Who calls counts the timeout from the claim, a moment before.
  const own =
    endsAt < performance.endsAt || endsAt >= startedAt + performance.action.spec.timeoutSeconds * 1000 - 250
  return own ? `the action had ${seconds} s (timeoutSeconds)` : `the stage had ${seconds} s left`
}

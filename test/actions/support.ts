/** A performer whose world is made of plain functions, on a clock that stands still. */
import type { Log } from '../../src/log.ts'
import { nobody } from '../../src/actions/nobody.ts'
import { createPerformer } from '../../src/actions/perform.ts'
import type { Call, CallAnswer, Performance, Ports } from '../../src/actions/ports.ts'
import type { Runners } from '../../src/actions/runners.ts'
import type { ActionSpec } from '../../src/api/action.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import { anActionSpec } from '../support/build.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** An answer as the egress client gives it. */
export function answered(
  status: number,
  body = '',
  headers: Readonly<Record<string, string>> = {},
): CallAnswer {
  return {
    ok: { status, headers, body: new TextEncoder().encode(body), finalUrl: 'https://quiesce.example/' },
  }
}

/** What a test may want otherwise. `answers` are given one after another, the last one for ever. */
export type Given = {
  readonly spec?: Partial<ActionSpec>
  readonly answers?: readonly (CallAnswer | ((call: Call) => Promise<CallAnswer>))[]
  readonly secrets?: Readonly<Record<string, string>>
  readonly ports?: Partial<Ports>
  readonly performance?: Partial<Performance>
  readonly runners?: Runners
}

/** A stand-in for CEL: an expression is a path into the values (`response.body.lsn`); anything else is an error. */
export const path: Ports['evaluate'] = (source, values) => {
  let at: unknown = values
  for (const part of source.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part))
      return { error: `no such key: ${part}` }
    at = Object.entries(at).find(([key]) => key === part)?.[1]
  }
  return { ok: at }
}

/** Of a performance that keeps nothing and puts nothing back. */
export const unchanged: Pick<Performance, 'renderOnly' | 'rehearse' | 'revert' | 'before' | 'remember'> = {
  renderOnly: false,
  rehearse: false,
  revert: false,
  before: undefined,
  remember: async () => ({ ok: true }),
}

/** Performs, and keeps what was called and logged. */
export function stage(given: Given = {}) {
  const clock = new FakeClock()
  const calls: Call[] = []
  const errors: string[] = []
  const asked: string[] = []
  const answers = given.answers ?? [answered(200)]
  const silent = () => {}
  const log: Log = {
    debug: silent,
    info: silent,
    warn: silent,
    error: (_fields, message) => void errors.push(message),
  }
  const ports: Ports = {
    clock,
    log,
    send: async (call) => {
      calls.push(call)
      const answer = answers[calls.length - 1] ?? answers.at(-1) ?? answered(200)
      return typeof answer === 'function' ? answer(call) : answer
    },
    secret: async ({ name, key }) => {
      asked.push(`${name}/${key}`)
      const value = given.secrets?.[`${name}/${key}`]
      return value === undefined ? { refused: 'it does not exist' } : { ok: value }
    },
    actor: async () => ({ ok: nobody }),
    evaluate: path,
    reads: () => [],
    userAgent: 'tidewaiter/test',
    ...given.ports,
  }
  const performer = createPerformer(ports, ...(given.runners === undefined ? [] : [given.runners]))
  const performance: Performance = {
    action: { name: '10-quiesce', spec: anActionSpec(given.spec) },
    idempotencyKey: 'uid/PreBackup/10-quiesce',
    traceparent: '00-1-1-01',
    variables: { backup: { metadata: { name: 'b1' } }, outputs: {}, stage: 'PreBackup' },
    endsAt: clock.now() + 28_000,
    signal: new AbortController().signal,
    ...unchanged,
    ...given.performance,
  }
  return { clock, calls, errors, asked, outcome: performer(performance) }
}

/** Performs while time passes by itself. */
export async function perform(given: Given = {}, ms = 60_000) {
  const { outcome, ...seen } = stage(given)
  const ended: Outcome[] = []
  void outcome.then((value) => ended.push(value))
  for (let passed = 0; ended.length === 0 && passed < ms; passed += 50) await seen.clock.pass(50)
  return { ...seen, outcome: await outcome }
}

/** Answers only when the signal aborts, as the egress client does. */
export const never = (call: Call): Promise<CallAnswer> =>
  new Promise((resolve) => {
    call.signal.addEventListener('abort', () => {
      const reason: unknown = call.signal.reason
      const timedOut = reason instanceof DOMException && reason.name === 'TimeoutError'
      resolve({
        failed: timedOut ? 'timeout' : 'aborted',
        message: timedOut ? 'no answer in time' : 'stopped',
        sent: true,
      })
    })
  })

/** The body `wait`: until objects are as they should be. */
import { mostWaitedFor, type WaitBody } from '../api/wait-body.ts'
import { selectorText, targetText } from '../core/target.ts'
import { judgeWait } from '../core/wait.ts'
import { causeOf } from './attempts.ts'
import { follow, type Followed } from './follow.ts'
import { requestText } from './request-text.ts'
import type { Attempt, Context, Preparation, Runner } from './runners.ts'
import { Watched } from './watched.ts'
import { cut, harmless } from './words.ts'

/** Performs the body `wait`. */
export const wait: Runner<'wait'> = { acts: true, secrets: () => [], prepare }

const longestGoal = 300

function prepare(body: WaitBody, context: Context): Preparation {
  const what = harmless(`wait for ${targetText(body)} ${goalOf(body)}`)
  const request = requestText(
    {
      line: `wait for ${targetText(body)}`,
      headers: [['As', context.actor.account]],
      secretHeaders: [],
      body: body.until === undefined ? 'until it is gone' : `until ${body.until}`,
    },
    context.mask,
  )
  return { ok: { request, what, attempt: (signal) => waited({ body, what, context }, signal) } }
}

function goalOf({ until, minCount }: WaitBody): string {
  if (until === undefined) return 'to be gone'
  const least = minCount === undefined ? '' : `at least ${minCount}, `
  return `(${least}until ${cut(until.replaceAll(/\s+/g, ' '), longestGoal)})`
}

type Asked = { readonly body: WaitBody; readonly what: string; readonly context: Context }

async function waited({ body, what, context }: Asked, signal: AbortSignal): Promise<Attempt> {
  const { actor, ports, evaluate } = context
  const { clock } = ports
  const { until = '', apiVersion, kind, namespace, name, selector = {} } = body
  const startedAt = clock.now()
  const reads = context.reads(until, 'object', ['object', 'objects'])
  const watched = new Watched((seen) => judgeWait(body, seen, { evaluate, reads }))
  try {
    const followed = await follow({
      actor,
      clock,
      aim: { apiVersion, kind, namespace },
      name,
      selector: selectorText(selector),
      watched,
      most: mostWaitedFor,
      signal,
    })
    const durationMs = clock.now() - startedAt
    if (followed.end !== 'holds') return unfulfilled(followed, { what, because: watched.because }, signal)
    const objects = watched.objects()
    const [object] = objects
    return {
      status: 'done',
      message: `waited ${(durationMs / 1000).toFixed(1)} s: ${what.replace(/^wait /, '')}`,
      response: { objects, durationMs, ...(name === undefined || object === undefined ? {} : { object }) },
    }
  } finally {
    watched.release()
  }
}

/** It changes nothing, so nothing was sent. */
function unfulfilled(
  followed: Exclude<Followed, { readonly end: 'holds' }>,
  { what, because }: { readonly what: string; readonly because: string | undefined },
  signal: AbortSignal,
): Attempt {
  if (followed.end === 'refused')
    return {
      status: 'failed',
      cause: followed.cause,
      sent: false,
      message: harmless(`${what}: ${followed.because}`),
    }
  const said = [because, followed.trouble].filter((text) => text !== undefined)
  const message = harmless(`${what}: ${said.length === 0 ? 'nothing was seen yet' : said.join('; last ')}`)
  return { status: 'failed', cause: causeOf(signal), sent: false, message }
}

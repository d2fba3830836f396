/** The body `scale`: sets numbers of replicas, and puts back the ones that were there before. */
import type { ScaleBody } from '../api/scale-body.ts'
import { isSame } from '../core/same.ts'
import { restoreStep, scaledIn, scaleStep, toKeep } from '../core/scale.ts'
import type { Scale, Scaled, ScaleStep } from '../core/scale.ts'
import { targetText } from '../core/target.ts'
import { failedBy } from './acted.ts'
import { keepBefore } from './keep.ts'
import { requestText } from './request-text.ts'
import type { Attempt, Context, FailedAttempt, Preparation, Runner } from './runners.ts'
import { find, findAll, refused, set, type Scaling } from './scale-calls.ts'
import { harmless } from './words.ts'

/** Performs the body `scale`. */
export const scale: Runner<'scale'> = { acts: true, secrets: () => [], prepare, revert }

// A controller writes the status of what it scales many times a second at its worst.
const mostConflicts = 10
// Somebody who sets another number between our look and our write, so often, does not want it to be set.
const mostRounds = 5

type Before = Scaled['objects'][number]
type Step = (before: Before, now: Scale | undefined) => ScaleStep

function prepare(body: ScaleBody, context: Context): Preparation {
  const what = harmless(`scale ${targetText(body)} to ${body.replicas}`)
  let kept = scaledIn(context.before, body.replicas)
  const rounds = async (scaling: Scaling): Promise<Attempt> => {
    let sent = false
    for (let left = mostRounds; ; left -= 1) {
      const round = await once(scaling, { what, kept })
      if ('kept' in round) kept = round.kept
      if (round.end === 'done') return round.done
      sent ||= round.failed.sent
      if (round.end === 'failed' || left === 0) return { ...round.failed, sent }
    }
  }
  return {
    ok: {
      request: requestOf(what, context),
      what,
      attempt: (signal) => rounds({ body, context, dryRun: false, signal }),
      rehearse: (signal) => rounds({ body, context, dryRun: true, signal }),
    },
  }
}

function revert(body: ScaleBody, context: Context): Preparation {
  const what = harmless(`scale ${targetText(body)} back`)
  const kept = scaledIn(context.before, body.replicas)
  const step: Step = (before, now) => restoreStep(body.replicas, before, now)
  const attempt = async (signal: AbortSignal): Promise<Attempt> => {
    if (kept === undefined) return { status: 'done', message: `${what}: nothing was scaled`, response: {} }
    const all = await setAll({ body, context, dryRun: false, signal }, { what, objects: kept.objects, step })
    return all.end === 'done' ? all.done : all.failed
  }
  return { ok: { request: requestOf(what, context), what, attempt } }
}

const requestOf = (line: string, { actor, mask }: Context): string =>
  requestText({ line, headers: [['As', actor.account]], secretHeaders: [] }, mask)

/** again: somebody changed an object between our look and our write, so that what was kept of it is not right. */
type All =
  | { readonly end: 'done'; readonly done: Extract<Attempt, { readonly status: 'done' }> }
  | { readonly end: 'failed' | 'again'; readonly failed: FailedAttempt }

/** Looks, keeps what is there, and only then sets. */
async function once(
  scaling: Scaling,
  { what, kept }: { readonly what: string; readonly kept: Scaled | undefined },
): Promise<All & { readonly kept?: Scaled }> {
  const { body, context, dryRun } = scaling
  const found = await findAll(scaling)
  if (!('ok' in found)) return { end: 'failed', failed: found }
  const keeping = toKeep(body.replicas, kept, found.ok)
  if (context.reverts && !dryRun && !isSame(keeping, kept)) {
    const failed = await keepBefore(what, keeping, context)
    if (failed !== undefined) return { end: 'failed', failed }
  }
  const objects = keeping.objects.slice(0, found.ok.length)
  const step: Step = (before, now) => scaleStep(body.replicas, before, now)
  return { ...(await setAll(scaling, { what, objects, step })), kept: keeping }
}

type Work = { readonly what: string; readonly objects: readonly Before[]; readonly step: Step }

/** Sets all numbers, in the order of the names. The first that cannot be set ends it; those before it are told. */
async function setAll(scaling: Scaling, { what, objects, step }: Work): Promise<All> {
  const { dryRun } = scaling
  const told: string[] = []
  let sent = false
  for (const before of objects) {
    const one = await setOne(scaling, before, step)
    if (one.end !== 'set') {
      const sofar = told.length === 0 ? '' : `; before it: ${told.join(', ')}`
      const message = harmless(`${what}: ${one.failed.message}${sofar}`)
      return { end: one.end, failed: { ...one.failed, sent: sent || one.failed.sent, message } }
    }
    sent ||= one.changed
    told.push(`${before.name} ${one.said}`)
  }
  const message = harmless(`${dryRun ? 'would ' : ''}${what}: ${told.join(', ')}`)
  const response = { objects: objects.map(({ name, replicas }) => ({ name, replicas })) }
  return { end: 'done', done: { status: 'done', message, response } }
}

type One =
  | { readonly end: 'set'; readonly changed: boolean; readonly said: string }
  | { readonly end: 'failed' | 'again'; readonly failed: FailedAttempt }

/** Sets one number, on exactly what was looked at: what was written in between is looked at again. */
async function setOne(scaling: Scaling, before: Before, step: Step): Promise<One> {
  for (let conflicts = 0; ; conflicts += 1) {
    const found = await find(scaling, before.name)
    if (!('ok' in found)) return { end: 'failed', failed: found }
    const now = found.ok
    const next = step(before, now)
    if (next.do === 'leave') return { end: 'set', changed: false, said: next.because }
    if (next.do !== 'set' || now === undefined) return unset(scaling, before, next)
    const done = await set(scaling, now, next.replicas)
    if ('ok' in done) return { end: 'set', changed: true, said: `from ${now.replicas} to ${next.replicas}` }
    if (done.status !== 409 || conflicts >= mostConflicts) return { end: 'failed', failed: failedBy(done) }
  }
}

function unset({ body }: Scaling, { name }: Before, step: ScaleStep): One {
  const because = 'because' in step ? step.because : 'is not there'
  const failed = refused(`${targetText({ ...body, name })} ${because}`)
  return { end: step.do === 'again' ? 'again' : 'failed', failed }
}

/** The body `scale`: sets numbers of replicas, and puts back the ones that were there before. */
import type { ScaleBody } from '../api/scale-body.ts'
import {
  autoscaled,
  restoreStep,
  scaledIn,
  scaleIn,
  scaleStep,
  type Scale,
  type Scaled,
  type ScaleStep,
} from '../core/scale.ts'
import { selectorText } from '../core/label-selector.ts'
import { targetText } from '../core/target.ts'
import { textAt } from '../core/velero.ts'
import type { Aim, Unacted } from './ports.ts'
import type { Attempt, Context, FailedAttempt, Preparation, Runner } from './runners.ts'
import { harmless } from './words.ts'

/** Performs the body `scale`. */
export const scale: Runner<'scale'> = { acts: true, secrets: () => [], prepare, revert }

/** Most objects that are scaled by one action. */
const mostScaled = 100
const mostAutoscalers = 500
// A controller writes the status of what it scales many times a second at its worst.
const mostConflicts = 10

type Before = Scaled['objects'][number]
type Step = (before: Before, now: Scale | undefined) => ScaleStep
type Found<T> = { readonly ok: T } | FailedAttempt

/** One scaling: as whom, of what. */
type Scaling = {
  readonly body: ScaleBody
  readonly aim: Aim
  readonly context: Context
  readonly dryRun: boolean
  readonly signal: AbortSignal
}

function prepare(body: ScaleBody, context: Context): Preparation {
  const what = harmless(`scale ${targetText(body)} to ${body.replicas}`)
  // What an attempt before this one kept stays what was there before, also in the next attempt.
  let scaled = scaledIn(context.before, body.replicas)
  const begin = async (scaling: Scaling): Promise<Attempt> => {
    const found = scaled === undefined ? await findAll(scaling) : { ok: scaled }
    if (!('ok' in found)) return found
    if (scaled === undefined && !scaling.dryRun) {
      const kept = await context.remember(found.ok)
      if ('refused' in kept) return refused(`${what}: ${kept.refused}`)
      scaled = found.ok
    }
    const step: Step = (before, now) => scaleStep(body.replicas, before, now)
    return setAll(scaling, { what, objects: found.ok.objects, step })
  }
  const scaling = { body, aim: aimOf(body), context }
  return {
    ok: {
      request: `${what}\nas: ${context.actor.account}`,
      what,
      attempt: (signal) => begin({ ...scaling, dryRun: false, signal }),
      rehearse: (signal) => begin({ ...scaling, dryRun: true, signal }),
    },
  }
}

function revert(body: ScaleBody, context: Context): Preparation {
  const what = harmless(`scale ${targetText(body)} back`)
  const scaled = scaledIn(context.before, body.replicas)
  const scaling = { body, aim: aimOf(body), context, dryRun: false }
  const step: Step = (before, now) => restoreStep(body.replicas, before, now)
  return {
    ok: {
      request: `${what}\nas: ${context.actor.account}`,
      what,
      attempt: async (signal) =>
        scaled === undefined
          ? { status: 'done', message: `${what}: nothing was scaled`, response: {} }
          : setAll({ ...scaling, signal }, { what, objects: scaled.objects, step }),
    },
  }
}

const aimOf = ({ apiVersion, kind, namespace }: ScaleBody): Aim => ({ apiVersion, kind, namespace })

/** What there is before anything is changed; refused where an autoscaler would not let it last. */
async function findAll(scaling: Scaling): Promise<Found<Scaled>> {
  const { body } = scaling
  const names = await namesOf(scaling)
  if (!('ok' in names)) return names
  const objects: Before[] = []
  for (const name of names.ok) {
    const found = await find(scaling, name)
    if (!('ok' in found)) return found
    if (found.ok === undefined) return refused(`scale ${targetText({ ...body, name })}: it is not there`)
    const { uid, replicas } = found.ok
    objects.push({ name, uid, replicas })
  }
  const problem = await autoscalerProblem(scaling, names.ok)
  return problem ?? { ok: { replicas: body.replicas, objects } }
}

async function namesOf({ body, aim, context, signal }: Scaling): Promise<Found<readonly string[]>> {
  if (body.name !== undefined) return { ok: [body.name] }
  const selector = selectorText(body.selector ?? {})
  const listed = await context.actor.list(aim, { selector, limit: mostScaled, signal })
  if (!('ok' in listed)) return failedBy(listed)
  const target = targetText(body)
  if (listed.ok.more)
    return refused(`scale ${target}: more than ${mostScaled} objects carry these labels; select fewer`)
  const names = listed.ok.items.map((item) => textAt(item, 'metadata', 'name')).sort()
  return names.length === 0 ? refused(`scale ${target}: no object carries these labels`) : { ok: names }
}

async function find({ aim, context, signal }: Scaling, name: string): Promise<Found<Scale | undefined>> {
  const got = await context.actor.get(aim, name, { subresource: 'scale', signal })
  if (!('ok' in got)) return failedBy(got)
  return { ok: got.ok === undefined ? undefined : scaleIn(got.ok) }
}

/** Asked last, so that little time is left for another one to be made. */
async function autoscalerProblem(
  { body, aim, context, signal }: Scaling,
  names: readonly string[],
): Promise<FailedAttempt | undefined> {
  const kind = { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', namespace: aim.namespace }
  const listed = await context.actor.list(kind, { selector: '', limit: mostAutoscalers, signal })
  if (!('ok' in listed)) return failedBy(listed)
  const what = `scale ${targetText(body)} to ${body.replicas}`
  if (listed.ok.more)
    return refused(`${what}: the namespace has more than ${mostAutoscalers} HorizontalPodAutoscalers`)
  for (const name of names) {
    const because = autoscaled({ ...body, name }, body.replicas, listed.ok.items)
    if (because !== undefined) return refused(`${what}: ${because}`)
  }
  return undefined
}

type Work = { readonly what: string; readonly objects: readonly Before[]; readonly step: Step }

/** Sets all numbers, in the order of the names. The first that cannot be set ends it; those before it are told. */
async function setAll(scaling: Scaling, { what, objects, step }: Work): Promise<Attempt> {
  const { context, dryRun } = scaling
  const startedAt = context.ports.clock.now()
  const told: string[] = []
  let sent = false
  for (const before of objects) {
    const one = await setOne(scaling, before, step)
    if (one.status === 'failed') {
      const sofar = told.length === 0 ? '' : `; before it: ${told.join(', ')}`
      return { ...one, sent: sent || one.sent, message: harmless(`${what}: ${one.message}${sofar}`) }
    }
    sent ||= one.changed
    told.push(`${before.name} ${one.said}`)
  }
  const message = harmless(`${dryRun ? 'would ' : ''}${what}: ${told.join(', ')}`)
  const durationMs = context.ports.clock.now() - startedAt
  return { status: 'done', message, response: { objects: objects.map(shown), durationMs } }
}

const shown = ({ name, replicas }: Before) => ({ name, replicas })

type Set = { readonly status: 'set'; readonly changed: boolean; readonly said: string } | FailedAttempt

/** Sets one number, on exactly what was looked at: what was written in between is looked at again. */
async function setOne(scaling: Scaling, before: Before, step: Step): Promise<Set> {
  const { aim, body, context, dryRun, signal } = scaling
  const name = targetText({ ...body, name: before.name })
  for (let conflicts = 0; ; conflicts += 1) {
    const found = await find(scaling, before.name)
    if (!('ok' in found)) return found
    const next = step(before, found.ok)
    if (next.do === 'fail') return refused(`${name} ${next.because}`)
    if (next.do === 'leave') return { status: 'set', changed: false, said: next.because }
    const patch = {
      metadata: { resourceVersion: found.ok?.resourceVersion },
      spec: { replicas: next.replicas },
    }
    const patched = await context.actor.patch(aim, before.name, {
      type: 'merge',
      patch,
      subresource: 'scale',
      fieldManager: 'tidewaiter',
      dryRun,
      signal,
    })
    if ('ok' in patched)
      return { status: 'set', changed: true, said: `from ${found.ok?.replicas} to ${next.replicas}` }
    if (patched.status !== 409 || conflicts >= mostConflicts) return failedBy(patched)
  }
}

const failedBy = ({ failed, message, sent, why, retryAfterMs }: Unacted): FailedAttempt => ({
  status: 'failed',
  cause: failed,
  sent,
  message,
  ...(why === undefined ? {} : { why }),
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
})

/** What another attempt cannot mend. */
const refused = (message: string): FailedAttempt => ({
  status: 'failed',
  cause: 'answer',
  sent: false,
  message: harmless(message),
})

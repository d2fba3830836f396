/** The calls of the body `scale`: which objects there are, what their scales say, which autoscalers there are, and setting a number. */
import type { ScaleBody } from '../api/scale-body.ts'
import { autoscaled, scaleIn, type Scale } from '../core/scale.ts'
import { mostObjects, selectorText, targetText } from '../core/target.ts'
import { textAt } from '../core/velero.ts'
import { failedBy, notTried } from './acted.ts'
import type { Acted, Aim, KubeObject } from './ports.ts'
import type { Context, FailedAttempt } from './runners.ts'
import { harmless } from './words.ts'

const mostAutoscalers = 500

/** What was asked for, or why there is none. */
export type Found<T> = { readonly ok: T } | FailedAttempt

/** One scaling: as whom, of what. */
export type Scaling = {
  readonly body: ScaleBody
  readonly context: Context
  readonly dryRun: boolean
  readonly signal: AbortSignal
}

const aimOf = ({ apiVersion, kind, namespace }: ScaleBody): Aim => ({ apiVersion, kind, namespace })

/** What there is now; refused where one is not there, or where an autoscaler would not let the number last. */
export async function findAll(scaling: Scaling): Promise<Found<readonly Scale[]>> {
  const { body } = scaling
  const names = await namesOf(scaling)
  if (!('ok' in names)) return names
  const scales: Scale[] = []
  for (const name of names.ok) {
    const found = await find(scaling, name)
    if (!('ok' in found)) return found
    if (found.ok === undefined) return refused(`scale ${targetText({ ...body, name })}: it is not there`)
    scales.push(found.ok)
  }
  return (await autoscalerProblem(scaling, names.ok)) ?? { ok: scales }
}

async function namesOf({ body, context, signal }: Scaling): Promise<Found<readonly string[]>> {
  if (body.name !== undefined) return { ok: [body.name] }
  const selector = selectorText(body.selector ?? {})
  const listed = await context.actor.list(aimOf(body), { selector, limit: mostObjects, signal })
  if (!('ok' in listed)) return failedBy(listed)
  const what = `scale ${targetText(body)}`
  if (listed.ok.more)
    return refused(`${what}: more than ${mostObjects} objects carry these labels; select fewer`)
  const names = listed.ok.items.map((item) => textAt(item, 'metadata', 'name')).sort()
  return names.length === 0 ? refused(`${what}: no object carries these labels`) : { ok: names }
}

/** The scale of one object; undefined if it is not there. */
export async function find(
  { body, context, signal }: Scaling,
  name: string,
): Promise<Found<Scale | undefined>> {
  const got = await context.actor.get(aimOf(body), name, { subresource: 'scale', signal })
  if (!('ok' in got)) return failedBy(got)
  return { ok: got.ok === undefined ? undefined : scaleIn(got.ok) }
}

async function autoscalerProblem(
  { body, context, signal }: Scaling,
  names: readonly string[],
): Promise<FailedAttempt | undefined> {
  const { namespace } = body
  const aim: Aim = { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', namespace }
  const listed = await context.actor.list(aim, { selector: '', limit: mostAutoscalers, signal })
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

/** Sets a number on exactly what was looked at: a conflict if it was written since. */
export const set = (
  { body, context, dryRun, signal }: Scaling,
  { name, resourceVersion }: Scale,
  replicas: number,
): Promise<Acted<KubeObject>> =>
  context.actor.patch(aimOf(body), name, {
    type: 'merge',
    patch: { metadata: { resourceVersion }, spec: { replicas } },
    subresource: 'scale',
    fieldManager: 'tidewaiter',
    dryRun,
    signal,
  })

/** What another attempt cannot mend. */
export const refused = (message: string): FailedAttempt => notTried(harmless(message))

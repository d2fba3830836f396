/** Whether objects are as an action waits for them; if not, which one is not, and what was seen of it. */
import type { WaitBody } from '../api/wait-body.ts'
import type { Evaluate } from './render.ts'
import { at, textAt, type Json } from './velero.ts'

/** The way to a field. */
type Way = readonly string[]

/** What is needed to judge. */
export type WaitTools = {
  /** Evaluates CEL with `object`, `objects` and what the action sees besides. */
  readonly evaluate: (source: string, values: Json) => ReturnType<Evaluate>
  /** The fields of `object` that the expression reads. */
  readonly reads: readonly Way[]
}

/** The judgement; `culprit` is the place in the list of the object that is not as wanted. */
export type Waited =
  { readonly holds: true } | { readonly holds: false; readonly because: string; readonly culprit?: number }

/**
 * Judges the objects that there are; yields after each, so that whoever asks may breathe in between. `first` is the place of the
 * one to look at first: what was not as wanted a moment ago most likely still is not, so that of many only one is evaluated.
 */
export function* judgeWait(
  body: WaitBody,
  { objects, first = 0 }: { readonly objects: readonly Json[]; readonly first?: number },
  tools: WaitTools,
): Generator<undefined, Waited> {
  if (body.gone === true) return objects.length === 0 ? { holds: true } : notGone(body, objects)
  if (objects.length < (body.minCount ?? 1)) return { holds: false, because: tooFew(body, objects.length) }
  for (const place of from(first, objects.length)) {
    const because = fault(body, { objects, object: objects[place] ?? {} }, tools)
    if (because !== undefined) return { holds: false, because, culprit: place }
    yield
  }
  return { holds: true }
}

/** All places of a list, beginning with this one. */
function* from(first: number, length: number): Generator<number> {
  if (first < length) yield first
  for (let place = 0; place < length; place += 1) if (place !== first) yield place
}

function tooFew({ kind, name, minCount = 1 }: WaitBody, count: number): string {
  if (name !== undefined) return `${kind} ${name} is not there`
  return count === 0
    ? `no ${kind} with these labels is there`
    : `${count} of at least ${minCount} with these labels are there`
}

const fewNamed = 3

function notGone({ kind }: WaitBody, objects: readonly Json[]): Waited {
  const named = objects.slice(0, fewNamed).map((object) => {
    const deleted = textAt(object, 'metadata', 'deletionTimestamp')
    return `${nameOf(kind, object)}${deleted === '' ? '' : ` (being deleted since ${deleted})`}`
  })
  const more = objects.length > fewNamed ? ` and ${objects.length - fewNamed} more` : ''
  return {
    holds: false,
    because: `still there: ${named.join(', ')}${more}`,
  }
}

function fault(
  { kind, until = '', selector }: WaitBody,
  { object, objects }: { readonly object: Json; readonly objects: readonly Json[] },
  { evaluate, reads }: WaitTools,
): string | undefined {
  const value = evaluate(until, selector === undefined ? { object } : { object, objects })
  if ('ok' in value && value.ok === true) return undefined
  const name = nameOf(kind, object)
  if ('error' in value) return `of ${name} it cannot be told: ${value.error}`
  if (value.ok !== false) return `of ${name} it gave ${JSON.stringify(value.ok)}, not true or false`
  return `not so of ${name}${seen(object, reads)}`
}

const nameOf = (kind: string, object: Json): string => {
  const namespace = textAt(object, 'metadata', 'namespace')
  const name = textAt(object, 'metadata', 'name')
  return `${kind} ${namespace === '' ? name : `${namespace}/${name}`}`
}

const mostShown = 5

function seen(object: Json, reads: readonly Way[]): string {
  if (reads.length === 0) return ''
  const values = reads.slice(0, mostShown).map((way) => `${way.join('.')} is ${shown(at(object, ...way))}`)
  return `: ${values.join(', ')}`
}

const longestValue = 200

function shown(value: unknown): string {
  if (value === undefined) return 'absent'
  const text = conditionsText(value) ?? JSON.stringify(value)
  return text.length > longestValue ? `${text.slice(0, longestValue)}...` : text
}

/** Conditions as people read them: `Available=False (MinimumReplicasUnavailable), Progressing=True`. */
function conditionsText(value: unknown): string | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined
  const texts = value.map((condition: unknown) => {
    const [type, status, reason] = ['type', 'status', 'reason'].map((key) => textAt(condition, key))
    if (type === '' || status === '') return undefined
    return `${type}=${status}${status === 'True' || reason === '' ? '' : ` (${reason})`}`
  })
  return texts.every((text) => text !== undefined) ? `[${texts.join(', ')}]` : undefined
}

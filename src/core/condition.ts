/** Conditions in the status of our kinds, as meta/v1 has them. */
import { at, objectAt, textAt, type Json } from './velero.ts'

/** One condition. */
export type Condition = {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  readonly lastTransitionTime: string
  readonly observedGeneration?: number
}

/** What one says, without of what. */
export type Word = Pick<Condition, 'status' | 'reason' | 'message'>

/** What is to be said, before it is known since when. */
export type Said = Omit<Condition, 'lastTransitionTime'>

/** The condition as it is to be written: it holds since its status last changed, whatever changed in its words. */
export function conditionOf(said: Said, old: Condition | undefined, now: number): Condition {
  const isSince = old?.status === said.status
  return { ...said, lastTransitionTime: isSince ? old.lastTransitionTime : new Date(now).toISOString() }
}

/** Whether a condition that stands says this already. */
export const isSaid = (old: Condition | undefined, said: Said): boolean =>
  old !== undefined &&
  old.status === said.status &&
  old.reason === said.reason &&
  old.message === said.message &&
  old.observedGeneration === said.observedGeneration

/** A condition of an object, as it stands there; an empty one if it has none of this type. */
export function conditionIn(object: Json, type: string): Json {
  const list = at(object, 'status', 'conditions')
  const found: unknown = Array.isArray(list) ? list.find((one) => textAt(one, 'type') === type) : undefined
  return objectAt({ found }, 'found')
}

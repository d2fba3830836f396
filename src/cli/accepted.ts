/** What the leader says of an Action: whether it can run, or why not. */
import { conditionIn } from '../core/condition.ts'
import { at, textAt, type Json } from '../core/velero.ts'

/** What is said of an Action, and of this generation of it. */
export type Accepted = {
  readonly accepted: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
}

const unseen: Accepted = {
  accepted: 'Unknown',
  reason: 'NotSeenYet',
  message: 'the leader has not looked at this generation yet',
}

/** What the leader says of this generation; what it says of another one is about another spec. */
export function acceptedOf(action: Json): Accepted {
  const said = conditionIn(action, 'Accepted')
  const status = textAt(said, 'status')
  if (status !== 'True' && status !== 'False') return unseen
  const [seen, now] = [at(said, 'observedGeneration'), at(action, 'metadata', 'generation')]
  if (seen !== undefined && seen !== now) return unseen
  return { accepted: status, reason: textAt(said, 'reason'), message: textAt(said, 'message') }
}

/** Whether it waits for somebody with the rights to adopt it. */
export const waitsForAdoption = (action: Json): boolean => acceptedOf(action).reason === 'Unadopted'

/** What a person is shown of an Action before it is adopted: what it would do, and as whom. */
import { claimedAuthor, authorAnnotation } from './author.ts'
import { callOf } from './calls.ts'
import { at, objectAt, textAt, textMapAt, type Json } from './velero.ts'

/** Whom the stamp on an Action names; '' without one. Not authenticated. */
export const stampedFor = (action: Json): string =>
  claimedAuthor(textMapAt(action, 'metadata', 'annotations')[authorAnnotation])?.username ?? ''

/** What it calls, its undo too; '' for an Action that this version cannot read. */
export function callsOf(action: Json): string {
  const spec = objectAt(action, 'spec')
  const undo = at(spec, 'undo', 'revert') === true ? 'puts back what was there' : callOf(spec['undo'])
  const calls = [callOf(spec), undo === undefined ? undefined : `undo: ${undo}`]
  return calls.filter((one) => one !== undefined).join(', ')
}

/** As whom it acts once `author` has adopted it. */
export function actsAs(action: Json, author: string): string {
  const account = textAt(action, 'spec', 'serviceAccountName')
  return account === '' ? author : `ServiceAccount ${account}, for ${author}`
}

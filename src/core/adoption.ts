/** What a person is shown of an Action before it is adopted: what it would do, and as whom. */
import { claimedAuthor, authorAnnotation } from './author.ts'
import { objectAt, textAt, textMapAt, type Json } from './velero.ts'

/** Whom the stamp on an Action names; '' without one. Not authenticated. */
export const stampedFor = (action: Json): string =>
  claimedAuthor(textMapAt(action, 'metadata', 'annotations')[authorAnnotation])?.username ?? ''

const callOf = (body: Json): string => `${textAt(body, 'method') || 'POST'} ${textAt(body, 'url')}`

/** What it calls, its undo too; '' for an Action that this version cannot read. */
export function callsOf(action: Json): string {
  const [http, undo] = [objectAt(action, 'spec', 'http'), objectAt(action, 'spec', 'undo', 'http')]
  const calls = [
    ...(textAt(http, 'url') === '' ? [] : [callOf(http)]),
    ...(textAt(undo, 'url') === '' ? [] : [`undo: ${callOf(undo)}`]),
  ]
  return calls.join(', ')
}

/** As whom it acts once `author` has adopted it. */
export function actsAs(action: Json, author: string): string {
  const account = textAt(action, 'spec', 'serviceAccountName')
  return account === '' ? author : `ServiceAccount ${account}, for ${author}`
}

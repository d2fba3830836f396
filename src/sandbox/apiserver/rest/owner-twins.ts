/** Owner references that are there twice: one of them goes, with a warning (apiserver pkg/endpoints/handlers/rest.go). */
import { isObject, listAt, same, setAt, textAt, type Json, type JsonObject } from '../json.ts'

/** When they are looked for: in what was sent, or in what admission made of it. */
export type When = 'sent' | 'admitted'

const words: Readonly<Record<When, string>> = {
  sent: 'duplicate entries',
  admitted: 'duplicate entries after mutating admission happens',
}

/** The object with each owner once; warns of those it had twice. */
export function withoutTwins(object: JsonObject, when: When, warn: (text: string) => void): JsonObject {
  const owners = listAt(object, 'metadata', 'ownerReferences')
  const isTwin = (owner: Json, index: number): boolean =>
    owners.slice(0, index).some((other) => same(withoutFalse(other), withoutFalse(owner)))
  const twins = owners.filter(isTwin)
  if (twins.length === 0) return object
  const uids = twins.map((one) => textAt(one, 'uid')).join(', ')
  warn(
    `.metadata.ownerReferences contains ${words[when]}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${uids}`,
  )
  return setAt(
    object,
    ['metadata', 'ownerReferences'],
    owners.filter((owner, index) => !isTwin(owner, index)),
  )
}

const withoutFalse = (owner: Json): Json =>
  isObject(owner) ? Object.fromEntries(Object.entries(owner).filter(([, value]) => value !== null)) : owner

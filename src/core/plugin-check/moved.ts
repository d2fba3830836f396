/** Whether a tag still is what it was when it was pinned. */
import { registryCodes, type RegistryFailure } from './failure.ts'
import type { CheckResult } from './result.ts'

/** Compares the digest of now with the one that was pinned before, if one was. */
export function tagUnmoved(
  image: { readonly name: string; readonly tag: string | undefined },
  pinned: string | undefined,
  now: string,
): CheckResult {
  const check = 'TagUnmoved'
  if (image.tag === undefined)
    return { check, ok: true, reason: 'ByDigest', message: 'it is named by digest, which cannot move' }
  if (pinned === undefined)
    return { check, ok: true, reason: 'FirstSeen', message: `${image.name} is ${now}` }
  if (pinned === now)
    return { check, ok: true, reason: 'TagUnmoved', message: `${image.name} still is ${now}` }
  const message = `wanted ${image.name} to be ${pinned}, as it was pinned, got ${now}. What was pinned stays in use; if the new one is meant, name it: ${image.name}@${now}`
  return { check, ok: false, reason: 'TagMoved', message }
}

/** Where the registry did not say what the tag is now. */
export const tagUnseen = ({ code, message }: RegistryFailure): CheckResult => ({
  check: 'TagUnmoved',
  ok: undefined,
  reason: registryCodes[code].reason,
  message,
})

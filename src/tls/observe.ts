/** What one process sees of a turn from look to look: how long things have been as they are, and which path is to be called. */
import type { Clock } from '../clock.ts'
import { readCertificate } from './certificate.ts'
import { createLasting } from './lasting.ts'
import { part } from './material.ts'
import type { SecretValues, Told } from './ports.ts'
import { standingOf, type Standing } from './standing.ts'
import { isCalledBy, trusts } from './told.ts'
import { isNewestRegistered, isOfNewest, isTurning, type Known } from './turning.ts'

/** What has been so for the overlap. */
export type Observed = Pick<Known, 'isTrusted' | 'isTurned' | 'isCalled'>

/** Looks, and remembers. */
export type Observer = {
  /** `told`: undefined if it was not found out, which is neither yes nor no. */
  readonly look: (values: SecretValues, told: readonly Told[] | undefined) => Observed
  /** The path that API servers are to call by, as of the last look. */
  readonly pathToken: () => string
  /** Where a turn stood when that could be found out last. */
  readonly standing: () => Standing
}

/** Builds one; it has seen nothing yet. */
export function createObserver({
  clock,
  overlapMs,
  isServed,
}: {
  readonly clock: Clock
  readonly overlapMs: number
  /** Whether API servers are to trust what the Secret holds. */
  readonly isServed: boolean
}): Observer {
  // A look that comes late on a busy cluster counts whole; a clock that jumps, for half the overlap at most: API servers learn in less.
  const lasting = createLasting(clock, overlapMs / 2)
  const isLong = (thing: string, isSo: boolean | undefined) => lasting.note(thing, isSo) >= overlapMs
  // Of what no API server has to learn nothing is waited for.
  const isSeen = (thing: string, isSo: boolean | undefined) => !isServed || isLong(thing, isSo)
  let pathToken = ''
  let standing: Standing = { authority: 'done', path: 'done' }
  return {
    look: (values, told) => {
      const ifTold = (isSo: boolean) => (told === undefined ? undefined : isSo)
      const path = part(values, 'pathToken')
      const isRegistered = isCalledBy(told, path)
      const isAccepted = isLong(`accepted ${path}`, path !== '')
      // Once they call by it they go on to, whether or not that can be read just now.
      const isCalled = isRegistered || (told === undefined && pathToken === path)
      pathToken = isCalled || isAccepted ? path : part(values, 'formerPathToken') || path
      if (told !== undefined || !isTurning(values)) standing = standingOf(values, told)
      const { authority, leaf } = idsOf(values)
      const isShownTrusted = isOfNewest(values) && trusts(told, part(values, 'cert'))
      return {
        isTrusted: isSeen(`trusted ${authority}`, ifTold(isNewestRegistered(values, told))),
        isTurned: isSeen(`turned ${leaf}`, ifTold(isShownTrusted)),
        isCalled: isLong(`called ${path}`, ifTold(isRegistered)),
      }
    },
    pathToken: () => pathToken,
    standing: () => standing,
  }
}

const idsOf = (values: SecretValues) => ({
  authority: readCertificate(part(values, 'caBundle'))?.fingerprint256 ?? '',
  leaf: readCertificate(part(values, 'cert'))?.fingerprint256 ?? '',
})

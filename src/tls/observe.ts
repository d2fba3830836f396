/** What one process sees of a turn from look to look: how long things have been as they are, and which path is to be called. */
import type { Clock } from '../clock.ts'
import { readCertificate } from './certificate.ts'
import { createLasting } from './lasting.ts'
import { part } from './material.ts'
import type { SecretValues, Told } from './ports.ts'
import { carries, isCalledBy, trusts } from './told.ts'
import { isOfNewest, type Known } from './turning.ts'

/** What has been so for the overlap. */
export type Observed = Pick<Known, 'isTrusted' | 'isTurned' | 'isCalled'>

/** Looks, and remembers. */
export type Observer = {
  readonly look: (values: SecretValues, told: readonly Told[] | undefined) => Observed
  /** The path that API servers are to call by, as of the last look. */
  readonly pathToken: () => string
}

/** Builds one; it has seen nothing yet. */
export function createObserver(
  clock: Clock,
  { overlapMs, mostMs }: { readonly overlapMs: number; readonly mostMs: number },
): Observer {
  const lasting = createLasting(clock, mostMs)
  const isLong = (thing: string, isSo: boolean) => lasting.note(thing, isSo) >= overlapMs
  let pathToken = ''
  return {
    look: (values, told) => {
      const path = part(values, 'pathToken')
      const isRegistered = isCalledBy(told, path)
      const isAccepted = isLong(`accepted ${path}`, path !== '')
      pathToken = isRegistered || isAccepted ? path : part(values, 'formerPathToken') || path
      const { authority, leaf } = idsOf(values)
      return {
        isTrusted: isLong(
          `trusted ${authority}`,
          carries(told, (one) => one.fingerprint256 === authority),
        ),
        isTurned: isLong(`turned ${leaf}`, isOfNewest(values) && trusts(told, part(values, 'cert'))),
        isCalled: isLong(`called ${path}`, isRegistered),
      }
    },
    pathToken: () => pathToken,
  }
}

const idsOf = (values: SecretValues) => ({
  authority: readCertificate(part(values, 'caBundle'))?.fingerprint256 ?? '',
  leaf: readCertificate(part(values, 'cert'))?.fingerprint256 ?? '',
})

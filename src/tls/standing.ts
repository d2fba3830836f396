/** Where a turn stands: what authority and path wait for. For logs, metrics and whoever waits for the end of a turn. */
import { part } from './material.ts'
import type { SecretValues, Told } from './ports.ts'
import { isCalledBy, trusts } from './told.ts'
import { hasFormerAuthorities, isNewestRegistered, isOfNewest } from './turning.ts'

/** What a new authority waits for, in this order; the first: there is none. */
export const authoritySteps = ['done', 'to-be-registered', 'to-sign', 'former-to-go'] as const
/** What a new path waits for, in this order; the first: there is none. */
export const pathSteps = ['done', 'to-be-called', 'former-to-go'] as const

/** Where a turn stands. */
export type Standing = {
  readonly authority: (typeof authoritySteps)[number]
  readonly path: (typeof pathSteps)[number]
}

/** Judges by what the Secret holds and what API servers are told (undefined: not known now). */
export const standingOf = (values: SecretValues, told: readonly Told[] | undefined): Standing => ({
  authority: authorityStep(values, told),
  path: pathStep(values, told),
})

function authorityStep(values: SecretValues, told: readonly Told[] | undefined): Standing['authority'] {
  if (!isOfNewest(values)) return isNewestRegistered(values, told) ? 'to-sign' : 'to-be-registered'
  if (!hasFormerAuthorities(values)) return 'done'
  return trusts(told, part(values, 'cert')) ? 'former-to-go' : 'to-be-registered'
}

function pathStep(values: SecretValues, told: readonly Told[] | undefined): Standing['path'] {
  if (part(values, 'formerPathToken') === '') return 'done'
  return isCalledBy(told, part(values, 'pathToken')) ? 'former-to-go' : 'to-be-called'
}

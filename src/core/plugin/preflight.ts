/** What a preflight found: one line for each check, and what they come to. */
import type { CheckResult } from '../plugin-check/result.ts'
import type { PluginFindings } from './findings.ts'

/** What a check is about. */
export type PreflightSubject = {
  readonly kind: 'Cluster' | 'File' | 'Plugin'
  /** Of a file with the line: `plugins/acme.yaml:5`. */
  readonly name: string
}

/** One check. */
export type PreflightCheck = {
  readonly subject: PreflightSubject
  /** CamelCase: one of the checks of images, or of those of declarations and clusters. */
  readonly check: string
  /** Undefined: it could not be found out. Never taken for a yes. */
  readonly ok: boolean | undefined
  /** CamelCase. */
  readonly reason: string
  readonly message: string
}

/** The checks of one plugin's image. */
export const checksOf = ({ plugin, results }: PluginFindings): readonly PreflightCheck[] =>
  results.map((result) => ({ subject: { kind: 'Plugin', name: plugin.name }, ...result }))

/** How many said what. */
export type Tally = { readonly yes: number; readonly no: number; readonly unknown: number }

/** Counts them. */
export function tallyOf(checks: readonly Pick<PreflightCheck, 'ok'>[]): Tally {
  const count = (wanted: boolean | undefined) => checks.filter(({ ok }) => ok === wanted).length
  return { yes: count(true), no: count(false), unknown: count(undefined) }
}

/** The result of a check of a pull secret, told for the place that its credentials came from. */
export function pullSecretToldFrom(
  result: CheckResult,
  name: string,
  from: { readonly standIn: string } | { readonly unread: string },
): CheckResult {
  if (result.check !== 'PullSecretValid') return result
  if ('unread' in from)
    return {
      ...result,
      ok: undefined,
      reason: 'SecretUnread',
      message: `wanted the Secret ${name}, got: ${from.unread}`,
    }
  if (result.ok !== true) return result
  const message = `the credentials of ${from.standIn} stand in for the Secret ${name}, which was not looked at`
  return { ...result, reason: 'StandIn', message }
}

/** Runs Velero's contract on a Velero. */
import type { Endpoint } from '../http.ts'
import { runCases, type Result } from '../suite.ts'
import { allCases } from './all-cases.ts'
import { inVelero } from './case.ts'

/** Where a Velero is, and which cases to try on it. */
export type At = { readonly endpoint: Endpoint; readonly namespace: string; readonly only?: RegExp }

/** How the Velero under contract is started: it looks often, and lets many Backups run at once, so that cases need not wait for each other. */
export const flags = [
  '--concurrent-backups=100',
  '--backup-sync-period=4s',
  '--garbage-collection-frequency=4s',
  '--store-validation-frequency=2s',
] as const

// Most of a case is waiting for Velero.
const atOnce = 32

/** Runs the cases; `report` hears of each as it ends. */
export async function runVeleroSuite(
  { endpoint, namespace, only }: At,
  report: (result: Result) => void,
): Promise<void> {
  const cases = allCases.filter(({ name }) => only?.test(name) ?? true).map(inVelero(namespace))
  await runCases(endpoint, { cases, atOnce }, report)
}

/** Runs Velero's contract on a Velero. */
import type { Endpoint } from '../http.ts'
import { runCases, type Result } from '../suite.ts'
import { allCases } from './all-cases.ts'
import { inVelero } from './case.ts'
import { fatal, oldestCases } from './oldest.ts'

/** Where a Velero is, and which cases to try on it: all unless told. */
export type At = {
  readonly endpoint: Endpoint
  readonly namespace: string
  readonly only?: RegExp
  readonly oldest?: boolean
}

/** How the Velero under contract is started: it looks often, and lets many Backups run at once, so that cases need not wait for each other. */
export const flags = [
  '--backup-sync-period=4s',
  '--garbage-collection-frequency=4s',
  '--store-validation-frequency=2s',
] as const
/** The same for a Velero that has a queue. */
export const queueFlags = ['--concurrent-backups=100', ...flags] as const

// Most of a case is waiting for Velero. The oldest does one thing after another: more would wait until their patience ends.
const atOnce = { newest: 32, oldest: 8 }

/** Runs the cases; `report` hears of each as it ends. */
export async function runVeleroSuite(
  { endpoint, namespace, only, oldest = false }: At,
  report: (result: Result) => void,
): Promise<void> {
  const cases = (oldest ? [...allCases.filter(({ name }) => name !== fatal), ...oldestCases] : allCases)
    .filter(({ name }) => only?.test(name) ?? true)
    .map(inVelero(namespace))
  await runCases(endpoint, { cases, atOnce: oldest ? atOnce.oldest : atOnce.newest }, report)
}

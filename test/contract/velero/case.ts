/** A rule that Velero 1.18 keeps, and that its stand-in must keep too. */
import type { Case } from '../case.ts'
import { veleroOf, type Velero } from './velero.ts'

/** One rule; given a Velero's namespace it is a case of a contract. */
export type VeleroCase = { readonly name: string; readonly run: (velero: Velero) => Promise<void> }

/** A rule. */
export const rule = (name: string, run: VeleroCase['run']): VeleroCase => ({ name, run })

/** Gives rules their subject in front. */
export const about = (subject: string, cases: readonly VeleroCase[]): readonly VeleroCase[] =>
  cases.map((one) => ({ ...one, name: `${subject}: ${one.name}` }))

/** The rule as it is tried on the Velero of this namespace. */
export const inVelero =
  (namespace: string) =>
  ({ name, run }: VeleroCase): Case => ({ name, run: (api) => run(veleroOf(api, namespace)) })

/** What a case of the contract is. */
import type { Api } from './api.ts'

/** One rule that the real API server keeps, and that the sandbox must keep too. */
export type Case = {
  /** The rule, in the present tense; unique in the suite. */
  readonly name: string
  /** What the rule needs besides an API server: such a case runs only where it is said to be there. */
  readonly needs?: 'controller-manager'
  readonly run: (api: Api) => Promise<void>
}

/** A rule. */
export const rule = (name: string, run: Case['run']): Case => ({ name, run })

/** A rule that is tried in a namespace of its own. */
export const inNamespace = (name: string, run: (api: Api, ns: string) => Promise<void>): Case => ({
  name,
  run: async (api) => run(api, await api.namespace()),
})

/** A rule that only the whole cluster keeps, for it is a controller that acts. */
export const withControllers = (one: Case): Case => ({ ...one, needs: 'controller-manager' })

/** Gives rules their subject in front. */
export const about = (subject: string, cases: readonly Case[]): readonly Case[] =>
  cases.map((one) => ({ ...one, name: `${subject}: ${one.name}` }))

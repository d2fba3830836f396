/** What the webhooks on Actions need from the world. */
import type { Action } from '../api/action.ts'
import type { Parsed } from '../api/problems.ts'
import type { CheckTools } from '../core/action-check.ts'
import type { RequestUser } from '../core/admission-request.ts'
import type { Hash, Sign } from '../core/author.ts'

/** A Secret, as far as a check may see it: never its values. */
export type SecretFacts = { readonly labelled: boolean; readonly keys: readonly string[] }

/** The world of the webhooks on Actions. */
export type ActionPorts = {
  readonly parse: (raw: unknown) => Parsed<Action>
  readonly tools: CheckTools
  readonly stampTools: () => { readonly hash: Hash; readonly sign: Sign }
  /** The spec without what the schema fills in. */
  readonly minimalSpec: (spec: unknown) => unknown
  readonly isVelero: (user: RequestUser, namespace: string) => boolean
  readonly mayGetSecret: (user: RequestUser, namespace: string, name: string) => Promise<boolean>
  /** Whether this user holds the verb use on this ServiceAccount. */
  readonly mayUseAccount: (user: RequestUser, namespace: string, name: string) => Promise<boolean>
  /** Whether the install lets us act for this ServiceAccount. */
  readonly mayBecome: (namespace: string, name: string) => Promise<boolean>
  readonly secret: (namespace: string, name: string) => Promise<SecretFacts | undefined>
}

/** The answer to one admission request. One constructor per answer; admission/review.ts is the only file that encodes it. */
import type { Considered, DecisionCall } from '../api/admission-decision.ts'

/** One operation of a JSON Patch (RFC 6902), built by hand. */
export type PatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }

/** What we answer. `audit` becomes auditAnnotations (keys without a slash). */
export type Verdict = {
  readonly allowed: boolean
  /** What the client sees of a refusal; a short sentence otherwise. */
  readonly message: string
  /** HTTP status of a refusal: 403 a rule said no, 422 the object is wrong, 500 our own fault, 504 out of time. */
  readonly code: number
  /** CamelCase, from a closed list: see core/reasons.ts. */
  readonly reason: string
  readonly warnings: readonly string[]
  readonly patch: readonly PatchOperation[]
  readonly audit: Readonly<Record<string, string>>
  /** For the record of the decision: which Actions were looked at, and what the pre actions sent and got. */
  readonly considered?: readonly Considered[]
  /** How many Actions more there are, which nothing was found of. */
  readonly unconsidered?: number
  readonly calls?: readonly DecisionCall[]
}

/** Lets the request pass. */
export const allow = (reason: string, message = '', warnings: readonly string[] = []): Verdict => ({
  allowed: true,
  message,
  code: 200,
  reason,
  warnings,
  patch: [],
  audit: {},
})

/** Lets the request pass, changed. */
export const patched = (reason: string, patch: readonly PatchOperation[]): Verdict => ({
  ...allow(reason),
  patch,
})

/** Refuses the request. */
export const deny = (
  reason: string,
  message: string,
  { code = 403, warnings = [] }: { readonly code?: number; readonly warnings?: readonly string[] } = {},
): Verdict => ({ allowed: false, message, code, reason, warnings, patch: [], audit: {} })

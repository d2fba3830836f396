/** What rolling Velero out needs from the world. */
import type { Clock } from '../clock.ts'
import type { Work } from '../core/plugin/work.ts'
import type { Json } from '../core/velero.ts'

/** The Velero of a namespace. */
export type Velero = {
  readonly deployment: Json
  /** Undefined: this user may not see them. */
  readonly pods: readonly Json[] | undefined
  readonly plugins: readonly Json[]
}

/** What a look gave; a cluster that did not answer may do so next time. */
export type Look<T> = { readonly ok: T } | { readonly unanswered: string }

/** What became of a write. */
export type Written =
  | { readonly ok: Json }
  /** It was changed since it was read. */
  | { readonly conflict: true }
  /** By rights, by admission, or because it is not valid. */
  | { readonly refused: string }
  | { readonly unanswered: string }

/** The world of a rollout. Looks reject with a StartError where looking again cannot help. */
export type RolloutPorts = {
  readonly clock: Clock
  readonly velero: () => Promise<Look<Velero>>
  readonly work: () => Promise<Look<readonly Work[]>>
  readonly patch: (deployment: Json, patch: Json, how: { readonly dryRun: boolean }) => Promise<Written>
  /** Asks the person before Velero is restarted. */
  readonly confirmed: () => Promise<boolean>
  /** Tells of progress, a line each. */
  readonly tell: (line: string) => void
  /** Somebody stops the command. */
  readonly signal: AbortSignal
}

/** What the threads of the store say to each other. */
import type { AdmissionDecision } from '../../api/admission-decision.ts'
import type { Exported, ExportStep } from './export.ts'
import type { Purged } from './purge.ts'
import type {
  Extent,
  GapQuery,
  Gaps,
  HistoryErrorCode,
  Inserted,
  Limits,
  Page,
  PageQuery,
  Sight,
  Stats,
  StatsQuery,
} from './store.ts'

/** What a thread is started with. */
export type Task = {
  readonly role: 'writer' | 'reader'
  readonly path: string
  readonly maxBytes: number
  /** The number of the request that is to be given up. */
  readonly giveUp: Int32Array<SharedArrayBuffer>
}

/** What can be asked of a thread, and what it answers. */
export type Operations = {
  /** Opens the file, a new one as of a moment; tells why a former one was moved aside. */
  readonly open: { readonly asks: number; readonly gives: string | undefined }
  readonly close: { readonly asks: undefined; readonly gives: undefined }
  /** Moves the file aside and makes a new one; for the writer, while no reader has it open. */
  readonly rebuild: { readonly asks: { readonly why: string; readonly now: number }; readonly gives: string }
  readonly insert: {
    readonly asks: { readonly batch: readonly AdmissionDecision[]; readonly now: number }
    readonly gives: Inserted
  }
  readonly purge: { readonly asks: Limits; readonly gives: Purged }
  readonly get: {
    readonly asks: { readonly sight: Sight; readonly id: string }
    readonly gives: AdmissionDecision | undefined
  }
  readonly page: { readonly asks: PageQuery; readonly gives: Page }
  readonly stats: { readonly asks: StatsQuery; readonly gives: Stats }
  readonly export: { readonly asks: ExportStep; readonly gives: Exported }
  readonly extent: { readonly asks: undefined; readonly gives: Extent }
  readonly gaps: { readonly asks: { readonly query: GapQuery; readonly now: number }; readonly gives: Gaps }
}

/** The name of an operation. */
export type Operation = keyof Operations

/** A request to a thread. */
export type Request = { readonly id: number; readonly operation: Operation; readonly asks: unknown }

/** Its answer. An error without a code is a fault of ours. */
export type Answer = { readonly id: number } & (
  | { readonly gives: unknown }
  | { readonly failed: { readonly code?: HistoryErrorCode; readonly message: string } }
)

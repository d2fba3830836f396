/** What a store of decisions can do. SQLite is behind it today; whatever else comes must keep these promises. */
import type { AdmissionDecision } from '../../api/admission-decision.ts'
import type { Missing } from '../../core/decision/coverage.ts'

/** The namespaces that the one who asks may see. Every question carries it; what is not in sight does not exist. */
export type Sight = 'every' | readonly string[]

/** Which decisions are meant: all that is given must hold. Times are milliseconds; `from` belongs to it, `to` does not. */
export type Filter = {
  readonly verdict?: string
  readonly kind?: string
  readonly namespace?: string
  readonly schedule?: string
  readonly reason?: string
  readonly action?: string
  readonly user?: string
  readonly from?: number
  readonly to?: number
  /** Words that must all occur in the names, messages and uids, as parts of words too; upper and lower case are the same. */
  readonly text?: string
}

/** How many rows a page may have. */
export const pageSizes = [50, 100, 200] as const

/** A page that is asked for. */
export type PageQuery = {
  readonly sight: Sight
  readonly filter: Filter
  readonly size: (typeof pageSizes)[number]
  /** What an earlier page gave as `older` or `newer`; without it the newest page. */
  readonly cursor?: string
}

/** One record as a list shows it. Times are milliseconds. */
export type DecisionRow = {
  /** The uid of the record: what `get` takes. */
  readonly id: string
  readonly namespace: string
  readonly verdict: string
  readonly reason: string
  readonly kind: string
  /** The name of the newest object. */
  readonly name: string
  readonly schedule: string
  readonly action: string
  readonly user: string
  readonly operation: string
  readonly webhook: string
  readonly replica: string
  /** How often it was decided so. */
  readonly attempts: number
  readonly first: number
  readonly last: number
  /** How long the newest answer took. */
  readonly milliseconds: number
  readonly message: string
  readonly uid: string
  readonly run: string
}

/** How many records there are: `about` comes from the hourly sums, whose first and last hour count whole. */
export type Total = { readonly count: number; readonly is: 'exactly' | 'about' | 'at least' }

/** A page: the newest first. A cursor is given where there is more in that direction. */
export type Page = {
  readonly rows: readonly DecisionRow[]
  readonly older?: string
  readonly newer?: string
  readonly total: Total
}

/** Which sums are asked for, of what span. */
export type StatsQuery = {
  readonly sight: Sight
  readonly filter: Pick<Filter, 'verdict' | 'kind' | 'namespace' | 'reason'>
  readonly from: number
  readonly to: number
  /** How many hours a bucket has. */
  readonly bucketHours: number
}

/** The decisions of one bucket; `start` is milliseconds. Repeats count one by one. */
export type Bucket = {
  readonly start: number
  readonly verdicts: Readonly<Record<string, number>>
  /** Upper bounds in milliseconds of how long half and 95 % of the answers took, as far as their times are known; of all reasons. */
  readonly p50?: number
  readonly p95?: number
}

/** Sums over time, oldest first; buckets without decisions are left out. */
export type Stats = { readonly buckets: readonly Bucket[]; readonly p50?: number; readonly p95?: number }

/** What became of a batch. */
export type Inserted = {
  readonly added: number
  readonly changed: number
  /** Known already, or an older state than the one that is kept. */
  readonly same: number
  /** Older than what history goes back to, or without a time or uid. */
  readonly left: number
}

/** How long and how much is kept, as of `now` (milliseconds). */
export type Limits = { readonly now: number; readonly maxDays: number; readonly maxBytes: number }

/** The state of the store. */
export type Extent = {
  readonly records: number
  /** The newest moments of the oldest and the newest record, in milliseconds. */
  readonly oldest?: number
  readonly newest?: number
  /** The file, without its write-ahead log. */
  readonly bytes: number
}

/** Decisions of one replica that are in no record here. */
export type Gap = Missing & { readonly namespace: string; readonly replica: string }

/** Which gaps are asked for: those that touch the span. */
export type GapQuery = { readonly sight: Sight; readonly filter: Pick<Filter, 'namespace' | 'from' | 'to'> }

/** What is known to be missing. Times are milliseconds. */
export type Gaps = {
  /** The newest first. */
  readonly gaps: readonly Gap[]
  /** How many decisions are missing in all of them. */
  readonly decisions: number
  /** How many more left the cluster before this history began: those are no gap in it. */
  readonly earlier: number
  /** When the file was made. */
  readonly began: number
}

/** The ways to write an export. */
export const exportForms = ['csv', 'ndjson', 'json'] as const
/** One of them. */
export type ExportForm = (typeof exportForms)[number]

/** An export that is asked for. */
export type ExportQuery = {
  readonly sight: Sight
  readonly filter: Filter
  readonly form: ExportForm
  /** Where what is missing is told; in all of `sight` unless told. While a namespace is still being read, nobody knows. */
  readonly gapsIn?: Sight
}

/** Decisions kept beyond their life in the cluster. Every call may reject with a HistoryError. */
export type DecisionStore = {
  /** Takes states of records in, all or none; the same state twice changes nothing. */
  readonly insert: (batch: readonly AdmissionDecision[]) => Promise<Inserted>
  readonly get: (sight: Sight, id: string) => Promise<AdmissionDecision | undefined>
  readonly page: (query: PageQuery) => Promise<Page>
  readonly stats: (query: StatsQuery) => Promise<Stats>
  /** Removes what is over the limits, a little at a time; resolves with how many records went. */
  readonly purge: (limits: Limits) => Promise<number>
  /**
   * All matching records that were there at its beginning, each once, in the order in which they first came. Nothing is
   * read before it is asked for, and nothing goes on when nobody asks. A failure on the way is written as the last line.
   */
  readonly export: (query: ExportQuery, signal: AbortSignal) => AsyncIterable<Uint8Array>
  readonly extent: () => Promise<Extent>
  /** What is missing, as far as the numbers of the chains tell. What is younger than two minutes may still come, and is left out. */
  readonly gaps: (query: GapQuery) => Promise<Gaps>
  readonly close: () => Promise<void>
}

/** Why a store did not answer. */
export type HistoryErrorCode =
  'BAD_QUERY' | 'SLOW' | 'BUSY' | 'FULL' | 'DAMAGED' | 'UNAVAILABLE' | 'CANCELLED' | 'CLOSED'

/** A question or a batch that failed: what was wanted, what was got, what to do next. */
export class HistoryError extends Error {
  readonly code: HistoryErrorCode

  constructor(code: HistoryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The only source of time, of timers and of randomness for jitter. Times are milliseconds since the Unix epoch. */
export type Clock = {
  readonly now: () => number
  /** A signal that aborts once `ms` have passed; it keeps the process alive until then unless `release` is called. */
  readonly abortAfter: (ms: number) => Deadline
  /** Resolves after `ms`; rejects with the signal's reason if it aborts first. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  /** A number in [0, 1), for jitter only. */
  readonly random: () => number
}

/** A deadline as a signal; `release` frees its timer when the work ended in time. */
export type Deadline = { readonly signal: AbortSignal; readonly release: () => void }

/** The only source of time, of timers and of randomness for jitter. */
export type Clock = {
  /** Milliseconds since the Unix epoch: for times that are written down, or compared with those of others. It may be set, forth and back. */
  readonly now: () => number
  /** Milliseconds since some beginning of this process, which nobody sets: for how long something takes. Timers go by it. */
  readonly steady: () => number
  /** A signal that aborts once `ms` have passed; it keeps the process alive until then unless `release` is called. */
  readonly abortAfter: (ms: number) => Deadline
  /** Calls `run` once after `ms`, unless what it gives is called before. */
  readonly after: (ms: number, run: () => void) => () => void
  /** Resolves after `ms`; rejects with the signal's reason if it aborts first. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  /** A number in [0, 1), for jitter only. */
  readonly random: () => number
}

/** A deadline as a signal; `release` frees its timer when the work ended in time. */
export type Deadline = { readonly signal: AbortSignal; readonly release: () => void }

/** A moment of this process, by both times. */
export type Moment = { readonly now: number; readonly steady: number }

/** The moment that it is. */
export const momentOf = ({ now, steady }: Clock): Moment => ({ now: now(), steady: steady() })

/**
 * How long ago a moment was, milliseconds: by whichever time says more. A clock that is set back hides nothing so, nor does a machine
 * that was suspended, whose steady time stood still.
 */
export const agoMs = (clock: Clock, moment: Moment): number =>
  Math.max(clock.now() - moment.now, clock.steady() - moment.steady)

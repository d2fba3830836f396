/**
 * How much a harness may ask of the service, and how long it waits: time in which nobody could have gone on counts for nothing. Pure. All
 * times are of the faster clock, milliseconds.
 */

/** Longer than any object takes, a leader that dies once on the way: then no other may be killed until it has ended. */
const patientMs = 120_000
// A Lease has 15 s, what the dead one ran up to 22 s.
const calmMs = 45_000
const killingMs = 20_000

/** What is seen when it is asked whether a process may be killed. */
export type Seen = {
  readonly now: number
  /** Whether all replicas are there and one of them leads. */
  readonly isWhole: boolean
  /** When the oldest object that has not come to its end began; undefined: there is none. */
  readonly oldestSince: number | undefined
}

/** Says when processes may be killed: many at the same time, then none until the service is whole again and has got on. */
export class Kills {
  #since = Number.NEGATIVE_INFINITY
  #leaderAt = Number.NEGATIVE_INFINITY

  /** A leader was killed. */
  killedLeader(now: number): void {
    this.#leaderAt = now
  }

  may({ now, isWhole, oldestSince }: Seen): boolean {
    if (oldestSince !== undefined && now - oldestSince > patientMs) return false
    if (now - this.#since < killingMs) return true
    if (!isWhole || now - this.#leaderAt < calmMs || now - this.#since < calmMs) return false
    this.#since = now
    return true
  }
}

/** Far longer than anything takes: an object that was never seen is looked for after 60 s, a leader that died is waited for 15 s. */
const boundMs = 300_000
/** So long at most, of the wall: on a machine that is never free nothing can be said. */
const longestWallMs = 600_000

/** One look while an object is waited for. */
export type Look = {
  readonly now: number
  /** Of the wall, since the object began. */
  readonly wallMs: number
  /** When something last made it wait anew: a leader was killed, or an exclusive key that it wants went to another. */
  readonly hinderedAt: number
  /** Whether the machine let everybody work since the last look. */
  readonly isBearable: boolean
}

/** The wait for the end of one object. */
export class Patience {
  #calm = 0
  #last: number
  #hinderedAt = Number.NEGATIVE_INFINITY

  constructor(now: number) {
    this.#last = now
  }

  /** `over`: it has had all the time that it may take. `busy`: nobody can say, the machine had no time for it. */
  look({ now, wallMs, hinderedAt, isBearable }: Look): 'waits' | 'over' | 'busy' {
    // While one leader after another is killed nothing can come to its end.
    if (hinderedAt > this.#hinderedAt) this.#calm = 0
    else if (isBearable) this.#calm += now - this.#last
    this.#hinderedAt = Math.max(this.#hinderedAt, hinderedAt)
    this.#last = now
    if (this.#calm > boundMs) return 'over'
    return wallMs > longestWallMs ? 'busy' : 'waits'
  }
}

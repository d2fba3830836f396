/** Bytes that many share: what one has taken, the others cannot have until it is given back. */
export class ByteBudget {
  readonly most: number
  #taken = 0

  constructor(most: number) {
    this.most = most
  }

  /** Takes so many; false, and nothing is taken, if fewer are left. */
  take(bytes: number): boolean {
    if (this.#taken + bytes > this.most) return false
    this.#taken += bytes
    return true
  }

  /** Gives back what was taken. */
  give(bytes: number): void {
    this.#taken -= bytes
  }
}

/** What all actions of this process together keep of objects while they are at work, bytes of JSON: those of a webhook must not fill its memory. */
export const keptByActions = new ByteBudget(64 * 1024 * 1024)

/** Why something is not kept. */
export const noRoomFor = (budget: ByteBudget): string =>
  `all actions of this replica together would keep more than ${budget.most} bytes of JSON of objects; let fewer be at work at once, or select fewer`

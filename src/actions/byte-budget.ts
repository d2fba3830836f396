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

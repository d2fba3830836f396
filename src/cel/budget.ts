/** How far an evaluation may go. Steps are counted, not time: the same expression over the same values always ends alike. */

/** What stops an evaluation for good: unlike a CelError, no operator of CEL may swallow it. */
export class BudgetSpent extends Error {
  override readonly name = 'BudgetSpent'
}

/** An error of the expression, as CEL knows them: `||`, `&&` and the quantifiers may still come to a result. */
export class CelError extends Error {
  override readonly name = 'CelError'
  readonly #advice: () => string

  /** The advice is looked for when it is told: an expression may run into very many errors, and swallow all of them. */
  constructor(message: string, advice: () => string = () => '') {
    super(message)
    this.#advice = advice
  }

  /** The message, and what to do. */
  told(): string {
    return `${this.message}${this.#advice()}`
  }
}

/** Characters that are handled in the time of one step (about 50 ns). */
const charactersPerStep = 16
const stepsPerError = 100

/** Counts down. Whoever is about to do work pays first, so nothing large is begun that cannot be paid for. */
export class Budget {
  #left: number
  readonly #limit: number

  constructor(limit: number) {
    this.#left = limit
    this.#limit = limit
  }

  /** Pays for work, or stops the evaluation. */
  spend(steps: number): void {
    this.#left -= steps
    if (this.#left >= 0) return
    throw new BudgetSpent(
      `more than ${this.#limit} steps: compare fewer things, or match with fields instead of CEL`,
    )
  }

  /** Pays for an error that an operator swallows: making one takes as long as a hundred steps. */
  spendError(): void {
    this.spend(stepsPerError)
  }

  /** Pays for looking at, or making, so many characters. */
  spendText(characters: number): void {
    this.spend(1 + Math.floor(characters / charactersPerStep))
  }
}

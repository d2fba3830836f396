/** The hourly sums of one transaction: gathered, then written once. */
import { hourOf, type Share } from './sums.ts'
import { summedFacets } from './schema.ts'
import type { Statements } from './statements.ts'
import type { Coded } from './words.ts'

type Hourly = { readonly key: readonly number[]; records: number; decisions: number }
type Took = { readonly key: readonly number[]; decisions: number }

const keyColumns = summedFacets.join(', ')

/** Gathers what changes in the sums. */
export class Hours {
  readonly #statements: Statements
  readonly #hourly = new Map<string, Hourly>()
  readonly #took = new Map<string, Took>()

  constructor(statements: Statements) {
    this.#statements = statements
  }

  /** Notes that a record with its newest moment at `ms` came (1) or went (-1). */
  record(coded: Coded, ms: number, delta: 1 | -1): void {
    this.#hourlyOf(coded, hourOf(ms)).records += delta
  }

  /** Notes decisions. */
  decisions(coded: Coded, shares: readonly Share[]): void {
    for (const { hour, decisions, most } of shares) {
      this.#hourlyOf(coded, hour).decisions += decisions
      if (most === undefined) continue
      const key = [...keyOf(coded, hour), most]
      const known = this.#took.get(key.join()) ?? { key, decisions: 0 }
      known.decisions += decisions
      this.#took.set(key.join(), known)
    }
  }

  /** Writes them down. */
  flush(): void {
    const hourly = `INSERT INTO hourly (hour, ${keyColumns}, records, decisions) VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET records = records + excluded.records, decisions = decisions + excluded.decisions`
    for (const { key, records, decisions } of this.#hourly.values())
      this.#statements.run(hourly, ...key, records, decisions)
    const took = `INSERT INTO took (hour, ${keyColumns}, most, decisions) VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET decisions = decisions + excluded.decisions`
    for (const { key, decisions } of this.#took.values()) this.#statements.run(took, ...key, decisions)
  }

  #hourlyOf(coded: Coded, hour: number): Hourly {
    const key = keyOf(coded, hour)
    const known = this.#hourly.get(key.join()) ?? { key, records: 0, decisions: 0 }
    this.#hourly.set(key.join(), known)
    return known
  }
}

const keyOf = (coded: Coded, hour: number): readonly number[] => [
  hour,
  ...summedFacets.map((facet) => coded[facet]),
]

/** The sums of one transaction, by hour and by day: gathered, then written once. */
import type { Statements } from './statements.ts'
import { hourOf, spans, spanStart, type Share } from './sums.ts'
import type { Coded } from './words.ts'

/** Numbers to add to the row of a key. */
type Added = { readonly key: readonly number[]; readonly numbers: number[] }

const addSums = `INSERT INTO sums (span, hour, verdict, namespace, kind, reason, records, decisions) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET records = records + excluded.records, decisions = decisions + excluded.decisions`
const addTook = `INSERT INTO took (span, hour, most, verdict, namespace, kind, decisions) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET decisions = decisions + excluded.decisions`

/** Gathers what changes in the sums. */
export class Hours {
  readonly #statements: Statements
  readonly #sums = new Map<string, Added>()
  readonly #took = new Map<string, Added>()

  constructor(statements: Statements) {
    this.#statements = statements
  }

  /** Notes that a record with its newest moment at `ms` came (1) or went (-1). */
  record({ verdict, namespace, kind, reason }: Coded, ms: number, delta: 1 | -1): void {
    for (const span of spans) {
      const key = [span, spanStart(hourOf(ms), span), verdict, namespace, kind, reason]
      add(this.#sums, key, [delta, 0])
    }
  }

  /** Notes decisions. */
  decisions({ verdict, namespace, kind, reason }: Coded, shares: readonly Share[]): void {
    for (const { hour, decisions, most } of shares)
      for (const span of spans) {
        const start = spanStart(hour, span)
        add(this.#sums, [span, start, verdict, namespace, kind, reason], [0, decisions])
        if (most !== undefined) add(this.#took, [span, start, most, verdict, namespace, kind], [decisions])
      }
  }

  /** Writes them down. */
  flush(): void {
    for (const { key, numbers } of this.#sums.values()) this.#statements.run(addSums, ...key, ...numbers)
    for (const { key, numbers } of this.#took.values()) this.#statements.run(addTook, ...key, ...numbers)
  }
}

function add(rows: Map<string, Added>, key: readonly number[], more: readonly number[]): void {
  const text = key.join()
  const known = rows.get(text)
  rows.set(text, { key, numbers: more.map((number, i) => number + (known?.numbers[i] ?? 0)) })
}

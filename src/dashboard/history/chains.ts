/** What was seen of each replica's chain, kept beside the records: by it the history says what it knows to be missing. */
import type { AdmissionDecision } from '../../api/admission-decision.ts'
import { covered, missingIn, type Coverage } from '../../core/decision/coverage.ts'
import { endsOf, textIn, type Statements } from './statements.ts'
import type { Gap, GapQuery, Gaps } from './store.ts'

type Chain = { readonly namespace: string; readonly replica: string; coverage: Coverage | undefined }

/** The chains of one transaction: each is read once and written once. */
export class Chains {
  readonly #statements: Statements
  readonly #now: number
  readonly #chains = new Map<string, Chain>()

  constructor(statements: Statements, now: number) {
    this.#statements = statements
    this.#now = now
  }

  /** Notes a state of a record, also one that is known or too old: its numbers are not missing. */
  note(record: AdmissionDecision): void {
    const chain = this.#chainOf(record.metadata.namespace, record.spec.replica)
    chain.coverage = covered(chain.coverage, record, this.#now)
  }

  /** Writes them down. */
  flush(): void {
    const sql = `INSERT INTO chain (namespace, replica, newest, coverage) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET newest = excluded.newest, coverage = excluded.coverage`
    for (const { namespace, replica, coverage } of this.#chains.values())
      if (coverage !== undefined)
        this.#statements.run(sql, namespace, replica, newestOf(coverage), JSON.stringify(coverage))
  }

  #chainOf(namespace: string, replica: string): Chain {
    const key = JSON.stringify([namespace, replica])
    const known = this.#chains.get(key)
    if (known !== undefined) return known
    const sql = 'SELECT coverage FROM chain WHERE namespace = ? AND replica = ?'
    const text = textIn(this.#statements.get(sql, namespace, replica), 'coverage')
    const chain = { namespace, replica, coverage: text === '' ? undefined : coverageIn(text) }
    this.#chains.set(key, chain)
    return chain
  }
}

const coverageIn = (text: string): Coverage => JSON.parse(text) as Coverage

const newestOf = ({ seen, mostAt }: Coverage): number => Math.max(mostAt, seen.at(-1)?.lastAt ?? 0)

/** Forgets chains of which nothing is left: their newest decision is older than the horizon. */
export function forgetChains(statements: Statements, horizon: number): void {
  statements.run('DELETE FROM chain WHERE newest < ?', horizon)
}

/** Notes when the history began, once. */
export function begin(statements: Statements, now: number): void {
  statements.run('INSERT OR IGNORE INTO begun (only, at) VALUES (1, ?)', now)
}

/** Gaps of the chains in sight. */
export function readGaps(statements: Statements, { sight, filter }: GapQuery, now: number): Gaps {
  return statements.atOneMoment(() => {
    const began = Number(statements.get('SELECT at FROM begun')?.['at'] ?? 0)
    const horizon = Number(statements.get('SELECT position FROM horizon')?.['position'] ?? 0)
    const oldest = horizon === 0 ? 0 : (endsOf(statements)?.oldest ?? horizon)
    const { from = 0, to = Number.MAX_SAFE_INTEGER } = filter
    const chains = chainsIn(statements, { sight, filter }).map(({ coverage, ...of }) => {
      const { missing, earlier } = missingIn(coverage, { now, began })
      return { missing: missing.map((one): Gap => ({ ...one, ...of })), earlier }
    })
    const gaps = chains
      .flatMap(({ missing }) => missing)
      // What was made before the oldest that is kept would have left by now.
      .filter(({ before, after }) => before >= Math.max(from, oldest) && after < to)
      .sort((a, b) => b.before - a.before)
    return {
      gaps,
      decisions: gaps.reduce((sum, { decisions }) => sum + decisions, 0),
      earlier: chains.reduce((sum, { earlier }) => sum + earlier, 0),
      began,
    }
  })
}

type Kept = { readonly namespace: string; readonly replica: string; readonly coverage: Coverage }

function chainsIn(statements: Statements, { sight, filter: { namespace } }: GapQuery): readonly Kept[] {
  const inSight = (name: string) =>
    (sight === 'every' || sight.includes(name)) && (namespace === undefined || name === namespace)
  return statements.all('SELECT namespace, replica, coverage FROM chain').flatMap((row) => {
    const name = textIn(row, 'namespace')
    if (!inSight(name)) return []
    return [
      { namespace: name, replica: textIn(row, 'replica'), coverage: coverageIn(textIn(row, 'coverage')) },
    ]
  })
}

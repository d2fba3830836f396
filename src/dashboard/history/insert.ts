/** Takes states of records into the file: one row for each record, whatever its count. */
import type { AdmissionDecision } from '../../api/admission-decision.ts'
import { Chains } from './chains.ts'
import { Hours } from './hours.ts'
import { packed, unpacked } from './packed.ts'
import { placeFor } from './positions.ts'
import { facets, type Facet } from './schema.ts'
import { searchedText } from './search.ts'
import { textIn, type Statements } from './statements.ts'
import type { Inserted } from './store.ts'
import { sharesOf } from './sums.ts'
import { Words, type Coded } from './words.ts'

/** Inserts or updates a batch: all of it or none. */
export function insertBatch(
  statements: Statements,
  batch: readonly AdmissionDecision[],
  now: number,
): Inserted {
  return statements.atomically(() => {
    const transaction = new Insertion(statements, now)
    const done = { added: 0, changed: 0, same: 0, left: 0 }
    for (const record of batch) done[transaction.take(record)] += 1
    transaction.flush()
    return done
  })
}

type Known = { readonly id: number; readonly version: string; readonly record: AdmissionDecision }
type Metadata = AdmissionDecision['metadata']

class Insertion {
  readonly #statements: Statements
  readonly #words: Words
  readonly #hours: Hours
  readonly #chains: Chains
  readonly #horizon: number

  constructor(statements: Statements, now: number) {
    this.#statements = statements
    this.#chains = new Chains(statements, now)
    this.#words = new Words(statements)
    this.#hours = new Hours(statements)
    this.#horizon = Number(statements.get('SELECT position FROM horizon')?.['position'] ?? 0)
  }

  take(record: AdmissionDecision): keyof Inserted {
    const { metadata, status } = record
    const last = Date.parse(status.last.time)
    if (metadata.uid === '' || !(last >= 0) || !(Date.parse(status.first.time) >= 0)) return 'left'
    this.#chains.note(record)
    const known = this.#known(metadata)
    if (known === undefined && last < this.#horizon) return 'left'
    // A count only grows: a smaller one is an older state, which another process or a slow list brings.
    if (known !== undefined && isNotNewer(known, record)) return 'same'
    const body = packed(record)
    if (body === undefined) return 'left'
    return known === undefined ? this.#add(record, body, last) : this.#change(known, record, body)
  }

  flush(): void {
    this.#words.flush()
    this.#hours.flush()
    this.#chains.flush()
  }

  #known(metadata: Metadata): Known | undefined {
    const sql = 'SELECT id, version, body FROM record WHERE name = ?'
    const row = this.#statements.get(sql, nameOf(metadata))
    if (row === undefined) return undefined
    const record = unpacked(row['body'] as Uint8Array)
    return { id: Number(row['id']), version: textIn(row, 'version'), record }
  }

  #add(record: AdmissionDecision, body: Uint8Array, last: number): 'added' {
    const { uid, resourceVersion } = record.metadata
    const sql = 'INSERT INTO record (name, uid, version, body) VALUES (?, ?, ?, ?)'
    const id = this.#statements.add(sql, nameOf(record.metadata), uid, resourceVersion, body)
    const coded = this.#words.coded(textsOf(record))
    this.#words.count(coded, 1)
    this.#hours.record(coded, last, 1)
    this.#hours.decisions(coded, sharesOf(undefined, record.status))
    this.#place(coded, id, record)
    return 'added'
  }

  #change(known: Known, record: AdmissionDecision, body: Uint8Array): 'changed' {
    const { id } = known
    const { uid, resourceVersion } = record.metadata
    const former = known.record.metadata.uid
    if (former !== uid)
      this.#statements.run('INSERT OR IGNORE INTO former (uid, id) VALUES (?, ?)', former, id)
    const sql = 'UPDATE record SET uid = ?, version = ?, body = ? WHERE id = ?'
    this.#statements.run(sql, uid, resourceVersion, body, id)
    const row = this.#statements.get('SELECT * FROM decision WHERE id = ?', id) ?? {}
    const coded = codedOf(row)
    const [before, after] = [known.record.status, record.status]
    this.#hours.record(coded, Date.parse(before.last.time), -1)
    this.#hours.record(coded, Date.parse(after.last.time), 1)
    this.#hours.decisions(coded, sharesOf(before, after))
    const position = Number(row['position'])
    this.#statements.run('DELETE FROM decision WHERE position = ?', position)
    this.#statements.run('DELETE FROM search WHERE rowid = ?', position)
    this.#place(coded, id, record)
    return 'changed'
  }

  #place(coded: Coded, id: number, record: AdmissionDecision): void {
    const position = placeFor(this.#statements, Date.parse(record.status.last.time))
    const values = facets.map((facet) => coded[facet])
    const columns = `position, id, ${facets.join(', ')}`
    this.#statements.run(
      `INSERT INTO decision (${columns}) VALUES (?, ?, ${facets.map(() => '?').join(', ')})`,
      position,
      id,
      ...values,
    )
    const text = searchedText(record)
    this.#statements.run('INSERT INTO search (rowid, body) VALUES (?, ?)', position, text)
  }
}

const nameOf = ({ namespace, name }: Metadata): string => `${namespace}/${name}`

/** The ids in a row of `decision`. */
export const codedOf = (row: Readonly<Record<string, unknown>>): Coded =>
  Object.fromEntries(facets.map((facet) => [facet, Number(row[facet])])) as Coded

const isNotNewer = ({ version, record }: Known, { metadata, status }: AdmissionDecision): boolean =>
  version === metadata.resourceVersion || status.count < record.status.count

const textsOf = ({ metadata, spec }: AdmissionDecision): Readonly<Record<Facet, string>> => ({
  namespace: metadata.namespace,
  kind: spec.kind,
  verdict: spec.verdict,
  reason: spec.reason,
  schedule: spec.schedule ?? '',
  action: spec.action ?? '',
  user: spec.user,
})

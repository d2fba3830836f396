/** One step of an export: the records of a range of ids, so that a step takes about as long whatever matches. */
import { conditionsOf, searchedWith } from './conditions.ts'
import { forms } from './lines.ts'
import { answering, type GoesOn } from './records.ts'
import { questionOf, Tally, type Question } from './search.ts'
import type { Statements } from './statements.ts'
import type { ExportQuery } from './store.ts'

// A step ends after as many ids or as many records; a record takes 30 us to unpack and write.
const idsAtOnce = 20_000
const recordsAtOnce = 500
// A question of many trigrams is asked by those that are rarest in so many records.
const sampled = 100
// So many that the search index finds are asked for again at each step: that takes as long as the step itself.
const mostFound = 10_000

/** Where a step begins; `until` is the newest record that there was at the beginning of the export. */
export type ExportStep = ExportQuery & {
  readonly after: number
  /** How many records were written by the steps before. */
  readonly written: number
  readonly until?: number
  /** Whether the search index has found too many to be asked again. */
  readonly frequent?: boolean
}

/** The text of a step; `after` is where the next one begins, undefined at the end. */
export type Exported = {
  readonly text: string
  readonly records: number
  readonly until: number
  readonly after?: number
  readonly frequent: boolean
}

/** Does one step. Records have their ids in the order in which they first came: one that changes meanwhile keeps its own. */
export function exportSome(statements: Statements, step: ExportStep, goesOn: GoesOn): Exported {
  const { text } = step.filter
  const question = text === undefined ? undefined : questionOf(text)
  return statements.atOneMoment(() => {
    const until = step.until ?? newestId(statements)
    const few = question && step.frequent !== true ? found(statements, step, { question, until }) : undefined
    const last = few === undefined ? Math.min(until, step.after + idsAtOnce) : until
    const lines: string[] = []
    const end = (after: number) => ({
      text: lines.join(''),
      records: lines.length,
      until,
      frequent: few === undefined,
      ...(after < until ? { after } : {}),
    })
    let looked = 0
    for (const id of few ?? idsOf(statements, step, last)) {
      goesOn()
      const record = answering(statements, id, { question })
      if (record !== undefined) lines.push(forms[step.form].line(record, step.written + lines.length === 0))
      if (++looked === recordsAtOnce) return end(id)
    }
    return end(last)
  })
}

const newestId = (statements: Statements): number =>
  Number(statements.get('SELECT max(id) AS id FROM decision')?.['id'] ?? 0)

function* idsOf(statements: Statements, { filter, sight, after }: ExportStep, last: number) {
  const conditions = conditionsOf(statements, filter, sight)
  if (conditions === undefined) return
  const sql = `SELECT decision.id FROM decision INDEXED BY decision_id
    WHERE ${conditions.where} AND decision.id > ? AND decision.id <= ? ORDER BY decision.id`
  for (const row of statements.of(sql).iterate(...conditions.values, after, last)) yield Number(row['id'])
}

type Wanted = { readonly question: Question; readonly until: number }

/** The ids that the search index finds beyond a step, in their order; undefined if they are too many. */
function found(
  statements: Statements,
  { filter, sight, after }: ExportStep,
  { question, until }: Wanted,
): readonly number[] | undefined {
  const conditions = conditionsOf(statements, filter, sight)
  if (conditions === undefined) return []
  const { sql, values } = searchedWith(conditions, matchOf(statements, question, after))
  const rows = statements.all(`SELECT decision.id ${sql} LIMIT ?`, ...values, mostFound + 1)
  if (rows.length > mostFound) return undefined
  const ids = rows.map((row) => Number(row['id'])).filter((id) => id > after && id <= until)
  return ids.sort((one, other) => one - other)
}

function matchOf(statements: Statements, question: Question, after: number): string {
  const tally = new Tally(question)
  const sample = 'SELECT id FROM decision WHERE id > ? ORDER BY id LIMIT ?'
  for (const row of statements.all(sample, after, sampled))
    answering(statements, Number(row['id']), { question, tally })
  return tally.match()
}

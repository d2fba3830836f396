/** One step of an export: the records of a range of ids, so that a step takes about as long whatever matches. */
import { conditionsOf } from './conditions.ts'
import { forms } from './lines.ts'
import { answering, type GoesOn } from './records.ts'
import { questionOf } from './search.ts'
import type { Statements } from './statements.ts'
import type { ExportQuery } from './store.ts'

// A step ends after as many ids or as many records; a record takes 30 us to unpack and write.
const idsAtOnce = 20_000
const recordsAtOnce = 500

/** Where a step begins; `until` is the newest record that there was at the beginning of the export. */
export type ExportStep = ExportQuery & {
  readonly after: number
  /** How many records were written by the steps before. */
  readonly written: number
  readonly until?: number
}

/** The text of a step; `after` is where the next one begins, undefined at the end. */
export type Exported = {
  readonly text: string
  readonly records: number
  readonly until: number
  readonly after?: number
}

/** Does one step. Records have their ids in the order in which they first came: one that changes meanwhile keeps its own. */
export function exportSome(statements: Statements, step: ExportStep, goesOn: GoesOn): Exported {
  const question = step.filter.text === undefined ? undefined : questionOf(step.filter.text)
  return statements.atOneMoment(() => {
    const until = step.until ?? Number(statements.get('SELECT max(id) AS id FROM decision')?.['id'] ?? 0)
    const last = Math.min(until, step.after + idsAtOnce)
    const lines: string[] = []
    for (const id of idsOf(statements, step, last)) {
      goesOn()
      const record = answering(statements, id, { question })
      if (record !== undefined) lines.push(forms[step.form].line(record, step.written + lines.length === 0))
      if (lines.length === recordsAtOnce)
        return { text: lines.join(''), records: lines.length, until, after: id }
    }
    const more = last < until ? { after: last } : {}
    return { text: lines.join(''), records: lines.length, until, ...more }
  })
}

function* idsOf(statements: Statements, { filter, sight, after }: ExportStep, last: number) {
  const conditions = conditionsOf(statements, filter, sight)
  if (conditions === undefined) return
  const sql = `SELECT decision.id FROM decision INDEXED BY decision_id
    WHERE ${conditions.where} AND decision.id > ? AND decision.id <= ? ORDER BY decision.id`
  for (const row of statements.of(sql).iterate(...conditions.values, after, last)) yield Number(row['id'])
}

/** Records out of the file, one at a time. */
import type { AdmissionDecision } from '../../api/admission-decision.ts'
import { unpacked } from './packed.ts'
import { answers, searchedText, type Question, type Tally } from './search.ts'
import type { SqlRow, Statements } from './statements.ts'
import type { Sight } from './store.ts'

/** Throws when a question has taken too long or nobody waits for its answer any more. */
export type GoesOn = () => void

/** The record of an id in the file. */
export const recordOf = (statements: Statements, id: number): AdmissionDecision | undefined =>
  recordIn(statements.get('SELECT body FROM record WHERE id = ?', id))

/** What is asked of the text of a record. */
export type Asked = { readonly question: Question | undefined; readonly tally?: Tally | undefined }

/** The record of an id, if it answers the question; the search index finds a few too many. */
export function answering(
  statements: Statements,
  id: number,
  { question, tally }: Asked,
): AdmissionDecision | undefined {
  const record = recordOf(statements, id)
  if (record === undefined || question === undefined) return record
  const text = searchedText(record)
  tally?.note(text)
  return answers(question, text) ? record : undefined
}

const byUid = 'SELECT body FROM record WHERE uid = ?'
const byFormerUid = 'SELECT record.body FROM former JOIN record ON record.id = former.id WHERE former.uid = ?'

/** The record that has or had a uid, if it is in sight. */
export function recordInSight(
  statements: Statements,
  sight: Sight,
  uid: string,
): AdmissionDecision | undefined {
  const record = recordIn(statements.get(byUid, uid) ?? statements.get(byFormerUid, uid))
  if (record === undefined || sight === 'every') return record
  return sight.includes(record.metadata.namespace) ? record : undefined
}

function recordIn(row: SqlRow | undefined): AdmissionDecision | undefined {
  const body = row?.['body']
  return body instanceof Uint8Array ? unpacked(body) : undefined
}

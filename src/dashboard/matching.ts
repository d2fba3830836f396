/** Whether a decision that just came is one that a filter asks for, as the history would say. */
import type { AdmissionDecision } from '../api/admission-decision.ts'
import { rowOf } from './history/rows.ts'
import { answers, questionOf, searchedText } from './history/search.ts'
import { HistoryError, type Filter } from './history/store.ts'

const facets = ['verdict', 'kind', 'namespace', 'schedule', 'reason', 'action', 'user'] as const

/** A test for records. A text that cannot be searched for matches nothing. */
export function matcherOf(filter: Filter): (record: AdmissionDecision) => boolean {
  const { from = -Infinity, to = Infinity, text } = filter
  const hasText = textTest(text)
  return (record) => {
    const row = rowOf(record)
    return (
      facets.every((facet) => filter[facet] === undefined || filter[facet] === row[facet]) &&
      row.last >= from &&
      row.last < to &&
      hasText(record)
    )
  }
}

function textTest(text: string | undefined): (record: AdmissionDecision) => boolean {
  if (text === undefined) return () => true
  try {
    const question = questionOf(text)
    return (record) => answers(question, searchedText(record))
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error
    return () => false
  }
}

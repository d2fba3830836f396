/** The lines of an export: CSV for spreadsheets, JSON lines and JSON with the records as they were written. */
import type { AdmissionDecision } from '../../api/admission-decision.ts'
import { csvCell, csvHead, csvLine } from '../../core/decision/csv.ts'
import { gapSentence } from './gap-words.ts'
import type { ExportForm, Gap } from './store.ts'

/** How a form begins, writes a record, tells what is missing, ends, and tells that it broke off. */
export type Form = {
  readonly begin: string
  readonly line: (record: AdmissionDecision, first: boolean) => string
  readonly gap: (gap: Gap, first: boolean) => string
  readonly end: string
  readonly broken: (message: string, first: boolean) => string
}

/** The forms. */
export const forms: Readonly<Record<ExportForm, Form>> = {
  csv: {
    begin: csvHead,
    line: csvLine,
    gap: (gap) => `${csvCell(`NOT RECORDED: ${gapSentence(gap)}`)}\r\n`,
    end: '',
    broken: (message) => `${csvCell(`EXPORT INCOMPLETE: ${message}`)}\r\n`,
  },
  ndjson: {
    begin: '',
    line: (record) => `${JSON.stringify(record)}\n`,
    gap: (gap) => `${JSON.stringify({ notRecorded: gapOf(gap) })}\n`,
    end: '',
    broken: (message) => `${JSON.stringify({ error: `EXPORT INCOMPLETE: ${message}` })}\n`,
  },
  json: {
    begin: '[',
    line: (record, first) => `${first ? '\n' : ',\n'}${JSON.stringify(record)}`,
    gap: (gap, first) => `${first ? '\n' : ',\n'}${JSON.stringify({ notRecorded: gapOf(gap) })}`,
    end: '\n]\n',
    broken: (message, first) =>
      `${first ? '\n' : ',\n'}${JSON.stringify({ error: `EXPORT INCOMPLETE: ${message}` })}\n]\n`,
  },
}

/** A gap for programs. */
const gapOf = ({ after, before, ...gap }: Gap) => ({
  ...gap,
  after: new Date(after).toISOString(),
  before: new Date(before).toISOString(),
})

/** The lines of an export: CSV for spreadsheets, JSON lines and JSON with the records as they were written. */
import type { AdmissionDecision } from '../../api/admission-decision.ts'
import { gapSentence } from './gap-words.ts'
import { rowOf } from './rows.ts'
import type { ExportForm, Gap } from './store.ts'

/** How a form begins, writes a record, tells what is missing, ends, and tells that it broke off. */
export type Form = {
  readonly begin: string
  readonly line: (record: AdmissionDecision, first: boolean) => string
  readonly gap: (gap: Gap, first: boolean) => string
  readonly end: string
  readonly broken: (message: string, first: boolean) => string
}

const columns = [
  'last',
  'first',
  'verdict',
  'reason',
  'kind',
  'namespace',
  'name',
  'schedule',
  'attempts',
  'action',
  'message',
  'user',
  'milliseconds',
  'operation',
  'webhook',
  'replica',
  'uid',
  'run',
  'id',
] as const

/** The forms. */
export const forms: Readonly<Record<ExportForm, Form>> = {
  csv: {
    begin: `${columns.join(',')}\r\n`,
    line: csvLine,
    gap: (gap) => `${cell(`NOT RECORDED: ${gapSentence(gap)}`)}\r\n`,
    end: '',
    broken: (message) => `${cell(`EXPORT INCOMPLETE: ${message}`)}\r\n`,
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

function csvLine(record: AdmissionDecision): string {
  const row = rowOf(record)
  const cells = columns.map((name) => {
    const value = row[name]
    if (typeof value === 'string') return cell(value)
    return name === 'first' || name === 'last' ? new Date(value).toISOString() : String(value)
  })
  return `${cells.join(',')}\r\n`
}

/**
 * A text as a cell (RFC 4180). A spreadsheet takes what begins with one of these for a formula
 * (https://owasp.org/www-community/attacks/CSV_Injection): an apostrophe before it makes it a text again.
 */
function cell(text: string): string {
  const plain = text.replaceAll(/[^\P{Cc}\t\r\n]/gu, ' ')
  const safe = /^\s*[=+\-@\t\r]/.test(plain) ? `'${plain}` : plain
  return /[",\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** A gap for programs. */
const gapOf = ({ after, before, ...gap }: Gap) => ({
  ...gap,
  after: new Date(after).toISOString(),
  before: new Date(before).toISOString(),
})

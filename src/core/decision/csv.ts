/** Records as lines of CSV (RFC 4180): the same columns wherever decisions are exported. Pure. */
import type { AdmissionDecision } from '../../api/admission-decision.ts'

type Cell = string | number | undefined

const cells = {
  last: ({ status }) => status.last.time,
  first: ({ status }) => status.first.time,
  verdict: ({ spec }) => spec.verdict,
  reason: ({ spec }) => spec.reason,
  kind: ({ spec }) => spec.kind,
  namespace: ({ metadata }) => metadata.namespace,
  name: ({ status }) => status.last.name,
  schedule: ({ spec }) => spec.schedule,
  attempts: ({ status }) => status.count,
  action: ({ spec }) => spec.action,
  message: ({ status }) => status.last.message,
  user: ({ spec }) => spec.user,
  milliseconds: ({ status }) => status.last.milliseconds,
  operation: ({ spec }) => spec.operation,
  webhook: ({ spec }) => spec.webhook,
  replica: ({ spec }) => spec.replica,
  uid: ({ status }) => status.last.uid,
  run: ({ status }) => status.last.run,
  record: ({ metadata }) => metadata.name,
  id: ({ metadata }) => metadata.uid,
} satisfies Readonly<Record<string, (record: AdmissionDecision) => Cell>>

/** A column. */
export type CsvColumn = keyof typeof cells

// The keys of our own table.
const columns = Object.keys(cells) as readonly CsvColumn[]

const line = (values: readonly string[]): string => `${values.join(',')}\r\n`

/** The line of the names. */
export const csvHead: string = line(columns)

/** The line of a record. */
export const csvLine = (record: AdmissionDecision): string =>
  line(columns.map((column) => csvCell(String(cells[column](record) ?? ''))))

/** A line of which not every cell is known. */
export const csvPart = (known: Readonly<Partial<Record<CsvColumn, string>>>): string =>
  line(columns.map((column) => csvCell(known[column] ?? '')))

/**
 * A text as a cell. A spreadsheet takes what begins with one of these for a formula
 * (https://owasp.org/www-community/attacks/CSV_Injection): an apostrophe before it makes it a text again.
 */
export function csvCell(text: string): string {
  const plain = text.replaceAll(/[^\P{Cc}\t\r\n]/gu, ' ')
  const safe = /^\s*[=+\-@\t\r]/.test(plain) ? `'${plain}` : plain
  return /[",\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** What SQLite's failures mean to who asked. */
import { HistoryError, type HistoryErrorCode } from './store.ts'

// https://www.sqlite.org/rescode.html; the low byte of a code says what it is, the rest in which case.
const codes: Readonly<Record<number, readonly [HistoryErrorCode, string]>> = {
  5: ['BUSY', 'another process holds the history file; try again'],
  6: ['BUSY', 'another query holds the history file; try again'],
  10: ['UNAVAILABLE', 'the disk of the history file failed; look at its volume'],
  11: ['DAMAGED', 'the history file is damaged; it is rebuilt from the cluster'],
  13: [
    'FULL',
    'the disk of the history file is full, or the file has reached its limit; nothing is added until there is room',
  ],
  8: ['UNAVAILABLE', 'the history file cannot be written; look at its volume and its rights'],
  14: ['UNAVAILABLE', 'the history file cannot be opened; look at its volume and its rights'],
  26: ['DAMAGED', 'the history file is no database; it is rebuilt from the cluster'],
}

const resultCode = (error: unknown): number | undefined => {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined
  return typeof code === 'number' ? code & 0xff : undefined
}

/** Whether an error says that the file itself is damaged, or never was a database. */
export const isDamage = (error: unknown): boolean => [11, 26].includes(resultCode(error) ?? 0)

/** Whether an error says that a statement does not fit the file: a table or a column is missing. */
export const isMissing = (error: unknown): boolean => resultCode(error) === 1

/** The failure as a HistoryError; one that is a fault of ours stays what it is. */
export function failureOf(error: unknown): unknown {
  const code = resultCode(error)
  if (code === undefined) return error
  const [meaning, sentence] = codes[code] ?? ['UNAVAILABLE', 'the history file did not answer']
  return new HistoryError(meaning, `${sentence} (SQLite: ${error instanceof Error ? error.message : ''})`, {
    cause: error,
  })
}

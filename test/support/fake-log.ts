/** A log that keeps what it was told. */
import type { Log } from '../../src/log.ts'

/** Implements Log; `lines` are `level sentence`. */
export class FakeLog implements Log {
  readonly lines: string[] = []
  readonly entries: { readonly level: string; readonly fields: object; readonly message: string }[] = []

  readonly debug = (fields: object, message: string): void => this.#note('debug', fields, message)
  readonly info = (fields: object, message: string): void => this.#note('info', fields, message)
  readonly warn = (fields: object, message: string): void => this.#note('warn', fields, message)
  readonly error = (fields: object, message: string): void => this.#note('error', fields, message)

  #note(level: string, fields: object, message: string): void {
    this.lines.push(`${level} ${message}`)
    this.entries.push({ level, fields, message })
  }
}

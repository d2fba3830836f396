/** What all runs of one state of the code covered together, kept in a file: a run that goes on begins with it. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Coverage, Entry } from './coverage.ts'

type Parts = Readonly<Record<string, readonly Entry[]>>
type Kept = { readonly code: string; readonly parts: Parts }

/** Names the state of the code whose behaviour is looked at, and of what looks: with another one nothing is covered. */
export function codeOf(folders: readonly string[]): string {
  const hash = createHash('sha256')
  for (const folder of folders)
    for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
      if (!path.endsWith('.ts') || path.endsWith('.test.ts')) continue
      hash
        .update(`${folder}/${path}\0`)
        .update(readFileSync(join(folder, path)))
        .update('\0')
    }
  return hash.digest('hex').slice(0, 16)
}

/** The file, with a part for each sort of run. */
export class Book {
  readonly #file: string
  readonly #code: string
  #parts: Parts = {}

  /** Begins a new one; what the file held is gone with the first that is kept. */
  constructor(file: string, code: string) {
    this.#file = file
    this.#code = code
  }

  /** Goes on with what the file holds; answers why that cannot be, if it cannot. */
  goOn(): string | undefined {
    try {
      const { code, parts } = JSON.parse(readFileSync(this.#file, 'utf8')) as Kept
      if (code !== this.#code) return `${this.#file} is of other code (${code}; this is ${this.#code})`
      this.#parts = parts
      return undefined
    } catch (error) {
      return `${this.#file} cannot be read: ${error instanceof Error ? error.message : String(error)}`
    }
  }

  /** What is known of this part. */
  of(part: string): readonly Entry[] {
    return this.#parts[part] ?? []
  }

  /** Keeps what is known now; a process that ends on the way leaves the last state. */
  keep(part: string, coverage: Coverage): void {
    this.#parts = { ...this.#parts, [part]: coverage.entries() }
    mkdirSync(dirname(this.#file), { recursive: true })
    const kept: Kept = { code: this.#code, parts: this.#parts }
    writeFileSync(`${this.#file}.new`, JSON.stringify(kept))
    renameSync(`${this.#file}.new`, this.#file)
  }
}

/** What all runs of one state of the code covered together, kept in a file: a run that goes on begins with it. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Coverage, Entry } from './coverage.ts'

type Parts = Readonly<Record<string, readonly Entry[]>>
type Kept = { readonly code: string; readonly parts: Parts }

const decides = /\.(ts|json|ndjson)$/

/** Names the state of the code whose behaviour is looked at, and of what looks, and of Node: with another one nothing is covered. */
export function codeOf(paths: readonly string[]): string {
  const hash = createHash('sha256').update(process.version)
  for (const path of paths.flatMap(filesIn)) {
    if (!decides.test(path) || path.endsWith('.test.ts')) continue
    hash.update(`${path}\0`).update(readFileSync(path)).update('\0')
  }
  return hash.digest('hex').slice(0, 16)
}

const filesIn = (path: string): readonly string[] =>
  statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true, encoding: 'utf8' })
        .sort()
        .map((name) => join(path, name))
    : [path]

/** The file, with a part for each sort of run. */
export class Book {
  readonly #file: string
  readonly #codeNow: () => string
  readonly #code: string
  #parts: Parts = {}

  /** Begins a new one; what the file held is gone with the first that is kept. `codeNow` names the code whenever it is asked. */
  constructor(file: string, codeNow: () => string) {
    this.#file = file
    this.#codeNow = codeNow
    this.#code = codeNow()
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

  /**
   * Keeps what is known now; a process that ends on the way leaves the last state. Answers why that cannot be, if it cannot: also where
   * the code was changed meanwhile, for processes that began since run the new one.
   */
  keep(part: string, coverage: Coverage): string | undefined {
    if (this.#codeNow() !== this.#code) return 'the code was changed while it ran'
    this.#parts = { ...this.#parts, [part]: coverage.entries() }
    const kept: Kept = { code: this.#code, parts: this.#parts }
    const fresh = `${this.#file}.${process.pid}`
    try {
      mkdirSync(dirname(this.#file), { recursive: true })
      writeFileSync(fresh, JSON.stringify(kept))
      renameSync(fresh, this.#file)
      return undefined
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }
}

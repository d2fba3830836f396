/** Commands in this process: what they are given, what they print, and the golden files that hold them to it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Clock } from '../../src/clock.ts'
import { run } from '../../src/cli/program.ts'
import { projectRoot } from './generate.ts'

/** What a command left. */
export type Seen = { readonly out: string; readonly err: string; readonly code: number }

/** What it is given beside its arguments. */
export type Given = {
  readonly env?: Readonly<Record<string, string>>
  /** The width of a terminal; without it, a pipe. */
  readonly columns?: number
  readonly clock?: Clock
  readonly calledAs?: string
  readonly stdin?: string
}

/** Runs one command line. */
export async function cli(args: readonly string[], given: Given = {}): Promise<Seen> {
  const seen = { out: '', err: '', code: 0 }
  const { env = {}, columns, clock, calledAs, stdin = '' } = given
  await run(args, {
    env,
    version: '1.2.3',
    hostname: 'host',
    stdin: async function* () {
      yield stdin
    },
    stdout: (text) => void (seen.out += text),
    stderr: (text) => void (seen.err += text),
    columns: () => columns,
    onStop: () => {},
    exitCode: (code) => void (seen.code = code),
    ...(clock === undefined ? {} : { clock }),
    ...(calledAs === undefined ? {} : { calledAs }),
  })
  return seen
}

/**
 * Compares an output with its file in test/cli/golden. A difference that is meant is taken over with GOLDEN=write, and
 * read before it is committed.
 */
export function golden(t: Test, name: string, got: string): void {
  const file = join(projectRoot, 'test/cli/golden', `${name}.txt`)
  if (process.env['GOLDEN'] === 'write') writeFileSync(file, got)
  t.equal(got, existsSync(file) ? readFileSync(file, 'utf8') : `not there: GOLDEN=write makes ${file}`, name)
}

/** The command line in this process: what it prints and how it ends, with a clock and a terminal of the test's own. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Clock } from '../../src/clock.ts'
import { run } from '../../src/cli/program.ts'
import { projectRoot } from './generate.ts'

/** What a command said. */
export type Said = { out: string; err: string; code: number }

/** Where it runs. */
export type CliSetting = {
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string | readonly Uint8Array[]
  readonly terminals?: readonly ('stdin' | 'stdout' | 'stderr')[]
  /** The width of the terminal that standard output is; without it, a pipe. */
  readonly columns?: number
  readonly calledAs?: string
  /** What the person types when asked; a function is called each time. */
  readonly answer?: string | (() => Promise<string>)
  readonly clock?: Clock
  /** Stops the command, as Ctrl-C does. */
  readonly stop?: AbortSignal
  /** What is said goes here while it is said. */
  readonly seen?: Said
  readonly extras?: Parameters<typeof run>[2]
}

/** Runs a command line to its end. */
export async function cli(args: readonly string[], setting: CliSetting = {}): Promise<Said> {
  const said = setting.seen ?? { out: '', err: '', code: 0 }
  const {
    env = {},
    stdin = '',
    terminals = [],
    answer = '',
    clock,
    stop,
    extras,
    columns,
    calledAs,
  } = setting
  const world = {
    env,
    version: '1.2.3',
    hostname: 'host',
    stdin: () => piped(stdin),
    ask: async (question: string) => {
      said.err += question
      return typeof answer === 'string' ? answer : answer()
    },
    isTerminal: (stream: 'stdin' | 'stdout' | 'stderr') => terminals.includes(stream),
    stdout: (text: string) => void (said.out += text),
    stderr: (text: string) => void (said.err += text),
    onStop: (listener: () => void) => stop?.addEventListener('abort', listener, { once: true }),
    exitCode: (code: number) => void (said.code = code),
    columns: () => columns ?? (terminals.includes('stdout') ? 80 : undefined),
    ...(clock === undefined ? {} : { clock }),
    ...(calledAs === undefined ? {} : { calledAs }),
  }
  await run(args, world, extras)
  return said
}

async function* piped(stdin: string | readonly Uint8Array[]) {
  if (typeof stdin !== 'string') return yield* stdin
  // In pieces, as a pipe does.
  for (let at = 0; at < stdin.length; at += 100) yield new TextEncoder().encode(stdin.slice(at, at + 100))
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

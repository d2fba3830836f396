/** What a command is given of the process it runs in. */
import type { Clock } from '../clock.ts'

/** What a command may touch of the process. */
export type CliWorld = {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly version: string
  /** The time; that of the machine unless given. */
  readonly clock?: Clock
  readonly hostname: string
  /** What is piped in; asked for only by a command that reads it. */
  readonly stdin: () => AsyncIterable<string | Uint8Array>
  /** Asks the person at the terminal, and gives the line that is typed. */
  readonly ask: (question: string, signal: AbortSignal) => Promise<string>
  readonly isTerminal: (stream: 'stdin' | 'stdout' | 'stderr') => boolean
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  /** Calls `stop` once when the process is asked to end (SIGTERM, SIGINT); a second time it ends at once. */
  readonly onStop: (stop: () => void) => void
  /** How wide the terminal is that standard output goes to; undefined or absent: it goes to a pipe or a file. */
  readonly columns?: () => number | undefined
  /** How the program was called; `tidewaiter` if absent, `kubectl tidewaiter` as a plugin of kubectl. */
  readonly calledAs?: string
  /** The exit code of the process, once it ends. */
  readonly exitCode: (code: number) => void
}

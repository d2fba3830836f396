/** What a command may touch of the process: given by main.ts. */
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
  /** The exit code of the process, once it ends. */
  readonly exitCode: (code: number) => void
}

/** What a command may touch of the process: given by main.ts. */
export type CliWorld = {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly version: string
  readonly hostname: string
  /** What is piped in; asked for only by a command that reads it. */
  readonly stdin: () => AsyncIterable<string | Uint8Array>
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  /** Calls `stop` once when the process is asked to end (SIGTERM, SIGINT); a second time it ends at once. */
  readonly onStop: (stop: () => void) => void
  /** The exit code of the process, once it ends. */
  readonly exitCode: (code: number) => void
}

#!/usr/bin/env node
/** The only file that touches `process`. */
import { existsSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename } from 'node:path'
import { createInterface } from 'node:readline/promises'
import type { Commands, MakeCommand } from './cli/program.ts'

type Package = { readonly version: string }

// Both src/main.ts and dist/main.js are one folder below package.json.
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as Package

// Before anything else is loaded: what we are made of ends an older Node with a stack trace.
const oldestNode = 24
if (Number.parseInt(process.versions.node, 10) < oldestNode) {
  process.stderr.write(
    `tidewaiter: needs Node ${oldestNode} or newer, got ${process.versions.node}: install it, or use npm, which brings one (npm run tidewaiter -- ARGUMENTS)\n`,
  )
  process.exit(4)
}
const { run } = await import('./cli/program.ts')

process.exitCode = 0
let stops = 0
const listeners: (() => void)[] = []
for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.on(name, () => {
    stops += 1
    // The second time somebody is in a hurry; what was begun is on record, and is taken up by another replica.
    if (stops > 1) process.exit(130)
    for (const listener of listeners) listener()
  })
}

// Whoever reads us has read enough (`| head -1`): nobody is left to be told of it. What runs on is asked to stop.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  if (listeners.length === 0) process.exit(0)
  for (const listener of listeners) listener()
})

// kubectl runs `kubectl-NAME` as `kubectl NAME`; npm links both names to this file.
const isPlugin = basename(process.argv[1] ?? '').startsWith('kubectl-tidewaiter')

await run(
  process.argv.slice(2),
  {
    env: process.env,
    version,
    hostname: hostname(),
    stdin: () => {
      // Whoever waits for input that does not come must still hear Ctrl-C.
      listeners.push(() => void process.stdin.destroy())
      return process.stdin
    },
    ask,
    isTerminal: (stream) => process[stream].isTTY,
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    onStop: (stop) => {
      listeners.push(stop)
      if (stops > 0) stop()
    },
    columns: () => (process.stdout.isTTY ? process.stdout.columns : undefined),
    calledAs: isPlugin ? 'kubectl tidewaiter' : 'tidewaiter',
    exitCode: (code) => {
      process.exitCode = code
    },
  },
  extras(),
)

async function ask(question: string, signal: AbortSignal): Promise<string> {
  // Not as a terminal of its own: Ctrl-C stays a signal, and is heard above.
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false })
  try {
    return await lines.question(question, { signal })
  } finally {
    lines.close()
  }
}

/** The sandbox is there only where it is shipped: not in the production image. */
function extras(): Commands {
  // Not by a literal name: tsc would follow it, and what it emits has no sandbox.
  const file = new URL('./cli/sandbox.ts', import.meta.url)
  if (!existsSync(file)) return {}
  const load = () => import(file.href) as Promise<{ readonly sandboxCommand: MakeCommand }>
  return { sandbox: async () => (await load()).sandboxCommand }
}

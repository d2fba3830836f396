/** Processes of a measurement: started, waited for, and ended with it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

export { freePort } from '../test/support/free-port.ts'

// Ended by hand: what `launch` started ends with it ('exit').
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)
  process.once(signal, () => process.exit(code))

/** Asks until there is an answer; one that throws says why there is none yet. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  everyMs = 100,
): Promise<T> {
  let why: unknown
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(everyMs)) {
    try {
      const found = await look()
      if (found !== undefined) return found
    } catch (error) {
      why = error
    }
  }
  throw new Error(`waited a minute for ${what}`, { cause: why })
}

/** How a process is started, besides what with. */
export type Launching = {
  readonly env?: Readonly<Record<string, string>>
  /** Another program than Node. */
  readonly command?: string
  /** The processor that it may use; all unless told (taskset(1)). */
  readonly core?: number
}

/** A process that was started. */
export type Launched = {
  readonly child: ChildProcess
  /** Waits until it has printed this. */
  readonly says: (text: string) => Promise<unknown>
  /** The end of what it printed. */
  readonly said: () => string
}

/** Starts Node, or another program, with these arguments; `says` waits for what it prints, `said` is the end of that. */
export function launch(args: readonly string[], { env, command, core }: Launching = {}): Launched {
  const program = [command ?? process.execPath, ...args]
  const [first = '', ...rest] = core === undefined ? program : ['taskset', '-c', String(core), ...program]
  const child = spawn(first, rest, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  // A measurement that fails leaves nobody behind.
  const gone = () => void child.kill('SIGKILL')
  process.once('exit', gone)
  child.once('exit', () => process.off('exit', gone))
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out = (out + text).slice(-100_000)
  })
  const says = (text: string) =>
    until(
      `"${text}" of ${args.slice(0, 2).join(' ')}`,
      () => {
        if (child.exitCode !== null) throw new Error(`it has ended with ${child.exitCode}:\n${out}`)
        return out.includes(text) || undefined
      },
      5,
    )
  return { child, says, said: () => out }
}

/** Ends a process, and waits until it has. */
export async function ended(
  child: ChildProcess,
  signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL' = 'SIGINT',
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}

/** The memory of a process that is in RAM now, or at most was, MiB (Linux, proc_pid_status(5)). */
export function memoryOf(
  child: { readonly pid?: number | undefined },
  what: 'VmRSS' | 'VmHWM' = 'VmRSS',
): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  return Number(new RegExp(`${what}:\\s+(\\d+)`).exec(status)?.[1]) / 1024
}

/** Begins anew with what a process had at most (Linux, clear_refs of proc(5)). */
export const forgetPeak = ({ pid }: { readonly pid: number }): void =>
  writeFileSync(`/proc/${pid}/clear_refs`, '5')

/** The processes of a soak: each in a group of its own, so that Ctrl-C is for the one that asks them to end, and gone with it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** How to start one. */
export type Start = {
  readonly args: readonly string[]
  /** Where its standard error goes, and its standard output where nobody waits for what it says. */
  readonly log: string
  readonly env?: Readonly<Record<string, string>>
  /** It is a service: it says nothing, and has a channel to be asked by. */
  readonly isService?: boolean
}

/** Starts Node with these arguments. */
export function start({ args, log, env = {}, isService = false }: Start): ChildProcess {
  const { NODE_OPTIONS: _hooks, ...inherited } = process.env
  const file = openSync(log, 'a')
  const child = spawn(process.execPath, args, {
    stdio: isService ? ['ignore', file, file, 'ipc'] : ['pipe', 'pipe', file],
    env: { ...inherited, ...env },
    detached: true,
  })
  closeSync(file)
  const gone = () => void child.kill('SIGKILL')
  process.once('exit', gone)
  child.once('close', () => process.off('exit', gone))
  return child
}

/** The first line that a process prints. */
export async function firstLine(child: ChildProcess, what: string): Promise<string> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${what} must start, and has ended with ${String(code)}`)
  })
  const said = once(child.stdout?.setEncoding('utf8') ?? child, 'data')
  const [line] = (await Promise.race([said, ended])) as [string]
  ended.catch(() => undefined)
  return line.trim()
}

const endMs = 20_000

/** Asks a process to end; its exit code, or undefined where it had to be killed. */
export async function end(child: ChildProcess): Promise<number | undefined> {
  if (child.exitCode !== null) return child.exitCode
  if (child.signalCode !== null) return undefined
  const exited = once(child, 'exit') as Promise<[number | null]>
  child.kill('SIGTERM')
  const waiting = new AbortController()
  const late = sleep(endMs, undefined, { signal: waiting.signal }).then(
    () => void child.kill('SIGKILL'),
    () => undefined,
  )
  const [code] = await exited
  waiting.abort()
  await late
  return code ?? undefined
}

/** What lets Node write a profile of a process. */
export const profiled = (folder: string | undefined, name: string): readonly string[] =>
  folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${name}.cpuprofile`]

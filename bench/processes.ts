/** Processes of a measurement: started, waited for, and ended with it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

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

/** Starts Node with these arguments; `says` waits for what it prints, `said` is the end of that. */
export function launch(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, args, {
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
    until(`"${text}" of ${args.slice(0, 2).join(' ')}`, () => {
      if (child.exitCode !== null) throw new Error(`it has ended with ${child.exitCode}:\n${out}`)
      return out.includes(text) || undefined
    })
  return { child, says, said: () => out }
}

/** Ends a process, and waits until it has. */
export async function ended(child: ChildProcess, signal: 'SIGINT' | 'SIGKILL' = 'SIGINT'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}

/** The memory of a process that is in RAM, MiB (Linux). */
export function memoryOf(child: ChildProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
}

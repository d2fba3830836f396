/** The real command as a process of its own, and the API server that it serves or is served by. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import { Agent, request } from 'undici'
import { parse } from 'yaml'
import { eventually, type Loose } from './asking.ts'
import { plainNode } from './plain-node.ts'

/** A command that runs. */
export type Run = {
  readonly out: () => string
  readonly err: () => string
  readonly ended: Promise<number | null>
  readonly interrupt: () => void
}

/** Starts the sandbox; it is ended with the test. */
export const start = (t: Test, ...args: readonly string[]): Run => launch(t, ['sandbox', ...args])

/** Starts a command; it is ended with the test. */
export function launch(t: Test, args: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
  const main = new URL('../../src/main.ts', import.meta.url).pathname
  const child = spawn('env', [...plainNode, main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return { out: () => out, err: () => err, ended, interrupt: () => child.kill('SIGINT') }
}
// Whole processes start and play here, on machines that may be busy.
const startSeconds = 40

/** Waits until it says something; what else it said is told where it does not. */
export async function told(run: Run, text: string): Promise<void> {
  try {
    await eventually(`it says ${text}`, () => run.out().includes(text) || undefined, {
      seconds: startSeconds,
    })
  } catch (cause) {
    throw new Error(`it said: ${run.out()}${run.err()}`, { cause })
  }
}

/** Asks the API server of a kubeconfig. */
export async function ask(
  t: Test,
  kubeconfig: string,
  path: string,
): Promise<{ readonly status: number; readonly body: Loose }> {
  return send(t, { kubeconfig, method: 'GET', path })
}

type Sent = {
  readonly kubeconfig: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: object
}

/** Asks it by any method. */
export async function send(
  t: Test,
  { kubeconfig, method, path, body: sent }: Sent,
): Promise<{ readonly status: number; readonly body: Loose }> {
  const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8'))
  const cluster = clusters[0].cluster
  const dispatcher = new Agent({
    connect: { ca: Buffer.from(cluster['certificate-authority-data'], 'base64') },
  })
  t.teardown(() => dispatcher.destroy())
  const headers = { authorization: `Bearer ${users[0].user.token}`, 'content-type': 'application/json' }
  const { statusCode, body } = await request(`${cluster.server}${path}`, {
    dispatcher,
    method,
    headers,
    ...(sent === undefined ? {} : { body: JSON.stringify(sent) }),
  })
  return { status: statusCode, body: await body.json() }
}

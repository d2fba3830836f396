/** The command as a process: how it ends when nobody reads it any more, and under which name it runs. */
import { spawn } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { plainNode } from '../support/plain-node.ts'

const main = new URL('../../src/main.ts', import.meta.url).pathname

const actions = `apiVersion: tidewaiter.io/v1beta1
kind: Action
metadata: {name: a}
spec: {stage: PreBackup, http: {url: 'https://a.example/'}}
`
const backup = 'apiVersion: velero.io/v1\nkind: Backup\nmetadata: {name: b}\n'

/** Runs a file of the program; `read` false closes the pipe before anything is written to it. */
async function processOf(file: string, args: readonly string[], { read }: { readonly read: boolean }) {
  const child = spawn('env', [...plainNode, file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  if (read) child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  else child.stdout.destroy()
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const code = await new Promise((resolve) => child.once('close', resolve))
  return { out, err, code }
}

t.test('a broken pipe (`| head -1`) ends it quietly, with 0', async (t) => {
  t.same(await processOf(main, ['serve', '--help'], { read: false }), { out: '', err: '', code: 0 })
  const dir = t.testdir({ 'a.yaml': actions, 'b.yaml': backup })
  const plan = ['plan', '-f', join(dir, 'b.yaml'), '--actions', join(dir, 'a.yaml')]
  t.match(await processOf(main, plan, { read: true }), { out: /would be admitted/, err: '', code: 0 })
  t.same(await processOf(main, plan, { read: false }), { out: '', err: '', code: 0 })
})

t.test('Ctrl-C ends a command that waits for its input', async (t) => {
  const dir = t.testdir({ 'a.yaml': actions })
  const args = ['plan', '-f', '-', '--actions', join(dir, 'a.yaml')]
  const child = spawn('env', [...plainNode, main, ...args], { stdio: ['pipe', 'ignore', 'pipe'] })
  let err = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal)))
  // Read by the child, so it is past its start and waits for more.
  await new Promise((resolve) => child.stdin.write(' '.repeat(200_000), resolve))
  child.kill('SIGINT')
  t.equal(await ended, 130)
  t.equal(err, '')
})

t.test('linked as kubectl-tidewaiter, it speaks of itself as a plugin of kubectl', async (t) => {
  const link = join(t.testdir(), 'kubectl-tidewaiter')
  symlinkSync(main, link)
  const { out, code } = await processOf(link, ['--help'], { read: true })
  t.match(out, /^Usage: kubectl tidewaiter /)
  t.equal(code, 0)
})

/**
 * A storm: so many Backups are created at once, through an API server (of the sandbox), while each has two pre actions and one
 * post action. Said are how many were admitted and refused, and why; how long it took; what the service needed; and whether any
 * Backup had its actions out of order. With --held all are held: told is too how long it takes until Velero, which works on one at a
 * time, has been through with all, and whether they went in the order of their creation. usage: npm run bench -- storm [BACKUPS] [--held]
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Agent, request } from 'undici'
import { parse } from 'yaml'
import { ended, freePort, launch as launchNode, memoryOf } from './processes.ts'
import { machine, quantile, table } from './report.ts'

const { values: given, positionals } = parseArgs({
  options: { held: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const count = Number(positionals[0] ?? '1000')
const answerMs = given.held ? 5 : 200
/** Until all that are held are through: a second for each. */
const throughMs = 60_000 + count * 1_000
const undo: (() => unknown)[] = []
const folder = mkdtempSync(join(tmpdir(), 'tidewaiter-bench-'))
undo.push(() => rmSync(folder, { recursive: true }))

type Tree = Readonly<Record<string, any>> // oxlint-disable-line typescript/no-explicit-any

async function portOf(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (server.address() as AddressInfo).port
}

async function launch(says: string, args: readonly string[]): Promise<ChildProcess> {
  const { child, says: hasSaid } = launchNode(['src/main.ts', ...args])
  undo.push(() => ended(child))
  await hasSaid(says)
  return child
}

/** What the actions reached, by Backup, in order. */
const reached = new Map<string, string[]>()
/** The Backups whose actions began, in that order. */
const begun = (): readonly string[] => [...reached.keys()]
async function hooks(): Promise<number> {
  const server = createHttp((incoming, response) => {
    const [, action = '', backup = ''] = (incoming.url ?? '').split('/')
    reached.set(backup, [...(reached.get(backup) ?? []), action])
    incoming.resume()
    setTimeout(() => response.end('{}'), answerMs)
  })
  undo.push(() => server.close())
  return portOf(server)
}

function clientOf(file: string) {
  const { clusters, users } = parse(readFileSync(file, 'utf8'))
  const ca = Buffer.from(clusters[0].cluster['certificate-authority-data'], 'base64')
  // More than may be in flight, and fewer than wait in the queue of a listening socket (511).
  const dispatcher = new Agent({
    connect: { ca, timeout: 60_000 },
    connections: 480,
    headersTimeout: 120_000,
  })
  undo.push(() => dispatcher.destroy())
  return async (
    method: 'GET' | 'POST',
    path: string,
    sent?: object,
  ): Promise<{ status: number; body: Tree }> => {
    const headers = { authorization: `Bearer ${users[0].user.token}`, 'content-type': 'application/json' }
    const body = sent === undefined ? {} : { body: JSON.stringify(sent) }
    const answer = await request(`${clusters[0].cluster.server}${path}`, {
      dispatcher,
      method,
      headers,
      ...body,
    })
    return { status: answer.statusCode, body: (await answer.body.json()) as Tree }
  }
}

/** Waits until Velero has been through with all; says how many of them began before one that was created a second earlier. */
async function allThrough(list: () => Promise<{ body: Tree }>) {
  const began = performance.now()
  let items: readonly Tree[] = []
  for (const end = Date.now() + throughMs; Date.now() < end; await sleep(1_000)) {
    items = (await list()).body['items'] as readonly Tree[]
    if (items.length > 0 && items.every(({ status }) => status?.phase === 'Completed')) break
  }
  const open = items.filter(({ status }) => status?.phase !== 'Completed')
  if (open.length > 0) throw new Error(`${open.length} Backups have not ended after ${throughMs / 1000} s`)
  const createdAt = new Map(
    items.map(({ metadata }) => [metadata.name, Date.parse(metadata.creationTimestamp)]),
  )
  const times = begun().map((name) => createdAt.get(name) ?? 0)
  let latest = 0
  let unordered = 0
  for (const time of times) {
    if (time < latest - 1_000) unordered += 1
    latest = Math.max(latest, time)
  }
  return { seconds: (performance.now() - began) / 1000, unordered }
}

/** What was said of a Backup, in one word. */
const wordOf = ({ status, body }: { status: number; body: Tree }): string => {
  if (status === 201) return 'admitted'
  const text = String(body['message'])
  if (text.includes('are being admitted by this replica')) return 'refused: busy'
  return `refused: ${text
    .replace(/^.*denied the request: /, '')
    .replaceAll(/\d+(\.\d+)?/g, 'N')
    .slice(0, 140)}`
}

try {
  const box = join(folder, 'box')
  await launch('tidewaiter serve --kubeconfig', ['sandbox', '--dir', box, '--only-cluster'])
  const call = clientOf(join(box, 'kubeconfig'))
  const port = await hooks()
  const at = `127.0.0.1:${await freePort()}`
  const flags = {
    kubeconfig: join(box, 'tidewaiter.kubeconfig'),
    listen: at,
    'webhook-url': `https://${at}`,
    'metrics-listen': '127.0.0.1:0',
    'drain-seconds': '0',
    'egress-allow': `127.0.0.1:${port}`,
  }
  const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value])
  const service = await launch('tidewaiter runs', ['serve', ...args])
  const path = (plural: string) =>
    `/apis/${plural === 'backups' ? 'velero.io/v1' : 'tidewaiter.io/v1beta1'}/namespaces/velero/${plural}`
  for (const [name, stage] of [
    ['10-freeze', 'PreBackup'],
    ['20-check', 'PreBackup'],
    ['90-thaw', 'PostBackup'],
  ]) {
    const url = `http://127.0.0.1:${port}/${name}/\${backup.metadata.name}`
    const metadata = { name, namespace: 'velero' }
    const spec = {
      stage,
      timeoutSeconds: 5,
      http: { url },
      ...(given.held && stage === 'PreBackup' ? { mode: 'Hold' } : {}),
    }
    const body = { apiVersion: 'tidewaiter.io/v1beta1', kind: 'Action', metadata, spec }
    const made = await call('POST', path('actions'), body)
    if (made.status !== 201) throw new Error(JSON.stringify(made.body))
  }
  await sleep(2_000)
  const before = memoryOf(service)
  const times: number[] = []
  const began = performance.now()
  const answers = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const sent = performance.now()
      const annotations = given.held ? { 'sandbox.velero.io/duration': '10ms' } : {}
      const metadata = { name: `storm-${i}`, namespace: 'velero', annotations }
      const spec = { includedNamespaces: ['shop'] }
      const answer = await call('POST', path('backups'), {
        apiVersion: 'velero.io/v1',
        kind: 'Backup',
        metadata,
        spec,
      })
      times.push(performance.now() - sent)
      return { name: metadata.name, word: wordOf(answer) }
    }),
  )
  const tookMs = performance.now() - began
  const held = given.held ? await allThrough(() => call('GET', path('backups'))) : undefined
  const words = Map.groupBy(answers, ({ word }) => word)
  const wrong = answers.filter(({ name, word }) => {
    const pre = (reached.get(name) ?? []).filter((action) => action !== '90-thaw').join()
    return word === 'admitted' ? pre !== '10-freeze,20-check' : word === 'refused: busy' && pre !== ''
  })
  console.log(`${count} Backups at once, answered in ${(tookMs / 1000).toFixed(1)} s; ${machine()}\n`)
  console.log(
    table(
      ['what', 'value'],
      [
        ...[...words].map(([word, of]) => [word, String(of.length)]),
        ['out of order, or acted on though refused as busy', String(wrong.length)],
        [
          'answer p50 / p99',
          `${quantile(times, 0.5).toFixed(0)} ms / ${quantile(times, 0.99).toFixed(0)} ms`,
        ],
        ...(held === undefined
          ? []
          : [
              ['through with all after', `${held.seconds.toFixed(0)} s`],
              ['began although one of an earlier second was there', String(held.unordered)],
            ]),
        ['memory before / at most', `${before.toFixed(0)} MB / ${memoryOf(service, 'VmHWM').toFixed(0)} MB`],
      ],
    ),
  )
  if (wrong.length > 0 || (held?.unordered ?? 0) > 0) process.exitCode = 1
} finally {
  for (const one of undo.toReversed()) await one()
}

/**
 * How long a dashboard takes to its first page: with a history of a million decisions, after it was killed while it wrote, with its file
 * lost, and with its file damaged. A page is honest when it says that something may be missing for as long as that is so.
 */
import { closeSync, constants, copyFileSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  lookerOf,
  startCluster,
  startDashboard,
  tokenOf,
  type Dashboard,
  type Looker,
} from './history-dashboard.ts'
import { all, loaded, path, quick } from './history-file.ts'
import { startWrites } from './history-writes.ts'
import { machine, median, table } from './report.ts'

const rounds = quick ? 1 : 5
// As many as a ring keeps of four namespaces.
const inCluster = 2000
const goal = 10_000

const { store } = await loaded()
await store.close()

type Seen = {
  /** When the first page came, whatever it said. */
  readonly first: number
  /** When the first came that did not say that it may lack something. */
  readonly whole: number
  /** How many records it had. */
  readonly records: number
}

const cluster = await startCluster()
const file = join(cluster.folder, 'history.db')
const suffixes = ['', '-wal', '-shm']

function copyOfAll(): void {
  for (const suffix of suffixes) rmSync(`${file}${suffix}`, { force: true })
  copyFileSync(path, file, constants.COPYFILE_FICLONE)
}

/** Asks until a page says nothing is missing. */
async function firstPages(looker: Looker, began: number): Promise<Seen> {
  let first = Number.NaN
  for (const end = began + 120_000; performance.now() < end; await sleep(10)) {
    const answer = await looker.get('/decisions').catch(() => undefined)
    if (answer?.status !== 200) continue
    const at = performance.now() - began
    if (Number.isNaN(first)) first = at
    const text = answer.text()
    if (text.includes('Still reading')) continue
    const [, records = ''] = /([\d,.\u202f]+) records?</.exec(text) ?? []
    return { first, whole: at, records: Number(records.replaceAll(/\D/g, '')) }
  }
  throw new Error('a page must be whole within two minutes')
}

type Started = { readonly dashboard: Dashboard; readonly looker: Looker; readonly seen: Seen }

async function start(authorization: string): Promise<Started> {
  const began = performance.now()
  const dashboard = await startDashboard(cluster, file)
  const looker = lookerOf(cluster, dashboard, { authorization })
  return { dashboard, looker, seen: await firstPages(looker, began) }
}

/** Overwrites the middle fifth of the file. */
function damage(): void {
  const { size } = statSync(file)
  const zeros = Buffer.alloc(2 ** 20)
  const at = openSync(file, 'r+')
  for (let offset = Math.floor(size * 0.4); offset < size * 0.6; offset += zeros.length)
    writeSync(at, zeros, 0, zeros.length, offset)
  closeSync(at)
}

/** Looks everywhere until somebody has met the damage, then until the history is whole again. */
async function untilMended({ looker, seen }: Started): Promise<Seen> {
  // What the dashboard writes at its start may have met it already.
  if (seen.records < all) return seen
  for (let day = 89; day > 0; day--) {
    const { status, text } = await looker.get(`/decisions?q=node&to=-${day}d`)
    await sleep(25)
    if (status === 503 || text().includes('Still reading')) return firstPages(looker, performance.now())
  }
  throw new Error('the damage must be met')
}

try {
  const authorization = `Bearer ${await tokenOf(cluster, 'velero', 'all')}`
  const seen: Record<string, Seen[]> = {}
  const note = (name: string, one: Seen, least: number) => {
    if (one.records < least)
      throw new Error(`${name}: a page that is whole must have ${least} records at least, got ${one.records}`)
    ;(seen[name] ??= []).push(one)
  }
  for (let round = 0; round < rounds; round++) {
    copyOfAll()
    // What the cluster has goes into the file at the first start, and is known at the next.
    await (await start(authorization)).dashboard.stop()
    const usual = await start(authorization)
    note(`a file of ${all}`, usual.seen, all)
    const writes = startWrites(cluster)
    await sleep(quick ? 1000 : 5000)
    await usual.dashboard.stop('SIGKILL')
    await writes.stop()
    const killed = await start(authorization)
    note('the same, killed while it wrote', killed.seen, all)
    await killed.dashboard.stop()
    damage()
    const damaged = await start(authorization)
    note('damaged in its middle', await untilMended(damaged), inCluster)
    await damaged.dashboard.stop()
    for (const suffix of suffixes) rmSync(`${file}${suffix}`, { force: true })
    const lost = await start(authorization)
    note('lost', lost.seen, inCluster)
    await lost.dashboard.stop()
  }
  const ms = (values: readonly number[]) =>
    [median(values), Math.max(...values)].map((value) => value.toFixed(0))
  const rows = Object.entries(seen).map(([name, list]) => [
    name,
    ...ms(list.map(({ first }) => first)),
    ...ms(list.map(({ whole }) => whole)),
    String(list.at(-1)?.records),
  ])
  console.log(`Time to the first page of decisions, ms; ${rounds} of each; ${machine()}\n`)
  console.log(table(['history file', 'first page', 'max', 'whole', 'max', 'records'], rows))
  process.exitCode = Object.values(seen)
    .flat()
    .some(({ whole }) => whole >= goal)
    ? 1
    : 0
} finally {
  for (const one of cluster.undo.toReversed()) await one()
}

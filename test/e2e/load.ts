/** Dry runs of a Backup at a rate that waits for no answer: what a rolling update or a turn must not lose. */
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { parse } from 'yaml'
import { aBackup, aName, kubeconfig } from './support.ts'

/** What became of a load. */
export type Told = {
  readonly answered: number
  /** What was answered otherwise, or not at all, and how often. */
  readonly lost: Readonly<Record<string, number>>
  /** What was not sent, because too many were on their way: the machine is slower than the load. */
  readonly leftOut: number
  readonly perSecond: number
  /** The longest time that an answer took. */
  readonly slowestMs: number
  /** For how much of the time this process was busy. */
  readonly senderBusy: number
  /** For how much of the time the processors of this machine were. */
  readonly machineBusy: number
}

// Each holds one request at a time. Of 200 a second that take 50 ms ten are on their way. More at once would not make a machine
// that is too slow any faster: it would bury the API server, whose clients then time out, which is no fault of who is called.
const connections = 16
const mostAsking = 2 * connections

/** What the processors have done so far, in milliseconds. */
function processors(): { readonly idle: number; readonly all: number } {
  const times = cpus().map(({ times }) => times)
  return {
    idle: times.reduce((sum, { idle }) => sum + idle, 0),
    all: times.flatMap((one) => Object.values(one)).reduce((sum, ms) => sum + ms, 0),
  }
}

/** Straight to the API server, over connections that stay open: `kubectl proxy` would be the slowest part of it. */
function connected(): Pool {
  const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8'), { version: '1.1' })
  const { server, 'certificate-authority': ca } = clusters[0].cluster
  const authorization = `Bearer ${users[0].user.token}`
  const pool = new Pool(server, { connections, connect: { ca: readFileSync(ca) }, pipelining: 1 })
  return pool.compose(
    (dispatch) => (options, handler) =>
      dispatch({ ...options, headers: { authorization, 'content-type': 'application/json' } }, handler),
  ) as Pool
}

/** Begins to send; `end` waits for the answers that are still to come. */
export function startLoad(mark: string, perSecond: number): { readonly end: () => Promise<Told> } {
  const pool = connected()
  const ending = new AbortController()
  const lost = new Map<string, number>()
  const asking = new Set<Promise<void>>()
  const body = JSON.stringify(aBackup(aName('b'), mark))
  const path = '/apis/velero.io/v1/namespaces/velero/backups?dryRun=All'
  let [answered, leftOut, slowestMs] = [0, 0, 0]
  const note = (what: string) => lost.set(what, (lost.get(what) ?? 0) + 1)
  const ask = async () => {
    const began = performance.now()
    try {
      const answer = await pool.request({ method: 'POST', path, body })
      const text = await answer.body.text()
      if (answer.statusCode === 201) answered += 1
      else note(`${answer.statusCode} ${text.slice(0, 400)}`)
    } catch (error) {
      note(String(error))
    }
    slowestMs = Math.max(slowestMs, performance.now() - began)
  }
  const send = () => {
    if (asking.size >= mostAsking) leftOut += 1
    else {
      const one: Promise<void> = ask().finally(() => asking.delete(one))
      asking.add(one)
    }
  }
  const run = async (): Promise<Told> => {
    const [began, used, machine] = [performance.now(), performance.eventLoopUtilization(), processors()]
    for (let sent = 0; !ending.signal.aborted; await sleep(5)) {
      const due = Math.floor(((performance.now() - began) * perSecond) / 1000)
      for (; sent < due; sent += 1) send()
    }
    const seconds = (performance.now() - began) / 1000
    await Promise.all(asking)
    const senderBusy = performance.eventLoopUtilization(used).utilization
    const { idle, all } = processors()
    await pool.close()
    return {
      answered,
      lost: Object.fromEntries(lost),
      leftOut,
      perSecond: answered / seconds,
      slowestMs: Math.round(slowestMs),
      senderBusy,
      machineBusy: 1 - (idle - machine.idle) / Math.max(1, all - machine.all),
    }
  }
  const running = run()
  return {
    end: () => {
      ending.abort()
      return running
    },
  }
}

/** Decisions that go on being written: into the cluster, from where the dashboard has them, 50 a second, one in ten of them a repeat. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { AdmissionDecision } from '../src/api/admission-decision.ts'
import { kubeClient } from '../test/support/kubeconfig.ts'
import type { Cluster } from './history-dashboard.ts'
import { decisionOf, namespaces } from './history-decisions.ts'

const atOnce = 5
const everyMs = 100
// What the ring of a namespace keeps, of all namespaces.
const mostKept = 2000

/** What was written so far. */
export type Writes = {
  /** The uid of the newest record that the API server has taken. */
  readonly newest: () => string
  /** How many were written a second, repeats with them. */
  readonly rate: () => number
  readonly stop: () => Promise<void>
}

/** Writes until it is told to stop. */
export function startWrites({ kubeconfig, undo }: Cluster): Writes {
  const client = kubeClient(kubeconfig)
  const stop = new AbortController()
  const began = performance.now()
  // Numbers of their own: whoever measured with this file before has taken others.
  const first = Date.now()
  const kept: AdmissionDecision[] = []
  let [made, written] = [0, 0]
  const call = async (
    method: string,
    { metadata: { namespace, name } }: AdmissionDecision,
    body?: object,
  ) => {
    const path = `/apis/tidewaiter.io/v1beta1/namespaces/${namespace}/admissiondecisions`
    const answer = await client.call({ method, path: method === 'POST' ? path : `${path}/${name}`, body })
    if (answer.status >= 300)
      throw new Error(`${method} ${name} must succeed, got ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body as AdmissionDecision
  }
  const create = async () => {
    const n = first + made++
    const { metadata, spec, status } = decisionOf(n, { all: n, end: Date.now() - 10_000 })
    const body = {
      apiVersion: 'tidewaiter.io/v1beta1',
      kind: 'AdmissionDecision',
      metadata: { name: metadata.name, namespace: namespaces[n % namespaces.length] },
      spec,
      status,
    }
    kept.push(
      await call('POST', { ...body, metadata: { ...metadata, ...body.metadata } } as AdmissionDecision, body),
    )
    const oldest = kept.length > mostKept ? kept.shift() : undefined
    if (oldest !== undefined) await call('DELETE', oldest)
  }
  const repeat = async () => {
    const one = kept.pop()
    if (one === undefined) return create()
    const { status } = one
    const last = { ...status.last, seq: status.last.seq + 1, time: new Date().toISOString() }
    kept.push(await call('PUT', one, { ...one, status: { ...status, count: status.count + 1, last } }))
  }
  const writing = (async () => {
    for (let round = 0; !stop.signal.aborted; round++) {
      const due = sleep(everyMs)
      await Promise.all(
        Array.from({ length: atOnce }, (_, i) => ((round * atOnce + i) % 10 === 9 ? repeat() : create())),
      )
      written += atOnce
      await due
    }
  })()
  // Whoever asks for more before it is told of a write that failed.
  writing.catch(() => stop.abort())
  let ending: Promise<void> | undefined
  const end = () => (ending ??= endNow())
  const endNow = async () => {
    stop.abort()
    try {
      await writing
    } finally {
      await client.close()
    }
  }
  undo.push(end)
  return {
    newest: () => kept.at(-1)?.metadata.uid ?? '',
    rate: () => (written / (performance.now() - began)) * 1000,
    stop: end,
  }
}

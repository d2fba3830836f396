/** The history over an API server: what is decided is there, and stays there when the cluster forgets it. */
import { closeSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { createKubeClient } from '../../src/kube/client.ts'
import { loadClusterAccess } from '../../src/kube/config.ts'
import { startHistory, type HistoryOptions } from '../../src/wiring/history.ts'
import { eventually } from '../support/asking.ts'
import { startCluster, type System } from '../support/cluster.ts'
import { aDecision } from '../support/decisions.ts'
import { FakeLog } from '../support/fake-log.ts'
import { whenThorough } from '../support/runs.ts'

const path = '/apis/tidewaiter.io/v1beta1/namespaces/velero/admissiondecisions'
const newest = { sight: ['velero'], filter: {}, size: 50 } as const

async function optionsFor(t: Test, system: System): Promise<HistoryOptions> {
  const folder = t.testdir()
  const kubeconfig = join(folder, 'kubeconfig')
  writeFileSync(kubeconfig, system.api.kubeconfig('tidewaiter', 'velero'))
  const { clock } = system
  const log = new FakeLog()
  const access = await loadClusterAccess({
    kubeconfigPath: kubeconfig,
    env: {},
    clock,
    readFile: (path) => readFile(path, 'utf8'),
  })
  const client = createKubeClient({ access, clock, log, userAgent: 'test' })
  t.teardown(() => client.close())
  const file = join(folder, 'history.db')
  return { client, clock, log, namespaces: ['velero'], file, maxBytes: 2 ** 26, maxDays: 90_000 }
}

/** Writes a record as the recorder does; gives what the API server made of it. */
async function decide(system: System, name: string, message: string) {
  const { spec, status } = aDecision({ name })
  const body = {
    apiVersion: 'tidewaiter.io/v1beta1',
    kind: 'AdmissionDecision',
    metadata: { name },
    spec,
    status: { ...status, last: { ...status.last, message } },
  }
  const answer = await system.call('POST', path, { body })
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body))
  return answer.body
}

t.test('it reads what is there, follows what changes, and keeps what the cluster forgets', async (t) => {
  const system = await startCluster(t, { service: false })
  for (const n of [1, 2, 3]) await decide(system, `r${n}`, 'before')
  const options = await optionsFor(t, system)
  const history = await startHistory(options)
  t.teardown(() => history.stop())
  const rows = async () => (await history.store.page(newest)).rows
  await eventually('what was there is read', () => history.progress().reading.length === 0 || undefined)
  t.equal((await rows()).length, 3)
  const made = await decide(system, 'r4', 'a new one')
  await eventually(
    'the new one',
    async () => (await rows()).some(({ message }) => message === 'a new one') || undefined,
  )
  const { status } = made
  const grown = {
    ...made,
    status: { ...status, count: 12, last: { ...status.last, seq: 12, message: 'again' } },
  }
  t.equal((await system.call('PUT', `${path}/r4`, { body: grown })).status, 200)
  const row = await eventually('it has grown', async () =>
    (await rows()).find(({ attempts }) => attempts === 12),
  )
  t.match(row, { message: 'again', namespace: 'velero' })
  t.equal((await rows()).length, 4, 'and is one row still')
  for (const n of [1, 2, 3, 4]) await system.call('DELETE', `${path}/r${n}`)
  await decide(system, 'r5', 'the last')
  await eventually('the last one', async () => (await rows()).length === 5 || undefined)
  await history.stop()
  const again = await startHistory(options)
  t.teardown(() => again.stop())
  await eventually('it has read again', () => again.progress().reading.length === 0 || undefined)
  t.equal((await again.store.page(newest)).rows.length, 5, 'also over a restart')
})

t.test('a history that is lost while it runs is read from the cluster again', whenThorough, async (t) => {
  const system = await startCluster(t, { service: false })
  for (let n = 0; n < 20; n++) await decide(system, `r${n}`, 'x'.repeat(2000))
  const options = await optionsFor(t, system)
  const history = await startHistory(options)
  t.teardown(() => history.stop())
  await eventually('it has read', () => history.progress().reading.length === 0 || undefined)
  await history.stop()
  const file = openSync(options.file, 'r+')
  writeSync(file, Buffer.alloc(statSync(options.file).size - 8192, 0x5a), 0, undefined, 8192)
  closeSync(file)
  const again = await startHistory(options)
  t.teardown(() => again.stop())
  await eventually(
    'all is there again',
    async () => (await again.store.page(newest)).rows.length === 20 || undefined,
  )
  t.match((options.log as FakeLog).lines, ['error the history begins anew'])
})

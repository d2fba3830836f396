/** What the replica that leads counts, and what is left of it when another one leads. */
import t from 'tap'
import { createMetrics } from '../../src/observe/metrics.ts'
import { watchGauges } from '../../src/wiring/gauges.ts'
import { aBackup } from '../support/build.ts'
import { FakeWorld } from '../support/fake-world.ts'

t.test('a hold is counted by the replica that leads, and by nobody who led before', async (t) => {
  const made = new FakeWorld()
  const metrics = createMetrics('1')
  const annotations = { 'tidewaiter.io/hold': 'pre-actions' }
  made.store(aBackup({ name: 'b1', phase: 'New', annotations }))
  await made.clock.pass(90_000)
  const held = async () =>
    (await metrics.registry.metrics()).split('\n').filter((line) => /^tidewaiter_held.*"Backup"/.test(line))
  const leads = new AbortController()
  const ended = watchGauges({ ...made.world(), metrics }, () => undefined, leads.signal)
  await made.clock.pass(0)
  t.same(await held(), [
    'tidewaiter_held{namespace="velero",kind="Backup"} 1',
    'tidewaiter_held_oldest_seconds{namespace="velero",kind="Backup"} 90',
  ])
  leads.abort()
  await ended
  t.same(await held(), [])
})

/** What the replica that leads counts, and what is left of it when another one leads. */
import t from 'tap'
import { createMetrics } from '../../src/observe/metrics.ts'
import { keptAction } from '../../src/wiring/caches.ts'
import { watchGauges } from '../../src/wiring/gauges.ts'
import { aBackup, anActionObject } from '../support/build.ts'
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

t.test('an Action that nobody adopted is counted as that, whether it can be understood or not', async (t) => {
  const made = new FakeWorld()
  const metrics = createMetrics('1')
  const at = (name: string) => ({ namespace: 'velero', name })
  const unread = { ...anActionObject({ name: 'new' }), spec: {} }
  made.actions.put(at('known'), keptAction(anActionObject({ name: 'known' })))
  made.actions.put(at('new'), keptAction(unread))
  const annotations = { 'tidewaiter.io/author': 'of another key' }
  made.actions.put(at('old'), keptAction({ ...anActionObject({ name: 'old', annotations }), spec: {} }))
  const leads = new AbortController()
  const ended = watchGauges({ ...made.world(), metrics }, () => undefined, leads.signal)
  await made.clock.pass(0)
  const text = await metrics.registry.metrics()
  t.match(text, 'tidewaiter_unadopted_actions{namespace="velero"} 3\n')
  t.match(made.log.lines, [/^error the stamps of these Actions are not by our key/])
  leads.abort()
  await ended
})

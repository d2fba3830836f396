/** Old records go, and nothing that is still needed does. */
import t from 'tap'
import { keepRunsMs } from '../../src/core/garbage.ts'
import { collectGarbage } from '../../src/wiring/garbage.ts'
import { aBackup, aRun } from '../support/build.ts'
import { FakeWorld } from '../support/fake-world.ts'

t.test('an old run is deleted by its uid once its object carries its result, not before', async (t) => {
  const made = new FakeWorld()
  const run = aRun({ name: 'r', uid: 'u', status: { phase: 'Succeeded' } })
  made.runs.put(run.metadata, run)
  made.store(aBackup())
  const stop = new AbortController()
  const collecting = collectGarbage(made.world(), stop.signal)
  await made.clock.pass(keepRunsMs + 3_600_000)
  t.same(made.deleted, [])
  made.store(aBackup({ annotations: { 'tidewaiter.io/pre': JSON.stringify({ run: 'r' }) } }))
  await made.clock.pass(3_600_000)
  t.same(made.deleted, ['r u'])
  stop.abort()
  await collecting
  t.same(made.log.lines, [])
})

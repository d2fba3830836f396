/** Old records go, a little at a time, and nothing that is still needed does. */
import t from 'tap'
import { collectGarbage } from '../../src/wiring/garbage.ts'
import { aBackup, aRun } from '../support/build.ts'
import { FakeWorld } from '../support/fake-world.ts'

const hourMs = 3_600_000
const keptMs = 14 * 24 * hourMs

t.test('an old run is deleted as it was seen once its object carries its result, not before', async (t) => {
  const made = new FakeWorld()
  const run = aRun({ name: 'r', uid: 'u', resourceVersion: '7', status: { phase: 'Succeeded' } })
  made.runs.put(run.metadata, run)
  made.store(aBackup({ phase: 'Completed' }))
  const stop = new AbortController()
  const collecting = collectGarbage(made.world(), stop.signal)
  await made.clock.pass(keptMs + hourMs)
  t.same(made.deleted, [])
  const annotations = { 'tidewaiter.io/pre': JSON.stringify({ run: 'r' }) }
  made.store(aBackup({ phase: 'Completed', annotations }))
  await made.clock.pass(hourMs)
  t.same(made.deleted, ['r u 7'])
  stop.abort()
  await collecting
  t.notMatch(made.log.lines, [/^warn/])
})

t.test('deletions are paced, and end when this replica leads no more', async (t) => {
  const made = new FakeWorld()
  for (let i = 0; i < 100; i++) {
    const run = aRun({ name: `r${i}`, uid: `u${i}`, status: { phase: 'Succeeded' } })
    made.runs.put(run.metadata, run)
  }
  await made.clock.pass(keptMs + hourMs)
  const stop = new AbortController()
  const collecting = collectGarbage(made.world(), stop.signal)
  await made.clock.pass(990)
  t.equal(made.deleted.length, 20, 'in one second')
  stop.abort()
  await collecting
  t.equal(made.deleted.length, 20)
  t.same(made.log.lines, [])
})

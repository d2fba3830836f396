/** Old records go, a little at a time, and nothing that is still needed does. */
import t from 'tap'
import { collectGarbage } from '../../src/wiring/garbage.ts'
import { aBackup, anHttp, aPlannedAction, aRun, type RunGiven } from '../support/build.ts'
import { newYear } from '../support/fake-clock.ts'
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

/** A key that a run took, so many hours after the new year. */
const keyOf = (run: string, hour = 0) => ({
  metadata: {
    name: `key-of-${run}`,
    resourceVersion: '3',
    creationTimestamp: new Date(newYear + hour * hourMs).toISOString(),
    annotations: { 'tidewaiter.io/run': run },
  },
})

t.test('exclusive keys that their runs need no more are given back, all others stay', async (t) => {
  const made = new FakeWorld()
  const exclusive = [aPlannedAction({ exclusive: 'shop' })]
  const put = (name: string, uid: string, given: RunGiven) => {
    const run = aRun({ name, uid, actions: exclusive, objectRef: { kind: 'Backup', name, uid }, ...given })
    made.runs.put(run.metadata, run)
  }
  const ended = { phase: 'Succeeded', completionTimestamp: new Date(newYear).toISOString() } as const
  put('over', 'u1', { status: ended })
  put('open', 'u2', { status: { phase: 'Running' } })
  put('works', 'u3', { status: ended })
  made.store(
    aBackup({
      name: 'works',
      uid: 'u3',
      phase: 'InProgress',
      status: { startTimestamp: new Date(newYear + 2 * hourMs).toISOString() },
    }),
  )
  made.unreadable.push('other-version')
  made.leases = ['other-version', 'over', 'open', 'works', 'deleted'].map((run) => keyOf(run))
  made.leases.push(keyOf('deleted', 3))
  await made.clock.pass(3 * hourMs)
  const stop = new AbortController()
  const collecting = collectGarbage(made.world(), stop.signal)
  await made.clock.pass(1_000)
  stop.abort()
  await collecting
  t.same(made.deleted, ['key-of-over 3', 'key-of-deleted 3'])
  t.match(made.log.lines, [/other-version|could not be read/, /needs no more/, /needs no more/])
})

t.test('a clock that is a day ahead gives back no key of a Backup at work, and prunes no run', async (t) => {
  const made = new FakeWorld()
  const actions = [aPlannedAction({ exclusive: 'shop', undo: { http: anHttp() } })]
  const objectRef = { kind: 'Backup', name: 'works', uid: 'u1' } as const
  const status = { phase: 'Succeeded', completionTimestamp: new Date(newYear).toISOString() } as const
  const run = aRun({ name: 'works', uid: 'u1', actions, objectRef, status })
  made.runs.put(run.metadata, run)
  const startTimestamp = new Date(newYear).toISOString()
  made.store(aBackup({ name: 'works', uid: 'u1', phase: 'InProgress', status: { startTimestamp } }))
  made.leases = [keyOf('works')]
  await made.clock.pass(600_000)
  made.clock.step(30 * 24 * hourMs)
  const stop = new AbortController()
  const collecting = collectGarbage(made.world(), stop.signal)
  await made.clock.pass(600_000)
  stop.abort()
  await collecting
  t.same(made.deleted, [])
})

t.test('a key that came late, after its run was over, is given back within three minutes', async (t) => {
  const made = new FakeWorld()
  const over = { phase: 'Refused', completionTimestamp: new Date(newYear).toISOString() } as const
  const run = aRun({ name: 'over', actions: [aPlannedAction({ exclusive: 'shop' })], status: over })
  made.runs.put(run.metadata, run)
  const stop = new AbortController()
  const collecting = collectGarbage(made.world(), stop.signal)
  await made.clock.pass(70_000)
  made.leases = [keyOf('over', 70_000 / hourMs)]
  await made.clock.pass(60_000)
  t.same(made.deleted, [], 'its run may not be seen yet')
  await made.clock.pass(120_000)
  t.match(made.deleted, [/key-of-over/])
  stop.abort()
  await collecting
})

import t from 'tap'
import { inLine, isStuck, turnOf, type TurnFacts } from '../../../src/core/hold/turn.ts'
import { seenObjectOf } from '../../../src/core/post.ts'
import { aBackup, type VeleroGiven } from '../../support/build.ts'
import { newYear } from '../../support/fake-clock.ts'

const day = 24 * 3_600_000
const iso = (ms: number) => new Date(ms).toISOString()
const hold = { annotations: { 'tidewaiter.io/hold': 'pre-actions' } }

/** A Backup by its name, made so many seconds after the new year. */
const backup = (name: string, second: number, given: VeleroGiven = {}) =>
  seenObjectOf(
    'Backup',
    aBackup({ name, uid: name, creationTimestamp: iso(newYear + second * 1000), phase: 'New', ...given }),
  )
const held = (name: string, second: number, given: VeleroGiven = {}) =>
  backup(name, second, { ...hold, ...given })

const turn = (objects: TurnFacts['objects'], given: Partial<TurnFacts> = {}) =>
  [
    ...turnOf({
      objects,
      slots: 1,
      stuckAfterMs: day,
      now: newYear + 60_000,
      hasBegun: () => false,
      waitsForKey: () => false,
      ...given,
    }),
  ].sort()

t.test('the oldest comes first, and of those made in one second the first by name', async (t) => {
  t.same(turn([held('c', 2), held('b', 1), held('a', 1)]), ['a'])
  t.same(
    inLine([held('c', 2), held('b', 1), held('a', 1)]).map(({ name }) => name),
    ['a', 'b', 'c'],
  )
})

for (const [name, given] of Object.entries<VeleroGiven>({
  'is at work': { phase: 'InProgress', status: { startTimestamp: iso(newYear) } },
  'is queued': { phase: 'Queued' },
  'is about to start': { phase: 'ReadyToStart' },
  'was just let go': { phase: 'New' },
  'was made without a hold': { phase: '' },
}))
  t.test(`nobody begins while one ${name}, unless there is room for two`, async (t) => {
    const objects = [backup('busy', 0, given), held('a', 1)]
    t.same(turn(objects), [])
    t.same(turn(objects, { slots: 2 }), ['a'])
  })

for (const phase of ['WaitingForPluginOperations', 'Finalizing', 'Completed', 'FailedValidation', 'Deleting'])
  t.test(`one that is ${phase} takes no room`, async (t) => {
    t.same(turn([backup('other', 0, { phase }), held('a', 1)]), ['a'])
  })

t.test('one of which nothing was heard for too long takes no room', async (t) => {
  const objects = [backup('busy', 0, { phase: 'InProgress' }), held('a', 1)]
  t.same(turn(objects, { now: newYear + day }), [])
  t.same(turn(objects, { now: newYear + day + 1 }), ['a'])
})

t.test('a sign of life is its start, or a write of its status', async (t) => {
  const managedFields = [{ fieldsV1: { 'f:status': {} }, time: iso(newYear + day) }]
  const raw = aBackup({ phase: 'InProgress' })
  const alive = seenObjectOf('Backup', { ...raw, metadata: { ...raw.metadata, managedFields } })
  t.equal(isStuck(alive, { stuckAfterMs: day, now: newYear + 2 * day }), false)
  t.equal(isStuck(alive, { stuckAfterMs: day, now: newYear + 2 * day + 1 }), true)
  t.equal(
    isStuck(backup('done', 0, { phase: 'Completed' }), { stuckAfterMs: day, now: newYear + 9 * day }),
    false,
  )
})

t.test('what has begun goes on, and takes room', async (t) => {
  const objects = [held('a', 1), held('b', 2), held('c', 3)]
  const hasBegun = (uid: string) => uid === 'b'
  t.same(turn(objects, { hasBegun }), ['b'])
  t.same(turn(objects, { hasBegun, slots: 2 }), ['a', 'b'])
})

t.test('what waits for the key of another takes no room, and may ask again', async (t) => {
  const objects = [held('a', 1), held('b', 2)]
  t.same(turn(objects, { hasBegun: (uid) => uid === 'a', waitsForKey: (uid) => uid === 'a' }), ['a', 'b'])
})

t.test('what is being deleted has no turn', async (t) => {
  t.same(turn([held('a', 1, { deletionTimestamp: iso(newYear) }), held('b', 2)]), ['b'])
})

t.test('what Velero began with is held no more, whatever its annotation says', async (t) => {
  t.same(turn([held('a', 1, { phase: 'Completed' }), held('b', 2)]), ['b'])
})

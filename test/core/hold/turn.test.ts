import t from 'tap'
import { inLine, isStuck, turnOf, type TurnFacts } from '../../../src/core/hold/turn.ts'
import { seenObjectOf } from '../../../src/core/post.ts'
import { aBackup, aPlannedAction, aRow, aRun, type VeleroGiven } from '../../support/build.ts'
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
      runOf: () => undefined,
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

t.test('one that began while the gate was off takes room, although it still carries the hold', async (t) => {
  t.same(turn([held('busy', 0, { phase: 'InProgress' }), held('a', 1)]), [])
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

const startTimestamp = iso(newYear)
/** Runs by the names of their Backups: begun, waiting for a key, or not begun, with the keys that they want. */
const runsOf =
  (
    given: Readonly<Record<string, { readonly begun?: true; readonly waits?: true; readonly key?: string }>>,
  ) =>
  (uid: string) => {
    const { begun, waits, key } = given[uid] ?? {}
    const actions = [aPlannedAction(key === undefined ? {} : { exclusive: key })]
    const row = aRow(waits === true ? { completionTimestamp: iso(newYear) } : {})
    const phase = begun === true && waits !== true ? ('Running' as const) : ('Pending' as const)
    return aRun({
      held: true,
      actions,
      status: { phase, ...(begun === true ? { startTimestamp } : {}), actions: [row] },
    })
  }

t.test('what has begun goes on, and takes room', async (t) => {
  const objects = [held('a', 1), held('b', 2), held('c', 3)]
  const runOf = runsOf({ b: { begun: true } })
  t.same(turn(objects, { runOf }), ['b'])
  t.same(turn(objects, { runOf, slots: 2 }), ['a', 'b'])
})

t.test('what waits for the key of another takes no room, and may ask again', async (t) => {
  const objects = [held('a', 1), held('b', 2)]
  t.same(turn(objects, { runOf: runsOf({ a: { begun: true, waits: true, key: 'shop' } }) }), ['a', 'b'])
})

t.test('who wants the key that an earlier one waits for, or has, does not begin before it', async (t) => {
  const objects = [held('a', 1), held('b', 2), held('c', 3)]
  const keys = { b: { key: 'shop' }, c: { key: 'bar' } } as const
  t.same(turn(objects, { runOf: runsOf({ a: { begun: true, waits: true, key: 'shop' }, ...keys }) }), [
    'a',
    'c',
  ])
  t.same(turn(objects, { slots: 3, runOf: runsOf({ a: { begun: true, key: 'shop' }, ...keys }) }), ['a', 'c'])
  t.same(turn(objects, { slots: 3, runOf: runsOf({ a: { key: 'shop' }, ...keys }) }), ['a', 'c'])
})

t.test('of two that wait for one key the first asks', async (t) => {
  const waits = { begun: true, waits: true, key: 'shop' } as const
  t.same(turn([held('a', 1), held('b', 2)], { runOf: runsOf({ a: waits, b: waits }) }), ['a'])
})

t.test('what is being deleted has no turn', async (t) => {
  t.same(turn([held('a', 1, { deletionTimestamp: iso(newYear) }), held('b', 2)]), ['b'])
})

t.test('what Velero began with is held no more, whatever its annotation says', async (t) => {
  t.same(turn([held('a', 1, { phase: 'Completed' }), held('b', 2)]), ['b'])
})

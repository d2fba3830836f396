import t from 'tap'
import type { AdmissionDecision } from '../../../src/api/admission-decision.ts'
import { Projector } from '../../../src/dashboard/history/projector.ts'
import { HistoryError } from '../../../src/dashboard/history/store.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { FakeLog } from '../../support/fake-log.ts'
import { record } from './support.ts'

/** A store that writes down what it is given, or fails as it is told, and a cluster of which all may be known. */
class World {
  readonly clock = new FakeClock()
  readonly log = new FakeLog()
  readonly batches: (readonly string[])[] = []
  readonly known: AdmissionDecision[] = []
  /** The namespaces that are followed, and whether each was seen whole. */
  readonly synced: Record<string, boolean>
  fails: (batch: readonly AdmissionDecision[]) => Error | undefined = () => undefined
  readonly stop = new AbortController()
  readonly projector: Projector
  readonly ended: Promise<void>

  constructor(synced: Record<string, boolean> = { velero: true }) {
    this.synced = synced
    const followed = Object.keys(synced).map((namespace) => ({
      namespace,
      synced: () => synced[namespace] === true,
      list: () => this.known.filter(({ metadata }) => metadata.namespace === namespace),
    }))
    this.projector = new Projector({
      store: { insert: async (batch) => this.#insert(batch) },
      followed: () => followed,
      clock: this.clock,
      log: this.log,
    })
    this.ended = this.projector.run(this.stop.signal)
  }

  async end(): Promise<void> {
    this.stop.abort()
    await this.ended
  }

  #insert(batch: readonly AdmissionDecision[]) {
    const failure = this.fails(batch)
    if (failure !== undefined) throw failure
    this.batches.push(batch.map(({ metadata, status }) => `${metadata.uid}/${status.count}`))
    return { added: batch.length, changed: 0, same: 0, left: 0 }
  }
}

t.test(
  'nothing is written, and it says that it is reading, until everything was seen; then in the order of time',
  async (t) => {
    const world = new World({ velero: false })
    for (const n of [3, 1, 2]) world.projector.note(record(n))
    await world.clock.pass(5000)
    t.same(world.projector.progress(), { reading: ['velero'], written: 0, waiting: 3, lost: 0 })
    world.synced['velero'] = true
    await world.clock.pass(1000)
    t.same(world.batches, [['uid-1/1', 'uid-2/1', 'uid-3/1']])
    t.same(world.projector.progress(), { reading: [], written: 3, waiting: 0, lost: 0 })
    await world.end()
    t.equal(world.clock.waiting, 0)
  },
)

t.test('a namespace that is never seen whole keeps its own decisions back, and no others', async (t) => {
  const world = new World({ velero: true, other: false })
  world.projector.note(record(2, { namespace: 'other' }))
  world.projector.note(record(1))
  await world.clock.pass(200)
  t.same(world.batches, [['uid-1/1']])
  t.same(world.projector.progress(), { reading: ['other'], written: 1, waiting: 1, lost: 0 })
  world.projector.note(record(3))
  await world.clock.pass(200)
  t.same(world.batches.at(-1), ['uid-3/1'], 'it goes on')
  world.synced['other'] = true
  await world.clock.pass(200)
  t.same(world.batches.at(-1), ['uid-2/1'])
  t.same(world.projector.progress(), { reading: [], written: 3, waiting: 0, lost: 0 })
  await world.end()
})

t.test('an empty cluster is read as soon as that is known', async (t) => {
  const world = new World()
  await world.clock.pass(200)
  t.match(world.projector.progress(), { reading: [], written: 0 })
  await world.end()
})

t.test('of a record that changes quickly only the newest state is written', async (t) => {
  const world = new World()
  await world.clock.pass(200)
  for (const count of [1, 2, 3]) world.projector.note(record(1, { count }))
  await world.clock.pass(200)
  world.projector.note(record(1, { count: 4 }))
  await world.clock.pass(200)
  t.same(world.batches, [['uid-1/3'], ['uid-1/4']])
  await world.end()
})

t.test(
  'while nothing can be written it is told once, tried again ever more slowly, and nothing is lost',
  async (t) => {
    const world = new World()
    let tries = 0
    world.fails = () => {
      tries++
      return new HistoryError('FULL', 'the disk is full')
    }
    world.projector.note(record(1))
    await world.clock.pass(120_000)
    t.ok(tries >= 6 && tries <= 12, `${tries} tries in two minutes`)
    t.match(world.projector.progress(), {
      reading: ['velero'],
      waiting: 1,
      lost: 0,
      trouble: { message: 'the disk is full', since: world.clock.now() - 120_000 + 100 },
    })
    world.projector.note(record(1, { count: 2 }))
    world.fails = () => undefined
    await world.clock.pass(60_000)
    t.same(world.batches, [['uid-1/2']])
    t.equal(world.projector.progress().trouble, undefined)
    t.same(world.log.lines, [
      'error decisions cannot be written to the history; trying again',
      'info decisions are written to the history again',
    ])
    await world.end()
    t.equal(world.clock.waiting, 0)
  },
)

t.test('a record that breaks an insert is left out alone', async (t) => {
  const world = new World()
  world.fails = (batch) =>
    batch.some(({ metadata }) => metadata.uid === 'uid-5') ? new TypeError('a bug') : undefined
  for (let n = 0; n < 9; n++) world.projector.note(record(n))
  await world.clock.pass(1000)
  t.same(
    world.batches.flat().sort(),
    [0, 1, 2, 3, 4, 6, 7, 8].map((n) => `uid-${n}/1`),
  )
  t.match(world.projector.progress(), { reading: [], written: 8, waiting: 0, lost: 1 })
  t.match(world.log.entries, [{ level: 'error', fields: { decision: 'r5' } }])
  await world.end()
})

t.test('what waits is bounded: the oldest is given up, and counted', async (t) => {
  const world = new World({ velero: false })
  for (let n = 0; n < 10_003; n++) world.projector.note(record(n))
  t.match(world.projector.progress(), { waiting: 10_000, lost: 3 })
  await world.end()
})

t.test('a store that lost its file is filled again from the cluster', async (t) => {
  const world = new World()
  world.known.push(record(1), record(2))
  await world.clock.pass(200)
  world.projector.again()
  t.equal(world.projector.progress().reading.length, 1)
  await world.clock.pass(200)
  t.same(world.batches, [['uid-1/1', 'uid-2/1']])
  t.equal(world.projector.progress().reading.length, 0)
  await world.end()
})

/** What is known to be missing of a chain, from the records that were read. */
import t from 'tap'
import { covered, missingIn as found, type Coverage } from '../../../src/core/decision/coverage.ts'
import type { DecisionStatus } from '../../../src/api/admission-decision.ts'
import { aDecision } from '../../support/decisions.ts'

const minute = 60_000
const start = Date.UTC(2026, 0, 1)
const later = start + 24 * 60 * minute

const missingIn = (known: Coverage, now: number, began = 0) => found(known, { now, began }).missing

/** A record of decisions, one a minute: decision n is made in minute n. */
function told(seqs: readonly number[], chain: Partial<DecisionStatus['chain']> = {}) {
  const plain = aDecision().status
  const event = (seq: number) => ({ ...plain.last, seq, time: new Date(start + seq * minute).toISOString() })
  const [first = 1, last = first] = [seqs[0], seqs.at(-1)]
  return aDecision({
    status: {
      count: seqs.length,
      first: event(first),
      last: event(last),
      recent: seqs.slice(1, -1).map(event),
      seqs: seqs.join(','),
      chain: { ...plain.chain, since: event(1).time, seq: last, ...chain },
    },
  })
}

const read = (records: readonly ReturnType<typeof told>[], now = later): Coverage =>
  records.reduce<Coverage | undefined>((known, one) => covered(known, one, now), undefined) as Coverage
const foundIn = (records: readonly ReturnType<typeof told>[]) =>
  missingIn(read(records), later).map(({ decisions, after, before, why }) => [
    why,
    decisions,
    (after - start) / minute,
    (before - start) / minute,
  ])

t.test('numbers that are in no record were made between those around them', async (t) => {
  t.same(foundIn([told([1, 2, 3]), told([7, 8])]), [['LeftRing', 3, 3, 7]])
  t.same(foundIn([told([4])]), [['LeftRing', 3, 1, 4]], 'from the beginning of the chain')
  t.same(foundIn([told([1, 2], { seq: 5 })]), [['LeftRing', 3, 2, 2]], 'to the newest that it says there is')
})

t.test(
  'whatever the order in which records come, and however often, nothing of them is missing',
  async (t) => {
    const [odd, even] = [told([1, 3, 5, 7]), told([2, 4, 6, 8])]
    for (const records of [
      [odd, even],
      [even, odd],
      [told([1, 3]), odd, odd, even],
      [odd, told([1, 3]), even],
    ])
      t.same(foundIn(records), [])
    t.same(foundIn([even]), [['LeftRing', 4, 1, 8]])
  },
)

t.test('what the replica could not record is told as such', async (t) => {
  t.same(foundIn([told([1]), told([9], { lost: '3-5' })]), [
    ['LeftRing', 4, 1, 9],
    ['Lost', 3, 1, 9],
  ])
})

t.test('what is still to be written is not missing, for two minutes', async (t) => {
  const heard = start + 100 * minute
  const known = read([told([1, 4], { waiting: '2-3' })], heard)
  t.same(missingIn(known, heard + minute), [])
  t.match(missingIn(known, heard + 2 * minute), [{ decisions: 2, why: 'LeftRing' }])
  t.same(missingIn(covered(known, told([2, 3], { seq: 4 }), heard), heard + 9 * minute), [], 'it came')
})

t.test('a hole is told once it is two minutes old: what fills it may be on its way', async (t) => {
  const known = read([told([1, 4])])
  t.same(missingIn(known, start + 5 * minute), [])
  t.equal(missingIn(known, start + 6 * minute).length, 1)
})

t.test('holes close together are one; those far apart are not', async (t) => {
  t.same(foundIn([told([1, 3, 5, 20, 22])]), [['LeftRing', 17, 1, 22]])
  const apart = [told([1, 2, 3]), told([5, 6, 7, 8, 9, 10, 11, 12]), told([14])]
  t.same(foundIn(apart), [
    ['LeftRing', 1, 3, 5],
    ['LeftRing', 1, 12, 14],
  ])
})

t.test(
  'what was gone before the reader began is counted, and is no gap, however close it is to one',
  async (t) => {
    const known = read([told([2]), told([5]), told([8])])
    t.match(found(known, { now: later, began: start + 6 * minute }), {
      missing: [{ decisions: 2, before: start + 8 * minute }],
      earlier: 3,
    })
  },
)

t.test('thousands of holes take bounded room, and none of what is missing is forgotten', async (t) => {
  let known: Coverage | undefined
  for (let n = 1; n <= 9001; n += 20)
    known = covered(known, told(Array.from({ length: 10 }, (_, i) => n + 2 * i)), start)
  t.ok((known?.seen.length ?? 0) <= 2000)
  t.ok(JSON.stringify(known).length < 250_000)
  const missing = missingIn(known as Coverage, start + 9e9)
  t.equal(
    missing.reduce((sum, { decisions }) => sum + decisions, 0),
    4500 + 9,
  )
  const again = covered(known, told([1, 3, 5]), start)
  t.same(missingIn(again, start + 9e9), missing, 'an old record that comes again changes nothing')
})

t.test('numbers and times that are none are passed over', async (t) => {
  const plain = aDecision()
  const odd = {
    ...plain,
    status: { ...plain.status, seqs: 'x', chain: { ...plain.status.chain, since: 'never', lost: '-' } },
  }
  t.same(
    missingIn(covered(undefined, odd, start), later).map(({ decisions }) => decisions),
    [1],
  )
})

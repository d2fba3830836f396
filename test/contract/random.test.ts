/** What the comparison of two servers takes away, and what it sees. */
import t from 'tap'
import { normal } from './random-normal.ts'
import { sequence } from './random-operations.ts'
import type { Played } from './random-play.ts'
import { firstDifference } from './random.ts'

const uids = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'] as const

const played = (given: {
  ns?: string
  group?: string
  from?: number
  uid?: string
  time?: string
}): Played => {
  const {
    ns = 'ns-1',
    group = 'g.example.com',
    from = 10,
    uid = uids[0],
    time = '2026-01-01T00:00:00Z',
  } = given
  const metadata = { name: 'a', namespace: ns, uid, creationTimestamp: time, resourceVersion: String(from) }
  const message = `record (${from}) of ${uid} in ${group}`
  return {
    ns,
    group,
    answers: [
      { status: 201, warnings: [], body: { kind: 'Widget', metadata } },
      { status: 200, warnings: [], body: { items: [], metadata: { resourceVersion: String(from + 7) } } },
      { status: 409, warnings: [], body: { kind: 'Status', message } },
    ],
    watches: [[{ type: 'ADDED', object: { metadata } }]],
  }
}

t.test('names of the run, versions, uids and times do not make a difference', async (t) => {
  const other = played({
    ns: 'ns-2',
    group: 'h.example.com',
    from: 900,
    uid: uids[1],
    time: '2027-01-01T00:00:09Z',
  })
  t.same(normal(other), normal(played({})))
})

t.test('the order of versions makes a difference', async (t) => {
  const one = played({})
  const two = played({ from: 5 })
  const both = (first: Played, second: Played) => ({ ...one, answers: [...first.answers, ...second.answers] })
  t.notSame(normal(both(one, two)), normal(both(two, one)))
})

t.test('causes in another order make no difference', async (t) => {
  const status = (causes: readonly object[], message: string): Played => ({
    ...played({}),
    answers: [{ status: 422, warnings: [], body: { kind: 'Status', message, details: { causes } } }],
  })
  const one = status([{ field: 'x' }, { field: 'y' }], 'A "a" is invalid: [x: bad, y: bad]')
  const two = status([{ field: 'y' }, { field: 'x' }], 'A "a" is invalid: [y: bad, x: bad]')
  t.same(normal(one), normal(two))
})

t.test('the first answer that differs is found, then the watches', async (t) => {
  const wanted = normal(played({}))
  t.equal(firstDifference(wanted, wanted), undefined)
  const late = { ...wanted, answers: wanted.answers.with(2, { status: 200 }) }
  t.match(firstDifference(wanted, late), { index: 2, at: 'answer 2', got: { status: 200 } })
  t.match(firstDifference(wanted, { ...wanted, watches: [[]] }), { at: 'watch 0', got: [] })
})

t.test('a seed gives the same sequence again, another seed another', async (t) => {
  t.same(sequence(7), sequence(7))
  t.notSame(sequence(7), sequence(8))
  t.equal(sequence(7, 5).length, 8)
})

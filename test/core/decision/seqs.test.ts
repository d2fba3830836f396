import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import {
  common,
  contains,
  joined,
  missingUpTo,
  seqsIn,
  seqsText,
  sizeOf,
  union,
  withSeq,
  type Seqs,
} from '../../../src/core/decision/seqs.ts'

const of = (...numbers: readonly number[]): Seqs =>
  [...new Set(numbers)].sort((a, b) => a - b).reduce<Seqs>(withSeq, [])
const numbersOf = (seqs: Seqs): readonly number[] =>
  seqs.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i))
const small = fc.array(fc.integer({ min: 1, max: 40 })).map((numbers) => of(...numbers))

t.test('numbers are written as ranges and read again', async (t) => {
  t.equal(seqsText(of(3, 7, 8, 9, 20)), '3,7-9,20')
  fc.assert(fc.property(small, (seqs) => assert.deepEqual(seqsIn(seqsText(seqs)), seqs)))
})

for (const text of ['x', '1,', '0', '2-1', '3,2', '1-5,5', '-1', '1e9', '1.5', '9'.repeat(16)])
  t.test(`${text} is no text of numbers`, async (t) => t.equal(seqsIn(text), undefined))

t.test('what is in both, in either and in neither is what sets have', async () => {
  fc.assert(
    fc.property(small, small, (one, other) => {
      const [a, b] = [new Set(numbersOf(one)), new Set(numbersOf(other))]
      const all = Array.from({ length: 45 }, (_, i) => i + 1)
      assert.deepEqual(
        numbersOf(union(one, other)),
        all.filter((n) => a.has(n) || b.has(n)),
      )
      assert.deepEqual(
        numbersOf(common(one, other)),
        all.filter((n) => a.has(n) && b.has(n)),
      )
      assert.deepEqual(
        numbersOf(missingUpTo(45, one)),
        all.filter((n) => !a.has(n)),
      )
      assert.ok(all.every((n) => contains(one, n) === a.has(n)))
      assert.equal(sizeOf(one), a.size)
    }),
  )
})

t.test(
  'too many ranges are joined over the smallest gaps, and none of the numbers is left out',
  async (t) => {
    t.equal(seqsText(joined(of(1, 3, 100, 102, 500), 3)), '1-3,100-102,500')
    fc.assert(
      fc.property(small, fc.integer({ min: 1, max: 6 }), (seqs, most) => {
        const few = joined(seqs, most)
        assert.ok(few.length <= most)
        assert.ok(numbersOf(seqs).every((n) => contains(few, n)))
      }),
    )
  },
)

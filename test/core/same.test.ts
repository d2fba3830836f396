import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { isSame } from '../../src/core/same.ts'
import { runs } from '../support/runs.ts'

t.test('two values are the same exactly if everything in them is, in lists in the same order', async () => {
  const json = fc.jsonValue({ maxDepth: 3 })
  fc.assert(
    fc.property(json, json, (one, other) => isSame(one, other) === isDeepStrictEqual(one, other)),
    { seed: 5, numRuns: runs(2000) },
  )
  fc.assert(
    fc.property(json, (one) => isSame(one, structuredClone(one))),
    { seed: 5, numRuns: runs(2000) },
  )
})

const different: readonly (readonly [unknown, unknown])[] = [
  [1, '1'],
  [null, {}],
  [[], {}],
  [['a'], { 0: 'a' }],
  [{ a: undefined }, {}],
  [{ a: 1 }, { a: 1, b: 1 }],
  [
    [1, 2],
    [2, 1],
  ],
  [{ a: { b: [{ c: 1 }] } }, { a: { b: [{ c: 2 }] } }],
]

t.test('what differs is told apart, either way round', async (t) => {
  for (const [one, other] of different) {
    t.notOk(isSame(one, other), JSON.stringify([one, other]))
    t.notOk(isSame(other, one), JSON.stringify([other, one]))
  }
})

t.test('the order of keys says nothing', async (t) => {
  t.ok(isSame({ a: 1, b: { c: 1, d: [] } }, { b: { d: [], c: 1 }, a: 1 }))
})

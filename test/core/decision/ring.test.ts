import t from 'tap'
import { keepDecisionsMs, mostDecisions, outOfRing } from '../../../src/core/decision/ring.ts'

const now = Date.parse('2026-01-31T00:00:00Z')
const aged = (...ages: readonly number[]) => ages.map((age) => ({ lastAt: now - age }))

t.test('the oldest go when there are too many', async (t) => {
  const many = aged(...Array.from({ length: mostDecisions + 2 }, (_, i) => i))
  t.same(
    outOfRing(many, now).map(({ lastAt }) => now - lastAt),
    [mostDecisions + 1, mostDecisions],
  )
  t.same(outOfRing(many.slice(2), now), [])
})

t.test('what is too old goes, however few there are', async (t) => {
  t.same(outOfRing(aged(0, keepDecisionsMs, keepDecisionsMs + 1), now), aged(keepDecisionsMs + 1))
})

t.test('a record that does not say how old it is goes first', async (t) => {
  t.same(outOfRing([{ lastAt: Number.NaN }, ...aged(1)], now).length, 1)
})

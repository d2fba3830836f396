import t from 'tap'
import { LastUsed } from '../../src/cel/cache.ts'

t.test('what was not used for longest makes room', async (t) => {
  const kept = new LastUsed<string>(2)
  const made: string[] = []
  const get = (key: string) => kept.get(key, () => (made.push(key), key.toUpperCase()))
  for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) t.equal(get(key), key.toUpperCase())
  t.same(made, ['a', 'b', 'c', 'b'])
  t.equal(kept.size, 2)
})

t.test('what is heavy makes as many others go as its weight takes', async (t) => {
  const kept = new LastUsed<number>(10, (value, key) => value + key.length - 1)
  for (const [key, weight] of [
    ['a', 4],
    ['b', 4],
    ['c', 2],
    ['d', 7],
  ] as const)
    kept.get(key, () => weight)
  t.equal(kept.size, 2)
  t.equal(
    kept.get('c', () => 0),
    2,
  )
  t.equal(
    kept.get('e', () => 11),
    11,
    'what is heavier than all that may be kept',
  )
  t.equal(kept.size, 0)
  t.equal(
    kept.get('d', () => 3),
    3,
  )
})

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

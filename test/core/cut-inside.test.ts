/** What is cut in the middle keeps its beginning and its end. */
import t from 'tap'
import { cutInside } from '../../src/core/cut-inside.ts'

t.test('a text that is short enough stays, a longer one loses its middle', async (t) => {
  t.equal(cutInside('0123456789', 10), '0123456789')
  t.equal(cutInside('0123456789a', 10), '0123...89a')
})

t.test('no character is cut in two, and no length is too small', async (t) => {
  for (let longest = 0; longest < 40; longest += 1) {
    const cut = cutInside('😀'.repeat(20), longest)
    t.ok(cut.isWellFormed(), `${longest}`)
    t.ok(cut.length <= Math.max(3, longest), `${longest}`)
  }
})

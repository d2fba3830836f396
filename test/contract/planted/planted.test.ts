/** The list of planted bugs still fits the source; `npm run planted` shows that each is caught. */
import t from 'tap'
import { allBugs } from './all-bugs.ts'
import { plantedIn } from './bug.ts'
import { sourceOf } from './tree.ts'

for (const bug of allBugs) {
  t.test(`the text to plant "${bug.name}" in is in the source once`, async (t) => {
    const source = await sourceOf(bug)
    t.not(plantedIn(source, bug), source)
  })
}

t.test('every planted bug has a name of its own', async (t) => {
  t.equal(new Set(allBugs.map(({ name }) => name)).size, allBugs.length)
})

t.test('a bug whose text is gone from the source, or there twice, is told', async (t) => {
  const bug = { name: 'a bug', file: 'a.ts', text: 'one', planted: 'two', first: '' }
  t.equal(plantedIn('one $& 1', bug), 'two $& 1')
  t.throws(() => plantedIn('zero', bug), /got it 0 times/)
  t.throws(() => plantedIn('one one', bug), /got it 2 times/)
})

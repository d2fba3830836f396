/** The list of planted bugs still fits the source; `node test/crash/planted/main.ts` shows that the harness finds each. */
import { readFile } from 'node:fs/promises'
import t from 'tap'
import { plantedIn } from './bug.ts'
import { bugs } from './bugs.ts'

for (const bug of bugs)
  t.test(`the text to plant "${bug.name}" in is in the source once`, async (t) => {
    const source = await readFile(new URL(`../../../src/${bug.file}`, import.meta.url), 'utf8')
    t.not(plantedIn(source, bug), source)
  })

t.test('none is found by whatever is wrong', async (t) => {
  for (const { wrong } of bugs) t.notMatch('something is wrong', wrong)
})

t.test('there are fifteen at least, and each has a name of its own', async (t) => {
  t.ok(bugs.length >= 15)
  t.equal(new Set(bugs.map(({ name }) => name)).size, bugs.length)
})

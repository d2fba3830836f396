/** The contract as a list. */
import t from 'tap'
import { allCases } from './all-cases.ts'

t.test('every case has a name of its own', async (t) => {
  const names = allCases.map(({ name }) => name)
  t.same(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  )
})

t.test('the contract has at least 250 cases', async (t) => {
  t.ok(allCases.length >= 250, `got ${allCases.length}`)
})

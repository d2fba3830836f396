import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { parseRequirements, type Requirement } from '../../../../src/sandbox/apiserver/rest/label-parser.ts'

const name = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/)
const values = fc.uniqueArray(name, { minLength: 1, maxLength: 4 }).map((list) => list.toSorted())
const requirement: fc.Arbitrary<Requirement> = fc.oneof(
  fc.record({ key: name, operator: fc.constantFrom('exists', 'absent'), values: fc.constant([]) }),
  fc.record({ key: name, operator: fc.constantFrom('in', 'notin'), values }),
  fc.record({ key: name, operator: fc.constantFrom('=', '!='), values: fc.tuple(name) }),
)

function written({ key, operator, values }: Requirement): string {
  if (operator === 'exists') return key
  if (operator === 'absent') return `!${key}`
  return operator.endsWith('in')
    ? `${key} ${operator} (${values.join(',')})`
    : `${key}${operator}${values[0]}`
}

t.test('what is written is read', async () => {
  fc.assert(
    fc.property(fc.array(requirement), (given) => {
      assert.deepEqual(
        parseRequirements(given.map(written).join(',')),
        given.map((one) => ({ ...one })),
      )
    }),
    { seed: 1, numRuns: 200 },
  )
})

t.test('any text is read or refused, and nothing else happens', async () => {
  const token = fc.constantFrom('a', 'in', 'notin', '(', ')', ',', '=', '==', '!', '!=', '<', '>', ' ', 'é')
  fc.assert(
    fc.property(fc.array(token, { maxLength: 12 }), (words) => {
      try {
        parseRequirements(words.join(''))
      } catch (error) {
        assert.equal(Object(error).code, 400)
      }
    }),
    { seed: 1, numRuns: 500 },
  )
})

const lists = {
  'a in ()': [''],
  'a in (,)': [''],
  'a in (x,)': ['', 'x'],
  'a in (,x)': ['', 'x'],
  'a in (y,x,x)': ['x', 'y'],
} as const

for (const [given, want] of Object.entries(lists)) {
  t.test(`${given} has the values ${JSON.stringify(want)}`, async (t) => {
    t.same(parseRequirements(given), [{ key: 'a', operator: 'in', values: want }])
  })
}

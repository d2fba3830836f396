import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { duplicateFields } from '../../../../src/sandbox/apiserver/rest/duplicates.ts'

const cases = {
  'a key of the root': ['{"a":1,"a":2}', ['a']],
  'a key in an object': ['{"data":{"k":"v","k":"w"}}', ['data.k']],
  'a key in an item of a list': ['{"a":[1,{"b":1,"b":2}]}', ['a[1].b']],
  'the same key in two objects is not twice': ['{"a":{"k":1},"b":{"k":2}}', []],
  'a value that looks like a key is none': ['{"a":"a","b":["a","a"]}', []],
  'brackets and commas in a text are text': ['{"a":"},{\\",","b":1,"a":2}', ['a']],
  'an escaped key is the same key': ['{"a":1,"\\u0061":2}', ['a']],
} as const

for (const [name, [given, want]] of Object.entries(cases)) {
  t.test(name, async (t) => {
    t.same(duplicateFields(given), want)
  })
}

t.test('what was an object has nothing twice', async () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      assert.deepEqual(duplicateFields(JSON.stringify(value)), [])
    }),
    { seed: 1, numRuns: 200 },
  )
})

t.test('a field that is written again is found wherever it stands', async () => {
  const key = fc.string({ minLength: 1 })
  fc.assert(
    fc.property(key, fc.array(fc.tuple(key, fc.jsonValue({ maxDepth: 2 }))), (twice, others) => {
      const fields = [[twice, 1] as const, ...others.filter(([name]) => name !== twice), [twice, 2] as const]
      const unique = fields.filter(
        ([name], index) => name === twice || fields.findIndex(([other]) => other === name) === index,
      )
      const text = unique.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')
      assert.deepEqual(duplicateFields(`{${text}}`), [twice])
    }),
    { seed: 1, numRuns: 200 },
  )
})

t.test('a long text of quotes ends soon', async (t) => {
  t.same(duplicateFields(JSON.stringify({ a: '\\"'.repeat(1_000_000) })), [])
})

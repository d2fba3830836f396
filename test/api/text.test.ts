/** Words about values. */
import t from 'tap'
import { sentenceOf } from '../../src/api/problems.ts'
import { codePoints, enumerated, isLongerThan, shortened, shown } from '../../src/api/text.ts'

t.test('length is counted in code points, a lone surrogate is one', async (t) => {
  for (const [text, want] of Object.entries({ '': 0, abc: 3, '🚢é': 2, '\ud83d': 1 }))
    t.equal(codePoints(text), want)
})

t.test('whether a text is too long is said without counting what is certain', async (t) => {
  t.equal(isLongerThan('🚢🚢', 2), false)
  t.equal(isLongerThan('🚢🚢🚢', 2), true)
  t.equal(isLongerThan('abc', 2), true)
  t.equal(isLongerThan('abcde', 2), true)
  t.equal(isLongerThan('ab', 2), false)
})

t.test(
  'a text is shown cut to 60 code points, with nothing that moves the cursor or turns the direction',
  async (t) => {
    t.equal(shortened('a'.repeat(60)), 'a'.repeat(60))
    t.equal(shortened('🚢'.repeat(61)), `${'🚢'.repeat(60)}...`)
    t.equal(shortened('a'.repeat(1_000_000)), `${'a'.repeat(60)}...`)
    t.equal(shortened('a\n\u001b[2J\u202eb'), 'a\\u000a\\u001b[2J\\u202eb')
  },
)

const values: Readonly<Record<string, { given: unknown; want: unknown }>> = {
  nothing: { given: undefined, want: undefined },
  null: { given: null, want: null },
  'a flag': { given: false, want: false },
  'a number': { given: 1.5, want: 1.5 },
  'what is no number': { given: Number.NaN, want: 'NaN' },
  'a text': { given: 'a', want: 'a' },
  'a list': { given: [1, 2], want: 'a list of 2' },
  'an object': { given: { password: 'x' }, want: 'an object' },
  'what JSON has not': { given: 5n, want: 'a bigint' },
}

for (const [name, { given, want }] of Object.entries(values)) {
  t.test(`${name} is shown short`, async (t) => t.equal(shown(given), want))
}

t.test('words are listed as one says them', async (t) => {
  t.equal(enumerated([]), '')
  t.equal(enumerated(['a']), 'a')
  t.equal(enumerated(['a', 'b']), 'a and b')
  t.equal(enumerated(['a', 'b', 'c'], 'or'), 'a, b or c')
})

t.test('a problem is one sentence, with what was there if something was', async (t) => {
  t.equal(sentenceOf({ path: 'spec.a', want: 'be given' }), 'spec.a must be given')
  t.equal(sentenceOf({ path: 'spec.a', want: 'be text', got: 5 }), 'spec.a must be text, got 5')
  t.equal(
    sentenceOf({ path: 'spec.a', want: 'be b', got: 'c'.repeat(99) }),
    `spec.a must be b, got "${'c'.repeat(59)}...`,
  )
})

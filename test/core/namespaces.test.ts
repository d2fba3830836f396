import fc from 'fast-check'
import t from 'tap'
import { comparable, intersect, mayTouch, type NamespaceScope } from '../../src/core/namespaces.ts'
import { runs } from '../support/runs.ts'

const seed = 20_260_101
const scope = (given: Partial<NamespaceScope> = {}): NamespaceScope => ({
  included: [],
  excluded: [],
  mapping: {},
  ...given,
})
const comparableOf = (given: Partial<NamespaceScope>) => comparable(scope(given))

for (const [name, { given, patterns, want }] of Object.entries({
  'nothing included means all': { given: {}, patterns: ['shop'], want: true },
  '* means all': { given: { included: ['*'] }, patterns: ['shop'], want: true },
  'the very name': { given: { included: ['shop'] }, patterns: ['shop'], want: true },
  'another name is disjoint': { given: { included: ['bank'] }, patterns: ['shop'], want: false },
  'a pattern that covers it': { given: { included: ['shop-eu'] }, patterns: ['shop-*'], want: true },
  'two patterns that meet': { given: { included: ['*-eu'] }, patterns: ['shop-*'], want: true },
  'two patterns that cannot meet': { given: { included: ['bank-*'] }, patterns: ['shop-*'], want: false },
  'a question mark is one character': { given: { included: ['sho?'] }, patterns: ['shop'], want: true },
  'a question mark is not two': { given: { included: ['sho?'] }, patterns: ['shopp'], want: false },
  'excluded by name': { given: { excluded: ['shop'] }, patterns: ['shop'], want: false },
  'excluded by a pattern that covers it': {
    given: { excluded: ['shop-*'] },
    patterns: ['shop-eu'],
    want: false,
  },
  'excluded by a pattern that covers the pattern': {
    given: { excluded: ['shop-*'] },
    patterns: ['shop-e*'],
    want: false,
  },
  'an exclusion that leaves something': {
    given: { excluded: ['shop-eu'] },
    patterns: ['shop-*'],
    want: true,
  },
  'an exclusion that is not understood excludes nothing': {
    given: { excluded: ['{shop}'] },
    patterns: ['shop'],
    want: true,
  },
  'a list in brackets is not understood, and matches': {
    given: { included: ['[a-z]*'] },
    patterns: ['shop'],
    want: true,
  },
  'the target of a mapping': {
    given: { included: ['a'], mapping: { a: 'shop' } },
    patterns: ['shop'],
    want: true,
  },
  'the source of a mapping': {
    given: { included: ['shop'], mapping: { shop: 'b' } },
    patterns: ['shop'],
    want: true,
  },
  'a mapping of what is not included': {
    given: { included: ['b'], mapping: { a: 'shop' } },
    patterns: ['shop'],
    want: false,
  },
  'a mapping of what is excluded': {
    given: { excluded: ['a'], mapping: { a: 'shop' } },
    patterns: ['shop'],
    want: true,
  },
  'a mapping of what is excluded, and the target too': {
    given: { excluded: ['a', 'shop'], mapping: { a: 'shop' } },
    patterns: ['shop'],
    want: false,
  },
  'the empty text is no namespace': { given: { included: [''] }, patterns: ['shop'], want: false },
} as const)) {
  t.test(`matching by namespace: ${name}`, async (t) => {
    t.equal(mayTouch(comparableOf(given), patterns), want)
  })
}

// All texts of up to three letters of a small alphabet: enough for every way in which * and ? can meet.
const letters = ['a', 'b']
const texts = letters.flatMap((one) => [
  one,
  ...letters.flatMap((two) => [one + two, ...letters.map((three) => one + two + three)]),
])
const matches = (pattern: string, text: string) =>
  new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(text)
const aPattern = fc
  .array(fc.constantFrom('a', 'b', '*', '?'), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join(''))
const some = (most: number) => fc.array(aPattern, { maxLength: most })

t.test('matching cannot be dodged: a namespace that is in both is always found', async (t) => {
  const mapping = fc.dictionary(fc.constantFrom(...texts), fc.constantFrom(...texts), { maxKeys: 2 })
  const property = fc.property(
    some(2),
    some(2),
    mapping,
    fc.array(aPattern, { minLength: 1, maxLength: 2 }),
    (included, excluded, mapping, patterns) => {
      const inScope = (text: string) =>
        (included.length === 0 || included.some((one) => matches(one, text))) &&
        !excluded.some((one) => matches(one, text))
      const wanted = (text: string) => patterns.some((one) => matches(one, text))
      const touched = texts.some(
        (text) => inScope(text) && (wanted(text) || (mapping[text] !== undefined && wanted(mapping[text]))),
      )
      return !touched || mayTouch(comparable({ included, excluded, mapping }), patterns)
    },
  )
  fc.assert(property, { seed, numRuns: runs(2000) })
  t.pass()
})

t.test('two patterns meet exactly if some text matches both', async (t) => {
  // Long enough to hold any shortest witness of two patterns of four.
  const witness = (a: string, b: string) => {
    const longest = 8
    let found = ['']
    for (let i = 0; i <= longest; i++) {
      if (found.some((text) => matches(a, text) && matches(b, text))) return true
      if (i < longest) found = found.flatMap((text) => letters.map((letter) => text + letter))
    }
    return false
  }
  fc.assert(
    fc.property(aPattern, aPattern, (a, b) => intersect(a, b) === witness(a, b)),
    { seed, numRuns: 200 },
  )
  t.pass()
})

t.test('what would take too long to find out matches, and at once', async (t) => {
  const hostile = [
    scope({ included: ['*a'.repeat(500_000)] }),
    scope({ included: Array.from({ length: 60_000 }, (_, i) => `*${i}*x`) }),
    scope({ excluded: Array.from({ length: 60_000 }, (_, i) => `*${i}*x`) }),
    scope({
      mapping: Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`*x${i}`, 'z*'])),
      included: ['q'],
    }),
  ]
  const patterns = Array.from({ length: 256 }, (_, i) => `${'*b'.repeat(25)}${i}`)
  const began = performance.now()
  for (const one of hostile) t.equal(mayTouch(comparable(one), patterns), true)
  t.ok(performance.now() - began < 5_000, 'bounded by steps; unbounded it takes minutes')
  t.comment(`${Math.round(performance.now() - began)} ms`)
})

t.test('all Actions of one question together take no more than one of them may', async (t) => {
  const teams = Array.from({ length: 2_000 }, (_, i) => `team-${i}-*`)
  t.equal(mayTouch(comparableOf({ included: teams }), ['shop-999']), false, 'with all steps left')
  const namespaces = comparableOf({ included: teams })
  const answers = Array.from({ length: 1_000 }, (_, i) => mayTouch(namespaces, [`shop-${i}`]))
  const told = answers.indexOf(true)
  t.ok(told > 10 && told < 100, `${told} are told apart: 1,000,000 steps, 20,000 for each`)
  t.notOk(answers.slice(told).includes(false), 'with no steps left, whoever asks matches')
})

t.test('a name is told from other names with no steps left, and at once', async (t) => {
  const many = Array.from({ length: 60_000 }, (_, i) => `team-${i}`)
  const namespaces = comparableOf({
    included: ['shop', ...many],
    excluded: many,
    mapping: { shop: 'bank', ...Object.fromEntries(many.map((name) => [name, 'safe'])) },
  })
  t.equal(mayTouch(namespaces, ['t*']), true)
  t.ok(namespaces.work.left < 0)
  const began = performance.now()
  const wanted = { shop: true, bank: true, 'team-7': false, other: false, safe: true, 's*': true }
  for (const [name, want] of Object.entries(wanted))
    for (let i = 0; i < 1_000; i += 1)
      if (mayTouch(namespaces, [name]) !== want) t.fail(`${name}: wanted ${want}`)
  t.ok(performance.now() - began < 1_000, 'looked up; walked through it takes more than twice as long')
  t.comment(`${Math.round(performance.now() - began)} ms`)
})

t.test('a thousand honest names are told apart for five hundred Actions of one question', async (t) => {
  const namespaces = comparableOf({ included: Array.from({ length: 1_000 }, (_, i) => `team-${i}`) })
  const patternsOf = (i: number) => [`shop-${i}`, i % 2 === 0 ? `shop-${i}-*` : `*-eu-${i}x`]
  const answers = Array.from({ length: 500 }, (_, i) => mayTouch(namespaces, patternsOf(i)))
  t.notOk(answers.includes(true))
})

t.test('thousands of honest names are still told apart', async (t) => {
  const included = Array.from({ length: 5_000 }, (_, i) => `team-${i}`)
  t.equal(mayTouch(comparableOf({ included }), ['shop-*', 'bank']), false)
  t.equal(mayTouch(comparableOf({ included: [...included, 'shop-eu'] }), ['shop-*', 'bank']), true)
})

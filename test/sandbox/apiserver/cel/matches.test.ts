import t from 'tap'
import { evaluate } from '../../../../src/sandbox/apiserver/cel/evaluate.ts'
import { withSafeMatches } from '../../../../src/sandbox/apiserver/cel/matches.ts'

const renamed = {
  'the method is another': [`a.matches('x')`, `a.re2find('x')`],
  'with space between too': [`a . matches ('x')`, `a . re2find ('x')`],
  'a field of that name stays': ['a.matches == b', 'a.matches == b'],
  'a text stays': [`'.matches(' + ".matches("`, `'.matches(' + ".matches("`],
  'a text in three quotes stays': [`'''it's .matches('''.matches('x')`, `'''it's .matches('''.re2find('x')`],
  'a raw text stays': [`r'\\.matches('.matches(r'\\d')`, `r'\\.matches('.re2find(r'\\d')`],
  'an escaped quote ends no text': [`'\\'.matches('.matches('x')`, `'\\'.matches('.re2find('x')`],
} as const

for (const [name, [given, want]] of Object.entries(renamed)) {
  t.test(name, async (t) => {
    t.equal(withSafeMatches(given), want)
    t.equal(withSafeMatches(given).length, given.length)
  })
}

t.test('a pattern that holds up other engines is matched at once', async (t) => {
  t.same(evaluate(`('a' + self + '!').matches('^(a+)+$')`, { self: 'a'.repeat(10_000) }), { value: false })
})

t.test('a pattern may be anywhere in the text, as RE2 has it', async (t) => {
  t.same(evaluate(`self.matches('b+')`, { self: 'abba' }), { value: true })
})

t.test('a pattern that is none is an error, not a failure of the server', async (t) => {
  t.match(evaluate(`self.matches(self)`, { self: '(' }), { error: /error parsing regexp/ })
})

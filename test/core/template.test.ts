import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import t from 'tap'
import { deepestBody, expressionsIn, mostExpressions, splitTemplate } from '../../src/core/template.ts'

const cases = {
  'a text without expressions is one literal': { given: 'a $b {c} $', want: ['a $b {c} $'] },
  'an empty text has no parts': { given: '', want: [] },
  'an expression stands between literals': { given: 'a${ b }c', want: ['a', { expression: 'b' }, 'c'] },
  'two expressions may touch': { given: '${a}${b}', want: [{ expression: 'a' }, { expression: 'b' }] },
  '$${ is a literal ${': { given: '$${a}${b}', want: ['${a}', { expression: 'b' }] },
  'a dollar before $${ stays': { given: '$$${a}', want: ['$${a}'] },
  'braces may nest': { given: "${{'a': {'b': 1}}.a}!", want: [{ expression: "{'a': {'b': 1}}.a" }, '!'] },
  'a brace in a text of CEL does not close': {
    given: `\${'}' + "}"}!`,
    want: [{ expression: `'}' + "}"` }, '!'],
  },
  'an escaped quote does not end a text': { given: "${'a\\'}'}!", want: [{ expression: "'a\\'}'" }, '!'] },
  'a triple-quoted text may hold quotes': {
    given: "${'''a'}''}'''}!",
    want: [{ expression: "'''a'}''}'''" }, '!'],
  },
  'a raw text reads as the lexer reads it': { given: "${r'\\d}'}!", want: [{ expression: "r'\\d}'" }, '!'] },
  'a brace in a comment does not close': { given: '${a // }\n}!', want: [{ expression: 'a // }' }, '!'] },
}
for (const [name, { given, want }] of Object.entries(cases)) {
  t.test(name, async (t) => {
    t.same(splitTemplate(given), { ok: want })
  })
}

const broken = {
  'an expression that is not closed is named with its place': {
    given: 'a\nbc${d',
    want: /line 2, column 3 is not closed/,
  },
  'a text of CEL that is not closed leaves the expression open': {
    given: "${'a}",
    want: /line 1, column 1 is not closed/,
  },
  'a comment without end leaves the expression open': { given: '${a // }', want: /not closed/ },
  'an empty expression is refused': { given: 'x${ }', want: /line 1, column 2 is empty/ },
}
for (const [name, { given, want }] of Object.entries(broken)) {
  t.test(name, async (t) => {
    t.match(splitTemplate(given), { problem: want })
  })
}

t.test('any text survives once its ${ is escaped', async () => {
  const texts = fc.string({ unit: fc.constantFrom('$', '{', '}', 'a', "'", '\\') })
  const survives = fc.property(texts, (text) => {
    const split = splitTemplate(text.replaceAll('${', () => '$${'))
    assert.deepEqual(split, { ok: text === '' ? [] : [text] })
  })
  fc.assert(survives, { seed: 1, numRuns: 200 })
})

t.test('every expression is found with the path that the API server would write', async (t) => {
  const body = { a: ['${b}', 1, { 'x.y': '${c}${d}' }], e: 'f', g: null }
  t.same(expressionsIn(body, 'spec.http.body'), {
    found: [
      { path: 'spec.http.body.a[0]', expression: 'b' },
      { path: 'spec.http.body.a[2][x.y]', expression: 'c' },
      { path: 'spec.http.body.a[2][x.y]', expression: 'd' },
    ],
    problems: [],
  })
  t.same(expressionsIn('https://a/${b}', 'spec.http.url').found, [{ path: 'spec.http.url', expression: 'b' }])
})

t.test('templates that are broken, too many or too deep are problems', async (t) => {
  t.match(expressionsIn({ a: '${' }, 'x'), { problems: [{ path: 'x.a', want: /closed/ }] })
  t.match(expressionsIn('${a}'.repeat(mostExpressions + 1), 'x'), {
    problems: [{ path: 'x', want: /at most 256/ }],
  })
  let deep: unknown = 'a'
  for (let level = 0; level <= deepestBody; level += 1) deep = [deep]
  t.match(expressionsIn(deep, 'x').problems, [{ want: /at most 64 levels/ }])
})

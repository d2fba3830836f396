import { Environment, type ParseResult } from '@marcbachmann/cel-js'
import t, { type Test } from 'tap'
import { createCel } from '../../src/cel/cel.ts'

const many = Array.from({ length: 10_000 }, (_, index) => `namespace-${index}`)
const long = 'a'.repeat(1_000_000)
const cel = createCel()

/** Doubles something in every round of a chain; chained comprehensions are not nested, so only steps hold them. */
const chain = (start: string, round: string, rounds: number) => start + round.repeat(rounds)

const hungry = {
  'names compared with names': 'b.names.exists(n, b.names.exists(m, m == n + "x"))',
  'names copied for each name': 'b.names.map(a, b.names.map(c, c))',
  'a list given for each name': 'b.names.map(a, b.names)',
  'names looked for in names': 'b.names.exists(n, "x" in b.names)',
  'names joined for each name': 'b.names.exists(n, b.names.join("") == n)',
  'a text that doubles': chain("['aaaaaaaaaaaaaaaa']", '.map(x, x + x)', 30),
  'a list that doubles': chain('[1]', '.map(a, [a, a])', 30),
  'a list that doubles, compared': `${chain('[1]', '.map(a, [a, a])', 25)} == ${chain('[1]', '.map(a, [a, a])', 25)}`,
  'a text that grows by replacing': chain("'a'", ".replace('', 'bbbbbbbbbbbbbbbbbbbbbbbb')", 12),
  'a text that grows by replacing what it holds': chain(
    "'a'",
    ".replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')",
    12,
  ),
  'a text that grows by format': chain("['aaaaaaaaaaaaaaaa']", ".map(x, '%s%s'.format([x, x]))", 25),
  'a few places replaced by a long text': "'aaaaaaaaaa'.replace('a', long) == ''",
  'a long text joined to itself': "[long, long, long, long, long].join(long) == ''",
  'a long text split into characters': "long.split('')",
  'a long text counted in characters': 'long.substring(1)',
  'a needle of repetitions in a long text': `long.contains('b${'a'.repeat(500)}')`,
  'a pattern over a long text': "long.matches('^(a+)+$')",
  'errors that are swallowed': 'b.names.exists(n, int(n) == 1)',
  'errors that are swallowed by ||': 'b.names.all(n, int(n) == 1 || true)',
}
for (const [name, source] of Object.entries(hungry)) {
  t.test(`steps hold back ${name}`, async (t) => {
    const values = { b: { names: many }, long }
    t.match(cel.evaluate(source, values), { error: /more than 250000 steps: compare fewer/ })
  })
}

const cheap = {
  'one look at each of 10000 names': ['b.names.exists(n, n == "x")', false],
  'two looks at each of 10000 names': ['b.names.all(n, n.startsWith("namespace-") && n.size() > 3)', true],
  'a list compared with itself': ['b.names == b.names', true],
  'a search in a long text': ['long.contains("b")', false],
} as const
for (const [name, [source, ok]] of Object.entries(cheap)) {
  t.test(`steps allow ${name}`, async (t) => {
    t.same(cel.evaluate(source, { b: { names: many }, long }), { ok })
  })
}

t.test('no && or quantifier swallows the end of the steps', async (t) => {
  const few = createCel({ steps: 900 })
  t.match(few.evaluate('b.names.exists(n, n == "x") || true', { b: { names: many } }), {
    error: /more than 900 steps/,
  })
  t.match(few.evaluate('[1].exists(x, b.names.exists(n, n == "x")) || true', { b: { names: many } }), {
    error: /more than 900 steps/,
  })
})

t.test('steps grow with the values, not with a power of them', async (t) => {
  const stepsFor = (source: string, size: number) => {
    const values = { s: `${'a'.repeat(size)}!`, l: many.slice(0, size) }
    let steps = 1
    while ('error' in createCel({ steps }).evaluate(source, values)) steps *= 2
    return steps
  }
  for (const source of [
    "s.matches('^(a+)+$')",
    "s.matches('(a|aa)+$')",
    'l.exists(n, n == "x")',
    "s.replace('a', 'bb').size()",
  ]) {
    t.ok(stepsFor(source, 1000) <= 16 * stepsFor(source, 100), source)
  }
})

t.test('source and tree are bounded, and the checker survives what nests', async (t) => {
  const cases = {
    'a source of 64 KiB': ['a'.repeat(65_536), /65536 characters of at most 2048/],
    '2000 times !': [`${'!'.repeat(2000)}true`, /too large/],
    '2000 times -': [`${'-'.repeat(2000)}1`, /too large/],
    '1000 parentheses': [`${'('.repeat(1000)}1${')'.repeat(1000)}`, /too large/],
    '1000 brackets': [`${'['.repeat(1000)}1${']'.repeat(1000)}`, /too large/],
    '900 additions': [`1${'+1'.repeat(900)}`, /too large/],
    '600 selections': [`a${'.b'.repeat(600)}`, /too large/],
    '100 ternaries': [`${'true?1:'.repeat(200)}1`, /too large/],
    'a text without end': [`'${'a'.repeat(2000)}`, /Unterminated/],
    'half a surrogate pair': ['\ud800', /Unexpected character/],
    'a null character': ['\0', /Unexpected character/],
    nothing: ['', /column 1/],
  } as const
  for (const [name, [source, want]] of Object.entries(cases)) {
    t.match(cel.check(source, ['a']), want, name)
    t.match(cel.evaluate(source, { a: 1 }), { error: want }, name)
  }
})

t.test('values that nest without end are an error, not the end of the stack', async (t) => {
  const a: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)
  const b: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)
  t.match(cel.evaluate('a == b', { a, b }), { error: /nested too deeply|steps/ })
  t.match(cel.evaluate('a', { a }), { error: /64 levels/ })
})

t.test('what is kept of compiled expressions is bounded and does not change results', async (t) => {
  const small = createCel({ kept: 5_000 })
  for (let round = 0; round < 2; round += 1) {
    for (let index = 0; index < 5; index += 1)
      t.same(small.evaluate(`a + ${index}`, { a: 1 }), { ok: index + 1 })
  }
})

/** Counts the expressions that are parsed from now on; tells, and begins anew. */
function countParsed(t: Test): () => number {
  const parse: unknown = Reflect.get(Environment.prototype, 'parse')
  if (typeof parse !== 'function') throw new Error('the library parses in another way')
  const calls = t.capture(Environment.prototype, 'parse', function (this: Environment, source: string) {
    return Reflect.apply(parse, this, [source]) as ParseResult
  })
  return () => calls().length
}

t.test(
  'the expressions of thousands of Actions are compiled once, though asked one after another',
  async (t) => {
    const parsed = countParsed(t)
    const many = createCel()
    for (const want of [2_000, 0]) {
      for (let i = 0; i < 2_000; i += 1) many.check(`a.team == 'team-${i}'`, ['a'])
      t.equal(parsed(), want)
    }
  },
)

for (const [name, { sourceOf, most }] of Object.entries({
  'hundreds of nodes': { sourceOf: (i: number) => `[${i}${',1+1'.repeat(99)}].size() > 1`, most: 10 },
  'a large pattern': { sourceOf: (i: number) => `'x'.matches('${i}.{500}')`, most: 25 },
  'many patterns': {
    sourceOf: (i: number) => `'${i}' == ''${" || ''.matches('.{500}')".repeat(10)}`,
    most: 2,
  },
})) {
  t.test(`of expressions with ${name}, fewer are kept`, async (t) => {
    const parsed = countParsed(t)
    const few = createCel({ kept: 1_000_000 })
    const sources = Array.from({ length: 40 }, (_, i) => sourceOf(i))
    t.notOk(sources.some((source) => few.check(source, []) !== undefined))
    t.equal(parsed(), 40)
    for (const source of sources.toReversed()) few.check(source, [])
    t.ok(40 - parsed() <= most)
  })
}

t.test('a variable may hold anything in Unicode', async (t) => {
  for (const s of ['\ud800', '\0', '\u202e', '😀', 'ﷺ'.repeat(100), '\u0000\uffff']) {
    t.same(cel.evaluate('s == s && s.size() >= 0 ? s : ""', { s }), { ok: s })
  }
})

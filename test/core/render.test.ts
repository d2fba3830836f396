import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import t from 'tap'
import { sentenceOf } from '../../src/api/problems.ts'
import { checkUrl, longestBody, renderBody, renderHeader, renderUrl } from '../../src/core/render.ts'
import type { Evaluate } from '../../src/core/render.ts'

const giving =
  (...values: readonly unknown[]): Evaluate =>
  (expression) => ({ ok: values[Number(expression)] })
/** Any UTF-16, half surrogate pairs too. */
const anyText = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
})
const runs = { seed: 7, numRuns: 150 }

const urls: Readonly<Record<string, { readonly given: string; readonly want: RegExp | undefined }>> = {
  'a literal URL is fine': { given: 'https://a.b:8443/c?d=e', want: undefined },
  'expressions may stand in path and query': { given: 'http://a/${0}/b?c=${1}', want: undefined },
  'an expression may follow the ? directly': { given: 'http://a?${0}', want: undefined },
  'an IPv6 host is fine': { given: 'http://[::1]:80/${0}', want: undefined },
  'the scheme must be literal': { given: '${0}://a/', want: /begin with a literal/ },
  'other schemes are refused': { given: 'file:///etc/passwd', want: /begin with a literal/ },
  'the host must be literal': { given: 'https://${0}/', want: /literal scheme, host and port/ },
  'part of a host must be literal': { given: 'https://a.${0}/', want: /literal scheme, host and port/ },
  'the port must be literal': { given: 'https://a:${0}/', want: /literal scheme, host and port/ },
  'a port that does not exist is refused': { given: 'https://a:99999/', want: /valid host and port/ },
  'a URL without host is refused': { given: 'https:///a', want: /valid host and port/ },
  'user information is refused': { given: 'https://u:hunter2@a/', want: /no user information/ },
  'a fragment is refused': { given: 'https://a/b#c', want: /no fragment/ },
  'a fragment after an expression is refused': { given: 'https://a/${0}#c', want: /no fragment/ },
  'a backslash, which is a slash to some, is refused': {
    given: 'https://a\\b/',
    want: /characters of a URL/,
  },
  'white space is refused': { given: 'https://a/b c', want: /characters of a URL/ },
  'a percent sign that a value could complete is refused': {
    given: 'https://a/%2${0}',
    want: /characters of a URL/,
  },
  'dot segments are refused': { given: 'https://a/b/../c', want: /no \. or \.\./ },
  'encoded dot segments are refused': { given: 'https://a/%2e%2E/c', want: /no \. or \.\./ },
  'an open expression is refused': { given: 'https://a/${b', want: /closed/ },
}
for (const [name, { given, want }] of Object.entries(urls)) {
  t.test(name, async (t) => {
    const said = checkUrl(given).map(sentenceOf).join('; ')
    t.match(said, want ?? /^$/)
    t.notMatch(said, /hunter2/, 'a password is never shown')
    if (want !== undefined) t.match(renderUrl(given, giving('x')), { problem: String })
  })
}

const values: Readonly<Record<string, { readonly given: unknown; readonly want: object }>> = {
  'a value is encoded whole': {
    given: 'a/b?c&d=e#f+g%',
    want: { ok: 'https://h/x/a%2Fb%3Fc%26d%3De%23f%2Bg%25' },
  },
  'what encodeURIComponent leaves is encoded too': {
    given: "!'()*",
    want: { ok: 'https://h/x/%21%27%28%29%2A' },
  },
  'a number becomes its digits': { given: 3, want: { ok: 'https://h/x/3' } },
  'a boolean becomes its word': { given: false, want: { ok: 'https://h/x/false' } },
  '.. is refused': { given: '..', want: { problem: /segment/ } },
  '. is refused': { given: '.', want: { problem: /segment/ } },
  '.. behind an encoded slash is refused': { given: 'a/../../b', want: { problem: /segment/ } },
  '.. behind a backslash is refused': { given: 'a\\..', want: { problem: /segment/ } },
  'nothing at all is refused in a path': { given: '', want: { problem: /empty/ } },
  'half a surrogate pair is refused': { given: '\ud800', want: { problem: /well-formed/ } },
  'null is refused': { given: null, want: { problem: /got null/ } },
  'an object is refused': { given: {}, want: { problem: /got an object/ } },
  'a list is refused': { given: [], want: { problem: /got a list/ } },
  'what is not there is refused': { given: undefined, want: { problem: /got undefined/ } },
  'a URL that is too long is refused': { given: 'a'.repeat(9000), want: { problem: /at most 8192/ } },
}
for (const [name, { given, want }] of Object.entries(values)) {
  t.test(`in a URL, ${name}`, async (t) => {
    t.match(renderUrl('https://h/x/${0}', giving(given)), want)
  })
}

t.test('dots of two values cannot join to a dot segment', async (t) => {
  t.match(renderUrl('https://h/a/.${0}', giving('%2e')), { ok: String })
  t.match(renderUrl('https://h/a/${0}${0}', giving('.')), { problem: String })
  t.match(renderUrl('https://h/a/.${0}/b', giving('.')), { problem: String })
})

t.test('a template that is not one is refused in a header and a body', async (t) => {
  t.match(renderHeader('${a', giving()), { problem: /not closed/ })
  t.match(renderBody({ a: ['${}'] }, giving()), { problem: /empty/ })
})

t.test('a long expression is cut where it is named', async (t) => {
  t.match(
    renderHeader(`\${${'a'.repeat(100)}}`, () => ({ error: 'no' })),
    { problem: /^\$\{a{80}\.\.\.\}: no$/ },
  )
})

t.test('in a query a value may be empty or dots', async (t) => {
  t.same(renderUrl('https://h/x?a=${0}&b=${1}', giving('', '../..')), { ok: 'https://h/x?a=&b=..%2F..' })
})

t.test('an expression that fails names itself and its error', async (t) => {
  const failing: Evaluate = () => ({ error: 'no such key: b' })
  t.same(renderUrl('https://h/${a.b}', failing), { problem: '${a.b}: no such key: b' })
  t.same(renderHeader('${a.b}', failing), { problem: '${a.b}: no such key: b' })
  t.same(renderBody({ x: ['${a.b}'] }, failing), { problem: '${a.b}: no such key: b' })
})

t.test('no value changes scheme, host, port, depth of path or names in the query', async () => {
  const text = fc.oneof(
    anyText,
    fc.string({ unit: fc.constantFrom('.', '/', '\\', '%', '2', 'e', '?', '#', '@', ':', '&', '=') }),
  )
  fc.assert(
    fc.property(text, text, (a, b) => {
      const rendered = renderUrl('https://host:8443/p/${0}/q.${1}?k=${0}&l=${1}', giving(a, b))
      if ('problem' in rendered) return true
      const url = new URL(rendered.ok)
      return (
        url.origin === 'https://host:8443' &&
        url.pathname.split('/').length === 4 &&
        url.hash === '' &&
        url.username === '' &&
        [...url.searchParams.keys()].join() === 'k,l' &&
        url.searchParams.get('k') === a &&
        decodeURIComponent(url.pathname.split('/')[2] ?? '') === a
      )
    }),
    runs,
  )
})

t.test('no value ends a header or adds one', async () => {
  fc.assert(
    fc.property(anyText, (value) => {
      const rendered = renderHeader('a ${0}', giving(value))
      return (
        'problem' in rendered ||
        (new Headers([['x', rendered.ok]]).get('x') === rendered.ok.trim() && !/[\r\n\0]/.test(rendered.ok))
      )
    }),
    runs,
  )
})

for (const bad of ['a\rb', 'a\nb', 'a\0b', 'a\x7fb', 'a\u0100b', '\u{1f600}']) {
  t.test(`a header refuses ${JSON.stringify(bad)}`, async (t) => {
    t.match(renderHeader('${0}', giving(bad)), { problem: /U\+[0-9A-F]{4}/ })
    t.match(renderHeader(bad, giving()), { problem: String }, 'as a literal too')
  })
}

t.test('a header takes Latin-1, tabs and numbers, up to a length', async (t) => {
  t.same(renderHeader('é\t${0}', giving(7)), { ok: 'é\t7' })
  t.match(renderHeader('${0}', giving({})), { problem: /an object/ })
  t.match(renderHeader('${0}', giving('a'.repeat(8193))), { problem: /at most 8192/ })
})

t.test('a text body is a text; values become their text, objects their JSON text', async (t) => {
  t.same(renderBody('n=${0} o=${1} l=${2} z=${3}', giving(1.5, { a: 'b' }, [true], null)), {
    ok: 'n=1.5 o={"a":"b"} l=[true] z=null',
  })
})

t.test('in JSON a value stays a text, and everything but texts stays as it is', async (t) => {
  const body = { n: '${0}', deep: [{ o: '${1}' }], kept: [1, true, null], '${key}': '$${x}' }
  t.same(renderBody(body, giving(3, { a: 1 })), {
    ok: { n: '3', deep: [{ o: '{"a":1}' }], kept: [1, true, null], '${key}': '${x}' },
  })
  t.same(renderBody(undefined, giving()), { ok: undefined })
})

t.test('a key __proto__ stays a key', async (t) => {
  const rendered = renderBody(JSON.parse('{"__proto__":{"a":"${0}"}}'), giving('b'))
  t.equal(JSON.stringify(rendered), '{"ok":{"__proto__":{"a":"b"}}}')
  t.equal(Object.prototype.hasOwnProperty.call({}, 'a'), false)
})

const shape = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(shape)
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? 'text' : value
  return Object.entries(value).map(([key, child]) => [key, shape(child)])
}

t.test('the JSON of a rendered body has the shape of the template, whatever the values', async () => {
  const leaf = fc.constantFrom('${0}', 'a ${0} b', '$${', 'plain', 1, true, null)
  const tree = fc.letrec<{ node: unknown }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(fc.string(), tie('node'), { maxKeys: 3 }),
    ),
  })).node
  fc.assert(
    fc.property(tree, fc.oneof(anyText, fc.jsonValue()), (template, value) => {
      const rendered = renderBody(template, giving(value))
      if ('problem' in rendered) return false
      assert.deepEqual(
        shape(JSON.parse(JSON.stringify(rendered.ok))),
        shape(JSON.parse(JSON.stringify(template))),
      )
      return true
    }),
    { ...runs, numRuns: 100 },
  )
})

t.test('a body is bounded in expressions, size, depth and values', async (t) => {
  t.match(renderBody('${0}'.repeat(257), giving('a')), { problem: /at most 256 expressions/ })
  t.match(renderBody('${0}'.repeat(4), giving('a'.repeat(longestBody / 2))), { problem: /at most 1048576/ })
  t.match(renderBody(['${0}', '${0}', '${0}'], giving('a'.repeat(longestBody / 2))), {
    problem: /at most 1048576/,
  })
  t.match(
    renderBody(
      Array.from({ length: 50_001 }, () => 1),
      giving(),
    ),
    { problem: /at most 50000 values/ },
  )
  let deep: unknown = 'a'
  for (let level = 0; level < 100; level += 1) deep = { deep }
  t.match(renderBody(deep, giving()), { problem: /at most 64 levels/ })
})

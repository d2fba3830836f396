import * as fc from 'fast-check'
import t from 'tap'
import { createMask, maskJson } from '../../src/core/masks.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const odd = 'pä"ß/wo+r&d 9'

const cases: Readonly<Record<string, { secrets: readonly string[]; text: string; want: string }>> = {
  'a secret is masked wherever it is': {
    secrets: ['hunter22'],
    text: 'a hunter22, hunter22',
    want: 'a ***, ***',
  },
  'text without a secret stays': { secrets: ['hunter22'], text: 'hunter', want: 'hunter' },
  'no secrets change nothing': { secrets: [], text: 'hunter', want: 'hunter' },
  'an empty secret changes nothing': { secrets: [''], text: 'abc', want: 'abc' },
  'a secret at the very beginning is masked': { secrets: ['hunter22'], text: 'hunter22!', want: '***!' },
  'neighbours become one': { secrets: ['hunter22', 'letmein!'], text: 'hunter22letmein!', want: '***' },
  'overlapping secrets leave nothing of each other': {
    secrets: ['abcdef', 'defghi'],
    text: '<abcdefghi>',
    want: '<***>',
  },
  'a secret that overlaps itself leaves nothing': { secrets: ['ababab'], text: '<abababab>', want: '<***>' },
  'of a secret within a secret the longer counts': {
    secrets: ['cdef', 'abcdefgh'],
    text: '<abcdefgh>',
    want: '<***>',
  },
  'the line break at the end of a secret is optional': {
    secrets: ['hunter22\n'],
    text: 'got hunter22.',
    want: 'got ***.',
  },
  'a percent-encoded secret is masked': {
    secrets: [odd],
    text: `?q=${encodeURIComponent(odd)}&`,
    want: '?q=***&',
  },
  'a form-encoded secret is masked': {
    secrets: [odd],
    text: `q=${encodeURIComponent(odd).replaceAll('%20', '+')}&`,
    want: 'q=***&',
  },
  'percent-encoding in lower case is masked': {
    secrets: [odd],
    text: encodeURIComponent(odd).replace(/%../g, (hex) => hex.toLowerCase()),
    want: '***',
  },
  'a JSON-escaped secret is masked': { secrets: [odd], text: JSON.stringify({ odd }), want: '{"odd":"***"}' },
  'JSON within JSON is masked': {
    secrets: [odd],
    text: JSON.stringify(JSON.stringify({ odd })),
    want: String.raw`"{\"odd\":\"***\"}"`,
  },
  'JSON that is all ASCII is masked': {
    secrets: ['pässword'],
    text: String.raw`{"a":"p\u00e4ssword"}`,
    want: '{"a":"***"}',
  },
  'an HTML-escaped secret is masked': {
    secrets: ['a<b>&c'],
    text: '<p>a&lt;b&gt;&amp;c</p>',
    want: '<p>***</p>',
  },
  'a Bearer token is masked without its scheme': {
    secrets: ['Bearer abc.def'],
    text: 'token abc.def bad',
    want: 'token *** bad',
  },
  'Basic credentials are masked, and the password in them': {
    secrets: [`Basic ${base64('shop:letmein!')}`],
    text: `${base64('shop:letmein!')} shop:letmein! letmein!`,
    want: '*** *** ***',
  },
  'a secret shorter than 4 characters is masked only where it is all there is': {
    secrets: ['on'],
    text: 'once',
    want: 'once',
  },
  'a short secret that is the whole text is masked': { secrets: ['on'], text: ' on\n', want: '***' },
  'the encodings of a short secret are not looked for': {
    secrets: ['"'],
    text: '&quot;x&quot;',
    want: '&quot;x&quot;',
  },
}
for (const [name, { secrets, text, want }] of Object.entries(cases)) {
  t.test(name, async (t) => {
    t.equal(createMask(secrets)(text), want)
  })
}

for (const [name, around] of Object.entries({
  alone: ['', ''],
  'after one byte': ['x', 'yz'],
  'after two bytes': ['xy', 'z'],
  'behind a user name': ['shop:', ''],
})) {
  t.test(`base64 of a secret ${name} shows at most a character at each side`, async (t) => {
    const encoded = base64(`${around[0]}correct horse${around[1]}`)
    const masked = createMask(['correct horse'])(encoded)
    t.match(masked, '***')
    t.ok(masked.length <= 3 + Math.ceil((around.join('').length * 8) / 6) + 4, masked)
    t.match(
      createMask(['correct horse'])(Buffer.from(`??>${around[0]}correct horse`).toString('base64url')),
      '***',
    )
  })
}

t.test('JSON values are masked with their keys, and numbers that show a secret', async (t) => {
  const mask = createMask(['hunter22', '123456', 'true'])
  t.same(maskJson({ hunter22: ['a hunter22', 9_123_456, 7, null, true, false], b: { c: 'd' } }, mask), {
    '***': ['a ***', '***', 7, null, '***', false],
    b: { c: 'd' },
  })
})

const secrets = fc.array(
  fc.string({ minLength: 4, maxLength: 12, unit: fc.constantFrom('a', 'b', 'c', '"', ' ') }),
  {
    minLength: 1,
    maxLength: 4,
  },
)
t.test('no secret is left, however secrets are mixed with text', async () => {
  fc.assert(
    fc.property(secrets, fc.array(fc.nat(8), { maxLength: 12 }), (secrets, picks) => {
      const text = picks.map((pick) => secrets[pick] ?? 'abc"'.slice(0, pick % 5)).join('')
      const masked = createMask(secrets)(text)
      return secrets.every((secret) => !masked.includes(secret))
    }),
    { seed: 1 },
  )
})
t.test('masking again changes nothing', async () => {
  fc.assert(
    fc.property(secrets, fc.string(), (secrets, text) => {
      const mask = createMask(secrets)
      return mask(mask(text)) === mask(text)
    }),
    { seed: 2 },
  )
})

t.test('without secrets a value stays as it is, however deep', async (t) => {
  const deep: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)
  t.ok(maskJson(deep, createMask([''])) === deep)
})

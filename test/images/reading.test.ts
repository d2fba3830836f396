import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'

import { readChallenges } from '../../src/images/challenge.ts'
import { readConfig } from '../../src/images/config-blob.ts'
import { digestOf, isDigest } from '../../src/images/digest.ts'
import { readObject } from '../../src/images/json.ts'
import { nextPage } from '../../src/images/link.ts'
import { readManifest } from '../../src/images/manifest.ts'
import { aManifest, sha256, types } from '../support/fake-registry.ts'

const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))

// --- challenges ---

const plain = (header: string) =>
  readChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)])

const headers: Readonly<Record<string, unknown>> = {
  'Basic realm="a"': [['basic', { realm: 'a' }]],
  Basic: [['basic', {}]],
  'bearer realm="https://a/t",service="x, y",scope="repository:a:pull,push"': [
    ['bearer', { realm: 'https://a/t', service: 'x, y', scope: 'repository:a:pull,push' }],
  ],
  'Bearer realm = "a" , Basic realm=b': [
    ['bearer', { realm: 'a' }],
    ['basic', { realm: 'b' }],
  ],
  'Negotiate YII=, Basic realm="a"': [
    ['negotiate', {}],
    ['basic', { realm: 'a' }],
  ],
  'Negotiate, Digest realm="Basic realm=x", nonce=1, Bearer realm="b"': [
    ['negotiate', {}],
    ['digest', { realm: 'Basic realm=x', nonce: '1' }],
    ['bearer', { realm: 'b' }],
  ],
  'Basic realm="a \\"quoted\\", b"': [['basic', { realm: 'a "quoted", b' }]],
  'Bearer REALM="a",realm="b"': [['bearer', { realm: 'a' }]],
  'Bearer realm="unfinished': [['bearer', {}]],
  'realm="a"': [],
  ', ,,': [],
  '': [],
}
for (const [header, want] of Object.entries(headers)) {
  t.test(`the challenge ${JSON.stringify(header)} is read`, async (t) => {
    t.same(plain(header), want)
  })
}
t.test('no header makes reading challenges fail or take long', async (t) => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), (header) => {
      readChallenges(header)
    }),
  )
  const began = process.hrtime.bigint()
  for (const evil of [
    'a="'.repeat(5000),
    '\\"'.repeat(8000),
    'a '.repeat(8000),
    `a${' '.repeat(16_000)}=`,
    ',a='.repeat(5000),
  ])
    readChallenges(evil)
  t.ok(process.hrtime.bigint() - began < 1_000_000_000n)
})

// --- JSON ---

t.test('JSON within the limits is read as JSON.parse reads it', async () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })), (value) => {
      const text = JSON.stringify(value)
      assert.deepEqual(readObject(bytes(text)), { ok: JSON.parse(text) })
    }),
    { numRuns: 60 },
  )
})
t.test('no bytes make reading JSON throw', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (some) => {
      assert.match(Object.keys(readObject(some)).join(), /^(ok|problem)$/)
    }),
  )
})
const documents: Readonly<Record<string, { text: string | Buffer; problem: RegExp }>> = {
  'a list': { text: '[]', problem: /not an object/ },
  null: { text: 'null', problem: /not an object/ },
  'two documents': { text: '{}{}', problem: /not JSON/ },
  'a byte order mark': { text: '\uFEFF{}', problem: /not JSON/ },
  'what is not UTF-8': { text: Buffer.from([0x7b, 0xff, 0x7d]), problem: /not JSON/ },
  'a key twice far below': { text: '{"a":[{"b":{"c":1, "c" : 2}}]}', problem: /key "c" twice/ },
  'a broken escape in a key': { text: '{"\\x":1}', problem: /not JSON/ },
}
for (const [what, { text, problem }] of Object.entries(documents)) {
  t.test(`${what} is refused`, async (t) => {
    t.match(readObject(typeof text === 'string' ? bytes(text) : text), { problem })
  })
}
t.test('the same key in different objects is no double, nor is one in a text', async (t) => {
  t.match(readObject(bytes('{"a":{"a":1},"b":[{"a":1},{"a":2}],"c":"\\"a\\":1,\\"a\\":"}')), { ok: {} })
})

// --- digests ---

t.test('a digest has a known algorithm and exactly its length, in lower case', async (t) => {
  t.ok(isDigest(sha256('a')))
  t.ok(isDigest(digestOf(bytes('a'), 'sha512:')))
  for (const wrong of [
    '',
    'sha256:',
    `sha256:${'A'.repeat(64)}`,
    `sha256:${'a'.repeat(63)}`,
    `sha256:${'a'.repeat(65)}`,
    `md5:${'a'.repeat(32)}`,
    `__proto__:${'a'.repeat(64)}`,
    `${sha256('a')}\n`,
    3,
  ])
    t.notOk(isDigest(wrong), String(wrong))
})

// --- manifests ---

const config = { mediaType: types.config, digest: sha256('c'), size: 1 }
const read = (value: unknown, contentType: string | undefined = types.image) =>
  readManifest(bytes(value), { contentType })

t.test('the type is the header or, where that says nothing, the document', async (t) => {
  t.match(read(aManifest(config), `${types.image}; charset=utf-8`), { ok: { kind: 'image' } })
  t.match(read(aManifest(config), 'application/json'), { ok: { kind: 'image' } })
  t.match(readManifest(bytes(aManifest(config)), { contentType: undefined }), { ok: { kind: 'image' } })
  t.match(read(aManifest(config, { mediaType: undefined })), { ok: { kind: 'image' } })
})
const broken: Readonly<Record<string, { value: unknown; type?: string; problem: RegExp }>> = {
  'two types': {
    value: aManifest(config),
    type: types.index,
    problem: /calls itself .*image.manifest.* and came as .*index/,
  },
  'a web page': { value: '<html>', type: 'text/html', problem: /not JSON/ },
  'something else': {
    value: { schemaVersion: 2 },
    type: 'text/html',
    problem: /something of type "text\/html", not a manifest/,
  },
  'schema 1': { value: { schemaVersion: 1 }, problem: /old schema 1/ },
  'no schema': { value: {}, problem: /schemaVersion is not 2/ },
  'no config': { value: aManifest(config, { config: undefined }), problem: /config that is not an object/ },
  'no layers': { value: aManifest(config, { layers: undefined }), problem: /layers that is not a list/ },
  'a list of manifests': {
    value: aManifest(config, { manifests: [] }),
    problem: /has a list of manifests too/,
  },
  'a digest of another kind': {
    value: aManifest({ ...config, digest: 'md5:00' }),
    problem: /neither sha256 nor sha512: "md5:00"/,
  },
  'a negative size': { value: aManifest({ ...config, size: -1 }), problem: /no whole number: -1/ },
  'a size that is a text': { value: aManifest({ ...config, size: '1' }), problem: /no whole number: "1"/ },
  'a size beyond numbers': { value: aManifest({ ...config, size: 1e300 }), problem: /no whole number/ },
  'no media type': { value: aManifest({ ...config, mediaType: 3 }), problem: /config without mediaType/ },
  'a misspelt digest': {
    value: aManifest({ ...config, Digest: sha256('d') }),
    problem: /misspelt key "Digest"/,
  },
  'a key with the Kelvin sign': { value: aManifest(config, { ſubject: {} }), problem: /misspelt key/ },
  'a platform without os': {
    value: aManifest({ ...config, platform: { architecture: 'a' } }),
    problem: /no os or no architecture/,
  },
  'a platform with a line end': {
    value: aManifest({ ...config, platform: { os: 'li\nnux', architecture: 'a' } }),
    problem: /no os/,
  },
  'a variant that is a list': {
    value: aManifest({ ...config, platform: { os: 'a', architecture: 'b', variant: [] } }),
    problem: /variant/,
  },
}
for (const [what, { value, type, problem }] of Object.entries(broken)) {
  t.test(`a manifest with ${what} is refused`, async (t) => {
    t.match(read(value, type), { problem })
  })
}

// --- configs ---

t.test('a config says platform, entrypoint and command; null is nothing', async (t) => {
  t.same(
    readConfig(
      bytes({ os: 'linux', architecture: 'arm', variant: 'v7', config: { Entrypoint: null, Cmd: ['a'] } }),
    ),
    {
      ok: { platform: { os: 'linux', architecture: 'arm', variant: 'v7' }, entrypoint: [], cmd: ['a'] },
    },
  )
  t.match(readConfig(bytes({ os: 'linux', architecture: 'arm', config: null })), {
    ok: { entrypoint: [], cmd: [] },
  })
})
const configs: Readonly<Record<string, unknown>> = {
  'no platform': {},
  'an entrypoint that is a text': { os: 'a', architecture: 'b', config: { Entrypoint: 'cp' } },
  'a command of numbers': { os: 'a', architecture: 'b', config: { Cmd: [1] } },
  'a list as config': { os: 'a', architecture: 'b', config: [] },
  'two spellings of config': { os: 'a', architecture: 'b', config: {}, Config: {} },
  'two spellings of Cmd': { os: 'a', architecture: 'b', config: { cmd: ['a'] } },
}
for (const [what, value] of Object.entries(configs)) {
  t.test(`a config with ${what} is refused`, async (t) => {
    t.match(readConfig(bytes(value)), { problem: /config|platform/ })
  })
}

// --- Link ---

const list = { repository: 'acme/plugin', digest: sha256('s') }
const path = `/v2/acme/plugin/referrers/${list.digest}`
const links: Readonly<Record<string, string | undefined | RegExp>> = {
  [`<${path}?n=2&last=a>; rel="next"`]: `referrers/${list.digest}?n=2&last=a`,
  [`<?last=b>; rel=next`]: `referrers/${list.digest}?last=b`,
  [`<https://registry.test${path}?n=2>;rel="next"`]: `referrers/${list.digest}?n=2`,
  [`</other>; rel="prev", <${path}?n=3>; rel="next"`]: `referrers/${list.digest}?n=3`,
  [`<${path}?n=2>; rel="prev"`]: undefined,
  '': undefined,
  '</v2/other/x>; rel="next"': /not of the same list/,
  '<http://>; rel="next"': /not of the same list/,
}
for (const [header, want] of Object.entries(links)) {
  t.test(`the link ${JSON.stringify(header)} is read`, async (t) => {
    t.match(nextPage(header, list), want instanceof RegExp ? { problem: want } : { ok: want })
  })
}

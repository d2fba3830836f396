/** References to images: what distribution/reference says of a thousand texts, and where we are stricter. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { parse } from '../../src/api/parse.ts'
import { imagePattern, longestImage, veleroPluginKind } from '../../src/api/velero-plugin.ts'
import { imageText, parseImage, placeOf, placeOfText, type ImageReference } from '../../src/core/image.ts'
import { anyCharacter } from '../support/any-text.ts'
import { runs } from '../support/runs.ts'

/**
 * Verdicts of ParseNormalizedNamed of github.com/distribution/reference v0.6.0 (Domain, Path, Tag, Digest; null: refused), written
 * down by a Go program that read the same texts.
 */
const verdicts = readFileSync(join(import.meta.dirname, 'image-verdicts.ndjson'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as readonly [string, ImageReference | null])

/** Why we refuse what the kubelet's parser takes: it cannot be pulled. */
const stricter: Readonly<Record<string, RegExp>> = {
  'a first part with a dot or colon that is no host becomes part of the path there': /host name before/,
  'a port is a number from 1 to 65535': /port from 1 to 65535/,
  'brackets hold an IPv6 address': /IPv6 address/,
  'a host has at most 253 characters': /registry of at most 253/,
}

const sorted = (value: object | null) => Object.entries(value ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))

t.test(
  'every text has the verdict of the reference implementation, but for the listed differences',
  async (t) => {
    const differences = verdicts.flatMap(([text, want]) => {
      const read = parseImage(text)
      if ('ok' in read) return JSON.stringify(sorted(read.ok)) === JSON.stringify(sorted(want)) ? [] : [text]
      const onPurpose = Object.values(stricter).some((reason) => reason.test(read.fault.want))
      return want === null || onPurpose ? [] : [text]
    })
    t.same(differences, [])
    t.ok(verdicts.filter(([, want]) => want !== null).length > 150, 'enough of them are references')
  },
)

for (const [name, reason] of Object.entries(stricter)) {
  t.test(`stricter: ${name}`, async (t) => {
    const examples = verdicts.filter(([text, want]) => {
      const read = parseImage(text)
      return want !== null && 'fault' in read && reason.test(read.fault.want)
    })
    t.ok(examples.length > 0, 'the table has one')
  })
}

const sha = 'a'.repeat(64)

const read: Readonly<Record<string, ImageReference>> = {
  alpine: { registry: 'docker.io', repository: 'library/alpine' },
  'velero/velero-plugin-for-aws:v1.14.0': {
    registry: 'docker.io',
    repository: 'velero/velero-plugin-for-aws',
    tag: 'v1.14.0',
  },
  'index.docker.io/alpine': { registry: 'docker.io', repository: 'library/alpine' },
  'localhost/a': { registry: 'localhost', repository: 'a' },
  'localhost:5000': { registry: 'docker.io', repository: 'library/localhost', tag: '5000' },
  [`[2001:db8::1]:443/a/b:1@sha256:${sha}`]: {
    registry: '[2001:db8::1]:443',
    repository: 'a/b',
    tag: '1',
    digest: `sha256:${sha}`,
  },
}

for (const [text, want] of Object.entries(read)) {
  t.test(`${text.slice(0, 40)} is read as the kubelet reads it`, async (t) => {
    t.same(parseImage(text), { ok: want })
  })
}

const faults: Readonly<
  Record<string, { readonly given: string; readonly want: RegExp; readonly got: string | number }>
> = {
  'nothing at all': { given: '', want: /be a reference such as/, got: '' },
  'too long': { given: 'a'.repeat(longestImage + 1), want: /at most 1024 characters/, got: 1025 },
  'a blank at the end': { given: 'a:1 ', want: /no blanks/, got: ' ' },
  'a letter that is not ASCII': { given: 'quay.io/ü/a', want: /ASCII/, got: 'ü' },
  'a URL': { given: 'https://quay.io/a', want: /no scheme/, got: 'https://' },
  'the ID of an image': { given: sha, want: /not the ID/, got: sha },
  'upper case': { given: 'quay.io/Team/a', want: /lower case/, got: 'Team/a' },
  'two slashes': { given: 'quay.io/a//b', want: /no empty part/, got: 'a//b' },
  'a path that begins with a dot': { given: 'quay.io/.a', want: /parts of letters/, got: '.a' },
  'a repository that is too long': { given: `quay.io/${'a'.repeat(256)}`, want: /at most 255/, got: 256 },
  'a tag with a plus': { given: 'a:1.0+build', want: /tag of letters/, got: '1.0+build' },
  'an empty tag': { given: 'a:', want: /tag of letters/, got: '' },
  'a tag that is too long': { given: `a:${'t'.repeat(129)}`, want: /tag of at most 128/, got: 129 },
  'an unknown digest': { given: 'a@md5:00', want: /sha256, sha384 or sha512/, got: 'md5:00' },
  'a digest that is no algorithm but a property of objects': {
    given: 'a@constructor:00',
    want: /sha256, sha384 or sha512/,
    got: 'constructor:00',
  },
  'an empty digest': { given: 'a@', want: /sha256, sha384 or sha512/, got: '' },
  'a digest that was cut': { given: 'a@sha256:abc', want: /have 64 hex digits/, got: 3 },
  'a digest in upper case': {
    given: `a@sha256:${'A'.repeat(64)}`,
    want: /lower-case hex/,
    got: 'A'.repeat(64),
  },
  'a port that is a word': {
    given: 'quay.io:https/a',
    want: /port from 1 to 65535 after quay.io:/,
    got: 'https',
  },
  'a host that ends with a hyphen': { given: 'quay-.io/a', want: /host name/, got: 'quay-.io' },
  'an address of seven groups': { given: '[1:2:3:4:5:6:7]/a', want: /IPv6/, got: '[1:2:3:4:5:6:7]' },
  'an address with two gaps': { given: '[1::2::3]/a', want: /IPv6/, got: '[1::2::3]' },
  'an address that is not closed': { given: '[::1/a', want: /port|host/, got: ':1' },
}

for (const [name, { given, want, got }] of Object.entries(faults)) {
  t.test(`${name} is told, with the part that is wrong`, async (t) => {
    t.match(parseImage(given), { fault: { want, got } })
  })
}

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/)
const part = fc.stringMatching(/^[a-z0-9]{1,6}((\.|_|__|-{1,3})[a-z0-9]{1,4})?$/)
const aReference: fc.Arbitrary<ImageReference> = fc.record(
  {
    registry: fc
      .tuple(label, label, fc.option(fc.integer({ min: 1, max: 65_535 })))
      .map(([a, b, port]) => `${a}.${b}${port === null ? '' : `:${port}`}`),
    repository: fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
    tag: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/),
    digest: fc.stringMatching(/^[a-f0-9]{64}$/).map((hex) => `sha256:${hex}`),
  },
  { requiredKeys: ['registry', 'repository'] },
)

t.test('property: a reference that is written is read as it was', async () => {
  fc.assert(
    fc.property(aReference, (reference) => {
      const read = parseImage(imageText(reference))
      return 'ok' in read && imageText(read.ok) === imageText(reference)
    }),
    { seed: 501, numRuns: runs(1000) },
  )
})

t.test('property: every text is read, or told what is wrong with it in one line', async () => {
  const nearly = fc.string({ unit: fc.constantFrom(...'aA0.:/@_-[] \n'), maxLength: 12 })
  fc.assert(
    fc.property(fc.oneof(nearly, fc.string({ unit: anyCharacter })), (text) => {
      const read = parseImage(text)
      return 'ok' in read
        ? read.ok.registry !== '' && read.ok.repository !== ''
        : /^[a-z].*$/.test(read.fault.want)
    }),
    { seed: 502, numRuns: runs(2000) },
  )
})

t.test('whatever can be read passes the rule of the CRD, so that the two never contradict', async (t) => {
  const pattern = new RegExp(imagePattern, 'u')
  const readable = verdicts.filter(([text]) => 'ok' in parseImage(text))
  t.same(
    readable.filter(
      ([text]) => !pattern.test(text) || !('ok' in parse(veleroPluginKind.spec, { image: text }, 'spec')),
    ),
    [],
  )
})

t.test('two versions of an image are in one place, and hosts have no case', async (t) => {
  t.equal(placeOfText('Quay.IO/a/b:1'), placeOfText(`quay.io/a/b@sha256:${sha}`))
  t.equal(placeOfText('alpine'), placeOfText('docker.io/library/alpine:3'))
  t.not(placeOfText('quay.io/a/b'), placeOfText('quay.io/a/c'))
  t.equal(placeOfText('no reference'), 'no reference')
  t.equal(placeOf({ registry: 'A', repository: 'b' }), 'a/b')
})

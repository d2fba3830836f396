import t from 'tap'
import { backdateMs, mintAuthority, mintLeaf } from '../../src/tls/authority.ts'
import { certificateState, fits, namesOf, readBundle, readCertificate } from '../../src/tls/certificate.ts'
import { newYear } from '../support/fake-clock.ts'

const authority = await mintAuthority({ name: 'tidewaiter', now: newYear })
const names = ['a.svc', '127.0.0.1', '::1']
const { cert, key } = await mintLeaf({ authority, names, now: newYear, validMs: 1000 })

const cases = {
  'a certificate in its time and for all names is valid': {
    given: [cert, newYear, names],
    want: { state: 'valid', expiresInMs: 1000, lifetimeMs: 1000 + backdateMs },
  },
  'it is expired from its last moment on': {
    given: [cert, newYear + 1000, names],
    want: { state: 'expired', sinceMs: 0 },
  },
  'it is not yet valid before its first': {
    given: [cert, newYear - backdateMs - 1, names],
    want: { state: 'not-yet-valid', inMs: 1 },
  },
  'a name that it lacks is told, with those it has': {
    given: [cert, newYear, ['a.svc', 'b.svc']],
    want: { state: 'other-name', name: 'b.svc', names: ['a.svc', '127.0.0.1', '0:0:0:0:0:0:0:1'] },
  },
  'nothing is garbage': { given: ['', newYear, []], want: { state: 'garbage' } },
  'a key is garbage': { given: [key, newYear, []], want: { state: 'garbage' } },
  'a torn certificate is garbage': { given: [cert.slice(0, 300), newYear, []], want: { state: 'garbage' } },
  'megabytes are garbage': { given: [cert + ' '.repeat(300_000), newYear, []], want: { state: 'garbage' } },
} as const

for (const [name, { given, want }] of Object.entries(cases)) {
  t.test(name, async (t) => {
    t.match(certificateState(given[0], given[1], given[2]), want)
  })
}

t.test('a bundle is read as far as it can be', async (t) => {
  t.equal(
    readBundle(
      `${authority.cert}\njunk\n${cert}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
    ).length,
    2,
  )
  t.equal(readBundle('').length, 0)
})

t.test('a key fits its own certificate only', async (t) => {
  const leaf = readCertificate(cert)!
  t.equal(fits(key, leaf), true)
  t.equal(fits(authority.key, leaf), false)
  t.equal(fits('junk', leaf), false)
})

t.test('a certificate without names has none', async (t) => {
  t.same(namesOf(readCertificate(authority.cert)!), [])
})

import { createHash } from 'node:crypto'
import t from 'tap'
import { clusterKeys, keySetText, readKeySet, thumbprintOf } from '../../../src/core/exported/keys.ts'

const digest = (text: string) => createHash('sha256').update(text).digest('base64url')
// RFC 8037, appendix A.2 and A.3: a public key and its thumbprint.
const x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'
const thumbprint = 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'

t.test('a key is named by its thumbprint', async (t) => {
  t.equal(thumbprintOf(x, digest), thumbprint)
})

t.test('a set that is published is read as it was', async (t) => {
  const keys = clusterKeys([x, 'B'.repeat(43)], 'cluster-a', digest)
  t.same(readKeySet(keySetText(keys), digest), { ok: keys })
})

const member = { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', kid: thumbprint, x, cluster: 'cluster-a' }

for (const [name, { set, want }] of Object.entries<{ readonly set: unknown; readonly want: RegExp }>({
  'no set': { set: [member], want: /must be a JSON Web Key Set/ },
  'more keys than anybody has': {
    set: { keys: Array.from({ length: 65 }, () => member) },
    want: /at most 64 keys, got 65/,
  },
  'a private key': {
    set: { keys: [{ ...member, d: 'secret-secret' }] },
    want: /keys\[0\] must not hold a private key/,
  },
  'a key for HMAC': {
    set: { keys: [{ kty: 'oct', k: 'AAAA', alg: 'HS256' }] },
    want: /must be an Ed25519 key/,
  },
  'a key on another curve': { set: { keys: [{ ...member, crv: 'X25519' }] }, want: /must be an Ed25519 key/ },
  'another algorithm': { set: { keys: [{ ...member, alg: 'none' }] }, want: /must be an Ed25519 key/ },
  'a short key': { set: { keys: [{ ...member, x: 'AAAA' }] }, want: /32 bytes in base64url/ },
  'a name that is not its own': {
    set: { keys: [{ ...member, kid: 'mine' }] },
    want: /must have its thumbprint/,
  },
  'no cluster': { set: { keys: [{ ...member, cluster: '' }] }, want: /for which cluster it speaks/ },
  'one bad among good ones': { set: { keys: [member, 7] }, want: /keys\[1\]/ },
}))
  t.test(`a file with ${name} is refused, and no secret is repeated`, async (t) => {
    const read = readKeySet(JSON.stringify(set), digest)
    t.match(read, { problems: [want] })
    t.notMatch(JSON.stringify(read), /secret-secret/)
  })

t.test('a file that is no JSON is refused', async (t) => {
  t.match(readKeySet('keys: []', digest), { problems: [/must be a JSON Web Key Set/] })
})

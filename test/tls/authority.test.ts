import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:tls'
import t, { type Test } from 'tap'
import {
  authorityMs,
  backdateMs,
  leafMs,
  mintAuthority,
  mintLeaf,
  type Pair,
} from '../../src/tls/authority.ts'

// The handshake below is judged by this machine's clock.
const now = Date.now()
const names = ['localhost', 'tidewaiter.tidewaiter.svc', '127.0.0.1', '::1']
const authority = await mintAuthority({ name: 'tidewaiter', now })
const leaf = await mintLeaf({ authority, names, now })
const second = (ms: number) => Math.floor(ms / 1000) * 1000

t.test('an authority is a CA that lasts ten years and begins an hour ago', async (t) => {
  const cert = new X509Certificate(authority.cert)
  t.equal(cert.ca, true)
  t.equal(cert.validFromDate.getTime(), second(now - backdateMs))
  t.equal(cert.validToDate.getTime(), second(now + authorityMs))
  t.equal(cert.verify(cert.publicKey), true)
  t.match(cert.subject, /^CN=tidewaiter [0-9a-f]{8}$/)
})

t.test('a leaf is signed by its authority, is no CA, and serves its names only', async (t) => {
  const cert = new X509Certificate(leaf.cert)
  const parent = new X509Certificate(authority.cert)
  t.equal(cert.ca, false)
  t.equal(cert.checkIssued(parent), true)
  t.equal(cert.verify(parent.publicKey), true)
  t.equal(cert.validToDate.getTime(), second(now + leafMs))
  for (const name of ['localhost', 'tidewaiter.tidewaiter.svc']) t.equal(cert.checkHost(name), name)
  for (const ip of ['127.0.0.1', '::1']) t.ok(cert.checkIP(ip))
  t.equal(cert.checkHost('other.svc'), undefined)
  t.same(cert.keyUsage, ['1.3.6.1.5.5.7.3.1'])
  t.equal(cert.publicKey.asymmetricKeyType, 'ec')
})

t.test('serial numbers are random, positive and of 128 bits at most', async (t) => {
  const more = await Promise.all([1, 2, 3, 4].map(() => mintLeaf({ authority, names, now })))
  const serials = [authority, leaf, ...more].map(({ cert }) => new X509Certificate(cert).serialNumber)
  t.equal(new Set(serials).size, 6)
  for (const serial of serials) t.match(serial, /^[4-7][0-9A-F]{31}$/)
})

t.test('a leaf never outlives its authority', async (t) => {
  const short = await mintAuthority({ name: 'short', now, validMs: 60_000 })
  const { cert } = await mintLeaf({ authority: short, names, now })
  t.equal(new X509Certificate(cert).validToDate.getTime(), second(now + 60_000))
})

t.test('times after 2049 are encoded as RFC 5280 wants them', async (t) => {
  const { cert } = await mintAuthority({ name: 'late', now: Date.UTC(2045, 0, 1) })
  t.equal(new X509Certificate(cert).validToDate.getUTCFullYear(), 2054)
})

for (const name of ['', 'a b', 'a/b', '*.*.svc', `${'a'.repeat(64)}.svc`, 'x\0y', '1.2.3.4\n']) {
  t.test(`a name that is neither a host nor an address is refused: ${JSON.stringify(name)}`, async (t) => {
    await t.rejects(mintLeaf({ authority, names: [name], now }), TypeError)
  })
}

t.test('a server certificate without a name is refused', async (t) => {
  await t.rejects(mintLeaf({ authority, names: [], now }), TypeError)
})

t.test('a pair that is no authority, or has another key, signs nothing', async (t) => {
  await t.rejects(mintLeaf({ authority: leaf, names, now }), TypeError)
  await t.rejects(mintLeaf({ authority: { cert: authority.cert, key: leaf.key }, names, now }), TypeError)
})

async function handshake(
  t: Test,
  { ca, server, host }: { ca: string; server: Pair; host: string },
): Promise<string> {
  const listening = createServer({ key: server.key, cert: server.cert }, (socket) => socket.end('hello'))
  t.teardown(() => listening.close())
  await once(listening.listen(0, '127.0.0.1'), 'listening')
  const { port } = listening.address() as AddressInfo
  const client = connect({ port, host: '127.0.0.1', ca, servername: host })
  t.teardown(() => client.destroy())
  await once(client, 'secureConnect')
  return String(await once(client, 'data'))
}

t.test('a client that trusts the authority shakes hands for a name of the leaf', async (t) => {
  t.equal(await handshake(t, { ca: authority.cert, server: leaf, host: 'localhost' }), 'hello')
})

t.test('a client that calls another name, or trusts another authority, does not', async (t) => {
  const other = await mintAuthority({ name: 'tidewaiter', now })
  await t.rejects(handshake(t, { ca: authority.cert, server: leaf, host: 'other.svc' }), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  })
  await t.rejects(handshake(t, { ca: other.cert, server: leaf, host: 'localhost' }), {
    code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  })
})

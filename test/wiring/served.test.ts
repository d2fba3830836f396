/** Which certificates callers of the webhook meet: seen over real TLS. */
import { createServer } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { X509Certificate } from 'node:crypto'
import t, { type Test } from 'tap'
import { certificatesIn, certificatesText } from '../../src/core/certificates.ts'
import { systemClock } from '../../src/system-clock.ts'
import { certificateFacts } from '../../src/tls/facts.ts'
import { servedBy } from '../../src/wiring/served.ts'
import { certificate } from '../net/servers.ts'
import { FakeClock } from '../support/fake-clock.ts'

const authority = certificate({ name: 'the authority', ca: true })
const [one, other] = ['127.0.0.1', 'localhost'].map((name) => certificate({ name, by: authority }))
const printOf = (pair: typeof one) => new X509Certificate(pair?.cert ?? '').fingerprint256

/** A webhook whose nth connection shows the certificate that is chosen for it. */
async function aWebhook(t: Test, choose: (connection: number) => typeof one) {
  let connections = 0
  const server = createServer({ ...choose(0) })
  server.on('connection', () => {
    connections += 1
    server.setSecureContext(choose(connections) ?? {})
  })
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { install: installAt(url), connections: () => connections }
}

const installAt = (url: string) => ({
  name: 'tidewaiter',
  namespace: 'tidewaiter',
  clientConfig: { url },
  names: ['127.0.0.1'],
  outside: true,
})

t.test(
  'every connection shows which certificate it met, whoever signed it; for half a minute that is kept',
  async (t) => {
    const { install, connections } = await aWebhook(t, () => one)
    const clock = new FakeClock()
    const served = servedBy(install, clock)
    t.match(await served(), { certificates: [{ fingerprint: printOf(one), connections: 8 }], connections: 8 })
    await served()
    t.equal(connections(), 8)
    await clock.pass(30_001)
    await served()
    t.equal(connections(), 16)
    t.equal(clock.waiting, 0, 'no deadline is left behind')
  },
)

t.test('replicas that differ are told apart', async (t) => {
  const { install } = await aWebhook(t, (connection) => (connection % 2 === 0 ? one : other))
  const { certificates } = await servedBy(install, systemClock)()
  t.same(certificates.map(({ fingerprint }) => fingerprint).sort(), [printOf(one), printOf(other)].sort())
})

t.test('a webhook that is not there is told with its cause, and holds up nobody', async (t) => {
  const served = await servedBy(installAt('https://127.0.0.1:1'), systemClock)()
  t.match(served, { certificates: [], connections: 8, trouble: /ECONNREFUSED/ })
})

t.test('what the leader tells of its certificates is read as it was written', async (t) => {
  const facts = certificateFacts({ cert: one?.cert ?? '', caBundle: authority.cert + authority.cert }, true)
  t.match(facts, { serving: { names: ['127.0.0.1'], fingerprint: printOf(one) }, authorities: [{}, {}] })
  t.same(certificatesIn(certificatesText(facts as NonNullable<typeof facts>)), facts)
  const { from, until } = { from: Date.UTC(2020, 0, 1), until: Date.UTC(2090, 0, 1) }
  t.match(facts?.serving, { until, turns: until - (until - from) / 3 })
  t.equal(facts?.authorities[0]?.turns, until - (until - from) / 5)
  t.equal(facts?.authorities[1]?.turns, undefined, 'a former authority is not renewed')
  const kept = certificateFacts({ cert: one?.cert ?? '', caBundle: '' }, false)
  t.equal(kept?.serving.turns, undefined, 'who keeps the files renews them')
  t.equal(certificateFacts({ cert: 'x', caBundle: '' }, true), undefined)
})

t.test('a text that is none tells nothing', async (t) => {
  for (const text of ['', '{', 'null', '[]', '{"serving":{}}', '{"serving":{"fingerprint":"A","until":"x"}}'])
    t.equal(certificatesIn(text), undefined, text)
  const long = { fingerprint: 'A', until: '2026-01-01', names: Array(1000).fill('n') }
  const read = certificatesIn(
    JSON.stringify({ serving: long, authorities: Array.from({ length: 1000 }, () => long) }),
  )
  t.match([read?.serving.names.length, read?.authorities.length], [8, 8])
})

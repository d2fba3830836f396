/** Every way to write an address: judged on what is connected to. */
import http from 'node:http'
import net from 'node:net'
import { lookup } from 'node:dns/promises'
import * as fc from 'fast-check'
import t from 'tap'
import { serve } from './servers.ts'
import { client, send, sendBy } from './support.ts'

/** A lookup that must not happen for what is an address. */
const noName = async (): Promise<never> => {
  throw Object.assign(new Error('looked up'), { code: 'ENOTFOUND' })
}

const metadata = [
  '169.254.169.254',
  '169.254.169.254.',
  '2852039166',
  '2852039166.',
  '0xa9fea9fe',
  '0XA9FEA9FE',
  '025177524776',
  '0251.0376.0251.0376',
  '0000251.0376.0251.0000376',
  '0xa9.0xfe.0xa9.0xfe',
  '169.254.43518',
  '169.16689662',
  '169.0xfea9fe',
  '0251.254.0xa9fe',
  '%31%36%39.254.169.254',
  '１６９．２５４．１６９．２５４',
  '169。254。169｡254',
  '⑯⑨.254.169.254',
  '１６９.254.169.254',
  '169.254.1\u00AD69.254',
  '1\t69.254.169.254',
  '[::ffff:169.254.169.254]',
  '[::FFFF:A9FE:A9FE]',
  '[0:0:0:0:0:ffff:a9fe:a9fe]',
  '[0000:0000:0000:0000:0000:ffff:169.254.169.254]',
  '[64:ff9b::169.254.169.254]',
  '[64:ff9b:1::169.254.169.254]',
  '[2002:a9fe:a9fe::]',
  '[2001:0:a9fe:a9fe::]',
  '[::169.254.169.254]',
  '[fe80::a9fe:a9fe]',
  '[fd00:ec2::254]',
  '[FD00:0EC2:0:0:0:0:0:0254]',
]
for (const host of metadata) {
  for (const url of [`http://${host}/`, `HTTPS:\\\\${host}:8080/latest`, `http:${host}`]) {
    t.test(`${JSON.stringify(url)} is refused whoever allows it`, async (t) => {
      const rules = { allowNames: [host, '169.254.169.254', '[fe80::a9fe:a9fe]'] }
      t.match(await send({ url, rules, lookup: noName }), {
        refused: 'egress',
        sent: false,
        message: /which is never called/,
      })
    })
  }
}

const neverRead: Readonly<Record<string, RegExp>> = {
  'a zone in brackets': /http:\/\/\[fe80::1%eth0\]\//,
  'an escaped zone': /http:\/\/\[fe80::1%25eth0\]\//,
  'brackets around a name': /http:\/\/\[a.test\]\//,
  'brackets around IPv4': /http:\/\/\[127.0.0.1\]\//,
  'an open bracket': /http:\/\/\[::1\//,
  'a part too large': /http:\/\/256.1.1.1\//,
  'five parts': /http:\/\/1.2.3.4.5\//,
  'an octal that is none': /http:\/\/0300.08.1.1\//,
  'too large a number': /http:\/\/4294967296\//,
  'a port out of range': /http:\/\/a.test:65536\//,
  'a port that is none': /http:\/\/a.test:8o\//,
  'no host': /http:\/\//,
  'a space in the host': /http:\/\/a b\//,
  'a line break in the host that is escaped': /http:\/\/a%0d%0ab\//,
  'a slash in the host that is escaped': /http:\/\/a%2fb\//,
}
for (const [what, { source }] of Object.entries(neverRead)) {
  const url = source.replaceAll('\\', '')
  t.test(`${what} is no URL: ${url}`, async (t) => {
    t.match(await send({ url, lookup: noName }), {
      refused: 'egress',
      message: 'the URL cannot be read',
      sent: false,
    })
  })
}

for (const [url, message] of Object.entries({
  'http://good.test@169.254.169.254/': /user information/,
  'http://good.test:80@169.254.169.254/': /user information/,
  'http://169.254.169.254#@good.test/': /link-local/,
  'http://169.254.169.254?@good.test/': /link-local/,
  'http://169.254.169.254\\@good.test/': /link-local/,
  'http://169.254.169.254/@good.test/': /link-local/,
  'http://good.test%40169.254.169.254/': /cannot be read/,
})) {
  t.test(`who is before and behind an @ is not mistaken: ${url}`, async (t) => {
    t.match(await send({ url, lookup: noName }), { refused: 'egress', message })
  })
}
t.test('port 0 is nowhere', async (t) => {
  t.match(await send({ url: 'http://a.test:0/' }), { failed: 'network', sent: false })
})
t.test('what looks like an address but is a name is looked up, and its addresses are judged', async (t) => {
  for (const host of ['169.254.169.254.nip.test', '169.254.169.254..', '1e3.test', '0x7f.1.a']) {
    const asked: string[] = []
    const answer = await send({
      url: `http://${host}/`,
      lookup: async (name) => {
        asked.push(name)
        return ['169.254.169.254']
      },
    })
    t.match(answer, { refused: 'egress', message: /link-local/ }, host)
    t.equal(asked.length, 1)
  }
})

/** Random ways to write four bytes. */
const part = (value: number): fc.Arbitrary<string> =>
  fc.constantFrom(
    String(value),
    `0${value.toString(8)}`,
    `000${value.toString(8)}`,
    `0x${value.toString(16)}`,
    `0X${value.toString(16).toUpperCase()}`,
    `0x000${value.toString(16)}`,
  )
const wide = (text: string) =>
  text.replaceAll(/[!-~]/g, (c) => String.fromCodePoint(c.charCodeAt(0) + 0xfee0))
const number = (bytes: readonly number[]) => bytes.reduce((all, byte) => all * 256 + byte, 0)
const hex = ([a = 0, b = 0, c = 0, d = 0]: readonly number[]) =>
  `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`

const notation = (bytes: readonly number[]): fc.Arbitrary<string> => {
  const v4 = fc
    .integer({ min: 1, max: 4 })
    .chain((parts) => fc.tuple(...bytes.slice(0, parts - 1).map(part), part(number(bytes.slice(parts - 1)))))
    .map((parts) => parts.join('.'))
  const dotted = bytes.join('.')
  const written = fc.constantFrom(
    (x: string) => x,
    wide,
    (x: string) => `${x}.`,
    (x: string) => x.toUpperCase(),
  )
  return fc.oneof(
    { weight: 3, arbitrary: fc.tuple(v4, written).map(([text, how]) => how(text)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        `[::ffff:${dotted}]`,
        `[::ffff:${hex(bytes)}]`,
        `[0:0:0:0:0:FFFF:${hex(bytes)}]`,
      ),
    },
  )
}

// Node's own list of blocked addresses says what is refused: written from the RFCs, not from our table.
const blocked = new net.BlockList()
for (const [address, bits] of [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 3],
  ['10.9.8.7', 32],
] as const)
  blocked.addSubnet(address, bits)

t.test('whatever the text: what Node would connect to a refused address is refused', async (t) => {
  const rules = { inCluster: true, refusedAddresses: () => ['10.9.8.7'] }
  const egress = client({ rules, lookup: noName })
  const bytes = fc.oneof(
    fc.tuple(fc.constantFrom(0, 127, 169, 224, 240, 255), fc.nat(255), fc.nat(255), fc.nat(255)),
    fc.tuple(fc.constant(169), fc.constant(254), fc.nat(255), fc.nat(255)),
    fc.constant([10, 9, 8, 7]),
  )
  const seen = { refused: 0 }
  await fc.assert(
    fc.asyncProperty(bytes.chain(notation), async (host) => {
      const url = URL.parse(`http://${host}:1/`)
      if (url === null) return
      // As Node's http goes: the host of the URL, without brackets, to getaddrinfo, which looks no number up.
      const { address, family } = await lookup(url.hostname.replaceAll(/[[\]]/g, ''))
      if (!blocked.check(address, family === 6 ? 'ipv6' : 'ipv4')) return
      seen.refused += 1
      const answer = await sendBy(egress, { url: `http://${host}:1/` })
      if (!('refused' in answer)) throw new Error(`${host} is ${address}: ${JSON.stringify(answer)}`)
    }),
    { seed: 3, numRuns: 300 },
  )
  t.ok(seen.refused > 150, `${seen.refused} were refused`)
})
t.test(
  'whatever the text: a server on loopback that Node reaches with it is not reached from a cluster',
  async (t) => {
    let reached = 0
    const port = await serve(t, (_request, response) => {
      reached += 1
      response.end()
    })
    const egress = client({ rules: { inCluster: true }, lookup: noName })
    const node = (url: string) =>
      new Promise<boolean>((resolve) => {
        const request = http.get(url, { agent: false }, (response) => {
          response.resume()
          resolve(true)
        })
        request.once('error', () => resolve(false))
      })
    const seen = { byNode: 0 }
    await fc.assert(
      fc.asyncProperty(notation([127, 0, 0, 1]), async (host) => {
        const url = `http://${host}:${port}/`
        if (!(await node(url))) return
        seen.byNode += 1
        const before = reached
        const answer = await sendBy(egress, { url, method: 'GET' })
        if (!('refused' in answer) || reached !== before)
          throw new Error(`${host}: ${JSON.stringify(answer)}`)
      }),
      { seed: 4, numRuns: 60 },
    )
    t.ok(seen.byNode > 40, `Node reached it ${seen.byNode} times`)
  },
)

import * as fc from 'fast-check'
import t from 'tap'
import { egressProblems, judge } from '../../src/core/egress.ts'
import type { EgressRules } from '../../src/core/egress.ts'
import { embedded, inRange } from '../../src/core/egress-address.ts'
import { parseAddress } from '../../src/net/address.ts'

const open: EgressRules = {
  inCluster: true,
  refusedAddresses: () => ['10.0.0.1', 'fd00::1', 'nonsense'],
  allowNames: [],
  onlyTo: [],
}

function address(text: string) {
  const parsed = parseAddress(text)
  if (parsed === undefined) throw new TypeError(text)
  return parsed
}
type At = { readonly host?: string; readonly port?: number }
const judged = (
  text: string,
  rules: Partial<EgressRules> = {},
  { host = 'quiesce.shop', port = 443 }: At = {},
) => judge({ host, port, address: address(text) }, { ...open, ...rules }, parseAddress)
const sentence = (...given: Parameters<typeof judged>) => {
  const judgement = judged(...given)
  return 'refused' in judgement ? judgement.refused : 'let through'
}

const never: Readonly<Record<string, readonly string[]>> = {
  'link-local': ['169.254.0.1', '169.254.169.254', '169.254.170.23', 'fe80::1', 'febf::1'],
  'a metadata service': [
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    'fd00:ec2::254',
    'fd00:ec2::23',
    'fd20:ce::254',
    'fd00:c1::a9fe:a9fe',
    'fd00:42::42',
    'fd00:a9fe:a9fe::1',
  ],
  unspecified: ['0.0.0.0', '0.1.2.3', '::'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1'],
  broadcast: ['255.255.255.255'],
  'a refused address mapped into IPv6': ['::ffff:169.254.169.254', '::ffff:a9fe:a9fe'],
  'a refused address in IPv4-compatible IPv6': ['::a9fe:a9fe'],
  'a refused address translated (SIIT)': ['::ffff:0:a9fe:a9fe'],
  'a refused address behind NAT64': [
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::a9fe:a9fe',
    '64:ff9b:1:a9fe:a9:fe00::',
  ],
  'a refused address behind 6to4': ['2002:a9fe:a9fe::1'],
  'a refused address behind Teredo': ['2001:0:a9fe:a9fe::1', '2001:0:102:304:0:0:5601:5601'],
  'a metadata service behind a translator with a prefix of its own': [
    'fd99:64::a9fe:a9fe',
    '2a00:1:2:3:a9:fea9:fe00:0',
    '2a00:1:2:a9fe:a9:fe00::',
    '2a00:1:2a9:fea9:fe::',
    '2a00:1:a9fe:a9fe::',
    'fd99:64::6464:64c8',
    'fd99:64::a83f:8110',
  ],
  'a refused address behind ISATAP': ['2001:db8::5efe:a9fe:a9fe', '2001:db8::200:5efe:a9fe:a9fe'],
}
for (const [what, addresses] of Object.entries(never)) {
  t.test(`${what} is never called, whatever the install allows`, async (t) => {
    for (const text of addresses) {
      t.match(
        sentence(text, { inCluster: false, allowNames: [text, `[${text}]`, 'quiesce.shop'] }),
        /never called/,
        text,
      )
    }
  })
}
for (const text of [
  '10.1.2.3',
  '192.168.1.1',
  '8.8.8.8',
  '100.64.0.1',
  '198.18.0.1',
  '192.0.2.1',
  'fd00:a9fe:a9fe::2',
  'fd12::1',
  '2001:db8::1',
  '64:ff9b::a01:203',
  '64:ff9b:1::a01:203',
]) {
  t.test(`${text} may be called`, async (t) => {
    t.same(judged(text), { ok: true })
  })
}
for (const text of ['10.0.0.1', '::ffff:10.0.0.1', '64:ff9b::a00:1', 'fd00::1', 'fd00:0::0001']) {
  t.test(`${text} is the API server's or a node's, and refused until the install allows it`, async (t) => {
    t.match(
      sentence(text),
      /API server or of a node. If it may be called, start tidewaiter with --egress-allow quiesce.shop:443$/,
    )
    t.same(judged(text, { allowNames: ['quiesce.shop'] }), { ok: true })
    t.same(judged(text, { allowNames: [text.includes(':') ? `[${text}]:443` : `${text}:443`] }), { ok: true })
    t.match(sentence(text, { allowNames: ['quiesce.shop:444', 'shop', 'e.shop'] }), /API server/)
  })
}
for (const text of [
  '240.0.0.1',
  '255.255.255.254',
  '192.0.0.8',
  '::8.8.8.8',
  '::ffff:0:8.8.8.8',
  '100::1',
  'fec0::1',
]) {
  t.test(`${text} is reserved, and refused until the install allows it`, async (t) => {
    t.match(
      sentence(text),
      /is a reserved address \(.*\). If it may be called, .* --egress-allow quiesce.shop:443$/,
    )
    t.match(sentence(text, { inCluster: false }), /reserved/)
    t.same(judged(text, { allowNames: ['quiesce.shop'] }), { ok: true })
  })
}
t.test('of IPv6 only what IANA gave out for unicast is not reserved', async (t) => {
  const first = Array.from({ length: 256 }, (_, byte) => `${byte.toString(16)}11:2222::1`)
  const through = first.filter((text) => sentence(text) === 'let through')
  // iana.org/assignments/ipv6-address-space: 2000::/3 and fc00::/7.
  const want = first.filter((_, byte) => byte >> 5 === 1 || byte >> 1 === 0x7e)
  t.same(through, want)
})
t.test('loopback is refused in a cluster and let through outside', async (t) => {
  for (const text of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1']) {
    t.match(sentence(text), /loopback address \(.*\), which in a cluster is this pod itself/, text)
    t.same(judged(text, { inCluster: false }), { ok: true })
    t.same(judged(text, { allowNames: ['Quiesce.Shop.'] }), { ok: true })
  }
})
t.test('the addresses of nodes are asked for at every call', async (t) => {
  let now: readonly string[] = []
  const rules = { refusedAddresses: () => now }
  t.same(judged('10.9.9.9', rules), { ok: true })
  now = ['10.9.9.9']
  t.match(sentence('10.9.9.9', rules), /node/)
})

const only: Readonly<
  Record<
    string,
    { entry: string; yes: readonly [string, string, number?][]; no: readonly [string, string, number?][] }
  >
> = {
  'a name': {
    entry: 'quiesce.shop',
    yes: [
      ['quiesce.shop', '10.1.1.1'],
      ['QUIESCE.shop.', '10.1.1.1'],
    ],
    no: [
      ['a.quiesce.shop', '10.1.1.1'],
      ['xquiesce.shop', '10.1.1.1'],
    ],
  },
  'a name and a port': {
    entry: 'quiesce.shop:8443',
    yes: [['quiesce.shop', '10.1.1.1', 8443]],
    no: [['quiesce.shop', '10.1.1.1']],
  },
  'a pattern': {
    entry: '*.shop',
    yes: [
      ['a.shop', '10.1.1.1'],
      ['b.a.shop', '10.1.1.1'],
    ],
    no: [
      ['shop', '10.1.1.1'],
      ['ashop', '10.1.1.1'],
    ],
  },
  'a CIDR': {
    entry: '10.1.0.0/16',
    yes: [
      ['a', '10.1.255.1'],
      ['a', '::ffff:10.1.2.3'],
    ],
    no: [
      ['a', '10.2.0.1'],
      ['a', 'fd00::9'],
    ],
  },
  'an odd CIDR': { entry: '10.1.128.0/17', yes: [['a', '10.1.129.1']], no: [['a', '10.1.127.1']] },
  'an IPv6 CIDR and a port': {
    entry: '[fd12::/64]:80',
    yes: [['a', 'fd12::7', 80]],
    no: [
      ['a', 'fd12::7'],
      ['a', 'fd12:0:0:1::', 80],
    ],
  },
  'an address': { entry: 'fd12::7', yes: [['a', 'fd12:0::7']], no: [['a', 'fd12::8']] },
}
for (const [what, { entry, yes, no }] of Object.entries(only)) {
  t.test(`${what} in the list of what alone is called: ${entry}`, async (t) => {
    t.same(egressProblems({ allow: [], only: [entry], proxyFor: [] }, parseAddress), [])
    for (const [host, text, port] of yes)
      t.same(
        judged(text, { onlyTo: [entry] }, { host, ...(port === undefined ? {} : { port }) }),
        { ok: true },
        `${host} ${text}`,
      )
    for (const [host, text, port] of no)
      t.match(
        sentence(text, { onlyTo: [entry] }, { host, ...(port === undefined ? {} : { port }) }),
        /--egress-only/,
        `${host} ${text}`,
      )
  })
}
t.test('the list of what alone is called opens nothing that is refused', async (t) => {
  t.match(sentence('127.0.0.1', { onlyTo: ['127.0.0.0/8'] }), /loopback/)
  t.match(sentence('169.254.1.1', { onlyTo: ['169.254.0.0/16'] }), /link-local/)
  t.match(sentence('10.0.0.1', { onlyTo: ['10.0.0.0/8'] }), /API server/)
})
t.test('what is allowed although it is inside must still be listed where there is a list', async (t) => {
  t.match(sentence('127.0.0.1', { allowNames: ['quiesce.shop'], onlyTo: ['other.shop'] }), /--egress-only/)
  t.same(judged('127.0.0.1', { allowNames: ['quiesce.shop'], onlyTo: ['*.shop'] }), { ok: true })
})
t.test('a refusal names the address, what led there, the rule and the way out', async (t) => {
  t.equal(
    sentence('10.0.0.1', {}, { host: 'kube.internal', port: 6443 }),
    '10.0.0.1, which kube.internal resolves to, is an address of the API server or of a node. If it may be called, start tidewaiter with --egress-allow kube.internal:6443',
  )
  t.equal(
    sentence('fd00::1', {}, { host: '[fd00::1]', port: 6443 }),
    'fd00::1 is an address of the API server or of a node. If it may be called, start tidewaiter with --egress-allow [fd00::1]:6443',
  )
})
t.test('an entry that could never match is a problem, and says which flag', async (t) => {
  const bad = [
    '',
    '*',
    '*.shop',
    '10.0.0.0/8',
    '0x7f.1',
    '127.1',
    'a:0',
    'a:99999',
    'a b',
    'http://a',
    '[::1',
    'a:b:c:d:e',
  ]
  t.equal(egressProblems({ allow: bad, only: [], proxyFor: [] }, parseAddress).length, bad.length)
  t.match(egressProblems({ allow: ['*'], only: ['10.0.0.0/33'], proxyFor: [] }, parseAddress), [
    '--egress-allow must be HOST or ADDRESS, with or without :PORT, got "*"',
    '--egress-only must be HOST, *.DOMAIN, ADDRESS or CIDR, with or without :PORT, got "10.0.0.0/33"',
  ])
  t.same(
    egressProblems(
      {
        allow: ['a', 'a.b:1', '10.0.0.1', '10.0.0.1:80', '::1', '[::1]', '[::1]:80'],
        only: ['*.a', '*.a:80'],
        proxyFor: ['a', 'a.b:1', '*.a:80'],
      },
      parseAddress,
    ),
    [],
  )
})

t.test('for a proxy only names are listed', async (t) => {
  const bad = ['10.0.0.1', '10.0.0.0/8', '[::1]', '0x7f.1', '*', 'http://a', '']
  t.match(
    egressProblems({ allow: [], only: [], proxyFor: bad }, parseAddress),
    bad.map(() => /^--egress-proxy-for must be HOST or \*.DOMAIN/),
  )
})
t.test('an IPv4 address that is refused is refused inside every IPv6 form', async () => {
  const v4 = fc.tuple(fc.constantFrom(10, 127, 169, 224), fc.nat(255), fc.nat(255), fc.nat(255))
  const hex = (a: number, b: number) => ((a << 8) | b).toString(16)
  fc.assert(
    fc.property(v4, ([a, b, c, d]) => {
      const isOpen = (text: string) => sentence(text) === 'let through'
      const plain = isOpen([a, b, c, d].join('.'))
      const pair = `${hex(a, b)}:${hex(c, d)}`
      // The last two are reserved whatever they hold.
      return (
        ['::ffff:', '64:ff9b::'].every((prefix) => isOpen(prefix + pair) === plain) &&
        ['::', '::ffff:0:'].every((prefix) => !isOpen(prefix + pair))
      )
    }),
    { seed: 1 },
  )
})
t.test('a range holds exactly the addresses that share its bits', async () => {
  fc.assert(
    fc.property(fc.nat(2 ** 32 - 1), fc.nat(2 ** 32 - 1), fc.nat(32), (one, two, bits) => {
      const text = (n: number) => [24, 16, 8, 0].map((shift) => (n >>> shift) & 255).join('.')
      const same = bits === 0 || one >>> (32 - bits) === two >>> (32 - bits)
      return inRange(address(text(one)), `${text(two)}/${bits}`, parseAddress) === same
    }),
    { seed: 2 },
  )
})
t.test('an unreadable range holds nothing, and IPv4 hides nothing', async (t) => {
  t.notOk(inRange(address('1.2.3.4'), 'x/8', parseAddress))
  t.same(embedded(address('1.2.3.4')), [])
})

t.test('the ranges of the rules are read once, however many addresses are judged', async (t) => {
  let reads = 0
  const counting = (text: string) => {
    reads += 1
    return parseAddress(text)
  }
  const target = (text: string) => ({ host: 'quiesce.shop', port: 443, address: address(text) })
  const rules = { ...open, onlyTo: ['10.0.0.0/8'] }
  t.same(judge(target('10.1.2.3'), rules, counting), { ok: true })
  const first = reads
  t.same(judge(target('10.1.2.4'), rules, counting), { ok: true })
  t.ok(first > 20 && reads - first < 10, `${first} reads, then ${reads - first}`)
})

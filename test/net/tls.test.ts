import t from 'tap'
import { parsePem } from '../../src/net/pem.ts'
import type { Pair } from '../../src/tls/authority.ts'
import { certificate, serve } from './servers.ts'
import { send, textOf } from './support.ts'

const authority = certificate({ name: 'Test CA', ca: true })
const other = certificate({ name: 'Other CA', ca: true })

const cases: Readonly<Record<string, { pair: Pair; ca?: string; host?: string; want: object }>> = {
  'a certificate of the given authority is taken': {
    pair: certificate({ name: 'a.test', by: authority }),
    ca: authority.cert,
    want: { ok: { status: 200 } },
  },
  'a certificate for the address is taken if the URL has the address': {
    pair: certificate({ name: '127.0.0.1', by: authority }),
    ca: authority.cert,
    host: '127.0.0.1',
    want: { ok: { status: 200 } },
  },
  'one of several given authorities is enough': {
    pair: certificate({ name: 'a.test', by: authority }),
    ca: `${certificate({ name: 'Third CA', ca: true }).cert}\n${authority.cert}`,
    want: { ok: { status: 200 } },
  },
  'a certificate of an unknown authority is refused, and the way out said': {
    pair: certificate({ name: 'a.test', by: authority }),
    want: {
      failed: 'answer',
      about: 'tls',
      sent: false,
      cause: /signed by an unknown authority$/,
      message: /signed by an unknown authority. Give that as caBundle/,
    },
  },
  'a self-signed certificate is refused': {
    pair: certificate({ name: 'a.test' }),
    want: { failed: 'answer', sent: false, message: /self-signed/ },
  },
  'a certificate of another authority than the given is refused': {
    pair: certificate({ name: 'a.test', by: authority }),
    ca: other.cert,
    want: { failed: 'answer', sent: false, message: /certificate of a.test \(127.0.0.1:\d+\)/ },
  },
  'a certificate for another name is refused': {
    pair: certificate({ name: 'b.test', by: authority }),
    ca: authority.cert,
    want: { failed: 'answer', sent: false, message: /is not for a.test/ },
  },
  'a certificate for the address does not do for the name': {
    pair: certificate({ name: '127.0.0.1', by: authority }),
    ca: authority.cert,
    want: { failed: 'answer', sent: false, message: /is not for a.test/ },
  },
  'an expired certificate is refused': {
    pair: certificate({ name: 'a.test', by: authority, notAfter: new Date('2021-01-01') }),
    ca: authority.cert,
    want: { failed: 'answer', sent: false, message: /has expired/ },
  },
}
for (const [name, { pair, ca, host = 'a.test', want }] of Object.entries(cases)) {
  t.test(name, async (t) => {
    const port = await serve(t, (_request, response) => void response.end(), pair)
    t.match(await send({ url: `https://${host}:${port}/`, ...(ca === undefined ? {} : { ca }) }), want)
  })
}
t.test('SNI carries the name of the URL without the root dot, and none for an address', async (t) => {
  const names: (string | false)[] = []
  const pair = certificate({ name: 'a.test', by: authority })
  const port = await serve(
    t,
    (request, response) => {
      names.push((request.socket as { servername?: string | false }).servername ?? false)
      response.end('ok')
    },
    pair,
  )
  t.equal(textOf(await send({ url: `https://a.test.:${port}/`, ca: authority.cert })), 'ok')
  t.same(names, ['a.test'])
})
t.test('an authority with http is refused: it would promise what is not checked', async (t) => {
  t.match(await send({ url: 'http://a.test/', ca: authority.cert }), {
    refused: 'egress',
    message: /only https/,
    sent: false,
  })
})
t.test('TLS to a server without it says so', async (t) => {
  const port = await serve(t, () => {})
  t.match(await send({ url: `https://a.test:${port}/` }), {
    failed: 'answer',
    sent: false,
    message: /does not speak TLS/,
  })
})

const pems: Readonly<Record<string, { pem: string; want: RegExp | undefined }>> = {
  'one certificate': { pem: authority.cert, want: undefined },
  'two with text between': { pem: `${authority.cert}\n# other\n${other.cert}`, want: undefined },
  nothing: { pem: '', want: /no certificate/ },
  'a private key': { pem: authority.key, want: /no certificate/ },
  'a certificate and a key': { pem: authority.cert + authority.key, want: /2 blocks begin/ },
  'a certificate cut short': {
    pem: `${authority.cert}-----BEGIN CERTIFICATE-----\nMIIC`,
    want: /2 blocks begin/,
  },
  'a certificate that is none': {
    pem: `${authority.cert}-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----`,
    want: /number 2 in it cannot be read/,
  },
  'more than 100': { pem: authority.cert.repeat(101), want: /at most 100/ },
}
for (const [what, { pem, want }] of Object.entries(pems)) {
  t.test(`${what} ${want === undefined ? 'is' : 'is not'} a bundle of authorities`, async (t) => {
    const problem = parsePem(pem)
    if (want === undefined) t.equal(problem, undefined)
    else t.match(problem, want)
  })
}

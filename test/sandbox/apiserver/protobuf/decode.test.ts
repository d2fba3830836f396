import t from 'tap'
import { decodeProtobuf } from '../../../../src/sandbox/apiserver/protobuf/decode.ts'

const field = (number: number, body: Buffer): Buffer =>
  Buffer.concat([Buffer.from([(number << 3) | 2, body.length]), body])
const text = (number: number, value: string): Buffer => field(number, Buffer.from(value))
const envelope = (apiVersion: string, kind: string, raw: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    field(1, Buffer.concat([text(1, apiVersion), text(2, kind)])),
    field(2, raw),
  ])

t.test('a body of kubectl create becomes the JSON that it stands for', async (t) => {
  const metadata = field(1, Buffer.concat([text(1, 'a'), text(2, ''), field(8, Buffer.alloc(0))]))
  const data = field(2, Buffer.concat([text(1, 'x'), text(2, 'y')]))
  t.same(decodeProtobuf(envelope('v1', 'ConfigMap', Buffer.concat([metadata, data]))), {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'a' },
    data: { x: 'y' },
  })
})

t.test('a request of kubectl create token, as version 1.36 sends it', async (t) => {
  const sent =
    '6b3873000a280a1861757468656e7469636174696f6e2e6b38732e696f2f7631120c546f6b656e5265717565737412290a100a0012001a0022002a0032003800' +
    '4200120f0a0a7469646577616974657220901c1a040a0012001a002200'
  t.match(decodeProtobuf(Buffer.from(sent, 'hex')), {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { audiences: ['tidewaiter'], expirationSeconds: 3600 },
  })
})

t.test('bytes that are none, and kinds that are not known, are refused', async (t) => {
  const broken = [
    Buffer.from('{}'),
    Buffer.from('k8s\0\x0a\xff', 'latin1'),
    envelope('v1', 'Nothing', Buffer.alloc(0)),
    Buffer.alloc(0),
  ]
  for (const body of broken) t.throws(() => decodeProtobuf(body), { code: 400 })
})

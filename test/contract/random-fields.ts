/** Fields that a random write sets, of each kind. */
import type { Json } from './http.ts'
import type { Draw } from './random-draw.ts'
import type { KindName } from './random-kinds.ts'

/** Stands for the uid of the object of this name, of the same kind. */
export const uidOf = (name: string): string => `$uid ${name}`

const keep = 'example.com/keep'
const hold = 'example.com/hold'

/** Some fields of an object of a kind; null where a patch is to take one away. */
export function fields(draw: Draw, kind: KindName): Json {
  const metadata = { ...labels(draw), ...marks(draw), ...owners(draw) }
  return {
    ...content[kind](draw),
    ...draw.maybe(0.06, () => ({ odd: draw.one<Json>([1, { deep: [1] }, 'x']) })),
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
  }
}

const labels = ({ one, maybe }: Draw): object =>
  maybe(0.4, () => ({
    labels: one<Json>([
      { tier: 'x' },
      { tier: 'x' },
      { tier: 'y' },
      { tier: null },
      { tier: 'x', more: 'm' },
      {},
      null,
      { tier: 'not a label' },
      { 'not a key!': 'x' },
    ]),
  }))

const marks = ({ one, maybe }: Draw): object => ({
  ...maybe(0.15, () => ({
    annotations: one<Json>([
      { note: '1' },
      { note: '2' },
      { note: null },
      { 'Not/A/Key': '' },
      { note: 5 },
      {},
    ]),
  })),
  ...maybe(0.25, () => ({
    finalizers: one<Json>([
      [keep],
      [keep, hold],
      [hold, keep],
      [hold],
      [],
      null,
      ['word'],
      [keep, keep],
      ['/'],
    ]),
  })),
})

const owner = (name: string, more: object = {}): Json => ({
  apiVersion: 'v1',
  kind: 'Secret',
  name,
  uid: uidOf(name),
  ...more,
})

const owners = ({ one, maybe }: Draw): object =>
  maybe(0.12, () => ({
    ownerReferences: one<Json>([
      [owner('a')],
      [owner('b'), owner('a')],
      [owner('a', { controller: true }), owner('b', { controller: true })],
      [owner('a', { controller: true, blockOwnerDeletion: true })],
      [owner('a'), owner('a')],
      [{ ...owner('a'), uid: '' }],
      [],
      null,
    ]),
  }))

const text = (plain: string): string => btoa(plain)

// To the real server no data and empty data are different, where nothing may change: an immutable object always has some.
const immutable = (isSo: boolean, n: string): object => ({ immutable: isSo, data: { n } })

const content: Readonly<Record<KindName, (draw: Draw) => object>> = {
  secret: ({ one, maybe }) => ({
    ...maybe(0.5, () => ({
      data: one<Json>([
        { n: text('1') },
        { n: text('2') },
        { n: text('3'), m: text('1') },
        { n: null },
        { n: 'bad' },
        { n: 5 },
        {},
        null,
        { 'not a key!': '' },
      ]),
    })),
    ...maybe(0.2, () => ({ stringData: one<Json>([{ n: 'plain' }, { tag: 'red' }, {}]) })),
    ...maybe(0.04, () => immutable(one([true, false]), text('1'))),
    ...maybe(0.06, () => ({ type: one(['Opaque', 'example.com/other', 'kubernetes.io/tls', '']) })),
  }),
  configmap: ({ one, maybe }) => ({
    ...maybe(0.5, () => ({
      data: one<Json>([
        { n: '1' },
        { n: '2' },
        { n: '3', m: '1' },
        { n: null },
        { n: 5 },
        {},
        null,
        { '..': 'x' },
      ]),
    })),
    ...maybe(0.2, () => ({
      binaryData: one<Json>([{ b: text('1') }, { n: text('2') }, { b: 'bad' }, null]),
    })),
    ...maybe(0.04, () => immutable(one([true, false]), '1')),
  }),
  lease: ({ one, maybe }) =>
    maybe(0.7, () => ({
      spec: {
        ...maybe(0.6, () => ({ holderIdentity: one<Json>(['me', 'you', '', null]) })),
        ...maybe(0.5, () => ({ leaseDurationSeconds: one<Json>([15, 30, 0, -1, '15', null]) })),
        ...maybe(0.3, () => ({ renewTime: one<Json>(['2026-01-01T00:00:00.000000Z', 'then', null]) })),
        ...maybe(0.3, () => ({ leaseTransitions: one<Json>([0, 1, 2, null]) })),
      },
    })),
  widget: (draw) => ({
    ...draw.maybe(0.75, () => ({ spec: widgetSpec(draw) })),
    ...draw.maybe(0.25, () => ({ status: widgetStatus(draw) })),
  }),
  gadget: (draw) => ({
    ...draw.maybe(0.75, () => ({ spec: gadgetSpec(draw) })),
    ...draw.maybe(0.2, () => ({ status: draw.one<Json>([{ phase: 'P1' }, { phase: null }, {}, null]) })),
  }),
}

const lists: readonly [Json, ...Json[]] = [
  [{ name: 'p' }],
  [{ name: 'p', n: 2 }],
  [{ name: 'q' }, { name: 'p', tag: 'red' }],
  [
    { name: 'r', n: 3 },
    { name: 'q', n: 1 },
  ],
  [{ name: 'p' }, { name: 'p' }],
  [{ n: 1 }],
  [],
  null,
]

const widgetSpec = ({ one, maybe }: Draw): object => ({
  ...maybe(0.5, () => ({ n: one<Json>([1, 2, 3, 4, 5, 9, 0, 2.5, 'bad', null]) })),
  ...maybe(0.3, () => ({ tag: one<Json>(['red', 'blue', 'blue', 'pink', '', null, 7]) })),
  ...maybe(0.25, () => ({ parts: one(lists) })),
  ...maybe(0.2, () => ({
    set: one<Json>([['u'], ['u', 'v'], ['v', 'u'], ['w', 'u'], ['u', 'u'], [], null, [1]]),
  })),
  ...maybe(0.15, () => ({ steps: one<Json>([['s'], ['t', 's'], ['s', 't', 'u'], [], null]) })),
  ...maybe(0.15, () => ({ nick: one<Json>(['nn', null, 'much too long']) })),
  ...maybe(0.05, () => ({ unknown: one<Json>([1, { deep: 'x' }]) })),
})

const widgetStatus = ({ one, maybe }: Draw): object => ({
  ...maybe(0.7, () => ({ phase: one<Json>(['P1', 'P2', 'bad', null, 3]) })),
  ...maybe(0.3, () => ({ parts: one(lists) })),
  ...maybe(0.2, () => ({ seen: one<Json>([1, 2, 'bad']) })),
  ...maybe(0.05, () => ({ unknown: 1 })),
})

const gadgetSpec = ({ one, maybe }: Draw): object => ({
  ...maybe(0.3, () => ({ size: one<Json>([1, 2, null, 'bad']) })),
  ...maybe(0.3, () => ({
    free: one<Json>([{ a: 1 }, { a: { b: [1, 2] } }, { a: { c: 1 }, d: null }, { a: [1] }, {}, null, 'bad']),
  })),
  ...maybe(0.25, () => ({ whole: one<Json>([{ a: '1' }, { a: '1', b: '2' }, { b: '3' }, {}, null]) })),
  ...maybe(0.2, () => ({ port: one<Json>([80, 'http', null, true]) })),
  ...maybe(0.2, () => ({
    deep: one<Json>([{ inner: { a: '1' } }, { inner: {} }, { inner: null }, {}, { inner: { b: 1 } }]),
  })),
  ...maybe(0.1, () => ({ need: one<Json>([{ a: '1' }, {}, { a: null }, null]) })),
  ...maybe(0.2, () => ({ words: one<Json>([{ w: '1' }, { w: '2', v: '1' }, { w: null }, {}, { w: 1 }]) })),
})

/**
 * The fields as a whole object may have them. A null among the data of a Secret is another value in storage than an empty text, though both are
 * shown alike: the next write is one even if it changes nothing. That is not imitated, see docs/sandbox.md.
 */
export function wholeFields({ data, ...content }: Json): Json {
  if (typeof data !== 'object' || data === null) return data === undefined ? content : { ...content, data }
  const entries = Object.entries(data).filter(([, value]) => value !== null)
  return { ...content, data: Object.fromEntries(entries) }
}

/** The same of what is applied to a custom kind: its metadata is stored as it is, and shown without what is empty in it. */
export function appliedFields(kind: KindName, fields: Json): Json {
  if (kind !== 'widget' && kind !== 'gadget') return wholeFields(fields)
  const { metadata, ...content } = fields
  const entries = Object.entries(metadata ?? {}).filter(([, value]) => !isHollow(value) && !hasNull(value))
  return entries.length === 0 ? content : { ...content, metadata: Object.fromEntries(entries) }
}

const isHollow = (value: Json): boolean =>
  value === null || (typeof value === 'object' && Object.keys(value).length === 0)

const hasNull = (value: Json): boolean =>
  typeof value === 'object' && value !== null && Object.values(value).includes(null)

/** Seeded random sequences of operations on three of the kinds. */
import type { Json } from './http.ts'
import { draws, type Draw } from './random-draw.ts'
import { appliedFields, fields, wholeFields } from './random-fields.ts'
import type { KindName } from './random-kinds.ts'
import { steps } from './random-steps.ts'

/** Which object a write starts from: as last answered, as first answered, or from scratch without a version. */
export type Base = 'latest' | 'stale' | 'none'

/** What a PUT does beside setting fields. */
export type Tampering = 'uid' | 'no-managers' | 'reset-managers' | 'name' | 'kind' | 'status'

/** What a delete demands of the object. */
export type Precondition = 'none' | 'uid' | 'wrong-uid' | 'stale' | 'latest'

/** What a list or a watch chooses. */
export type Choice = { readonly selector?: string; readonly fields?: string }

/** One operation; names of objects are a, b and c. */
export type Operation = {
  readonly kind: KindName
  readonly name: string
  readonly dryRun?: true
  readonly validation?: string
} & (
  | { readonly do: 'create'; readonly fields: Json }
  | {
      readonly do: 'update'
      readonly base: Base
      readonly fields: Json
      readonly status: boolean
      readonly tampering?: Tampering
    }
  | { readonly do: 'merge'; readonly base: Base; readonly fields: Json; readonly status: boolean }
  | { readonly do: 'json'; readonly steps: readonly Json[]; readonly status: boolean }
  | { readonly do: 'strategic'; readonly fields: Json }
  | {
      readonly do: 'apply'
      readonly by: string
      readonly force: boolean
      readonly fields: Json
      readonly status: boolean
      readonly base: Base
    }
  | {
      readonly do: 'delete'
      readonly precondition: Precondition
      readonly options: Json
      readonly inQuery: boolean
    }
  | ({ readonly do: 'delete-collection'; readonly options: Json } & Choice)
  | { readonly do: 'get'; readonly version?: string; readonly view?: string }
  | ({
      readonly do: 'list'
      readonly limit?: number
      readonly version?: string
      readonly view?: string
    } & Choice)
)

/** A watch from an earlier version, begun when all is done. */
export type LateWatch = { readonly kind: KindName; readonly from: number } & Choice

/** What is played: operations, and what is watched afterwards. */
export type Sequence = { readonly operations: readonly Operation[]; readonly watches: readonly LateWatch[] }

/** The sequence of a seed: an object of each of two or three kinds, then `length` operations on them. */
export function sequence(seed: number, length = 16): Sequence {
  const draw = draws(seed)
  const kinds = kindsOf(draw)
  const first = kinds.flatMap((kind): readonly Operation[] => [
    { do: 'create', kind, name: 'a', fields: starting(draw, kind) },
  ])
  const rest = Array.from({ length }, () => operation(draw, draw.one(kinds)))
  const watches = draw.chance(0.4) ? [lateWatch(draw, draw.one(kinds))] : []
  return { operations: [...first, ...rest], watches }
}

function kindsOf({ one, chance }: Draw): readonly [KindName, ...KindName[]] {
  const custom: KindName = one(['widget', 'widget', 'gadget'])
  const builtin: KindName = one(['secret', 'secret', 'configmap', 'lease'])
  const third: KindName = custom === 'widget' ? 'gadget' : 'widget'
  return chance(0.2) ? [custom, builtin, third] : [custom, builtin]
}

// The first objects are always sound, so that there is something to work on.
const starting = ({ one }: Draw, kind: KindName): Json => ({
  metadata: one<Json>([{ labels: { tier: 'x' } }, { finalizers: ['example.com/keep'] }, {}]),
  ...{
    secret: { data: { n: 'MQ==' } },
    configmap: { data: { n: '1' } },
    lease: { spec: { holderIdentity: 'me' } },
    widget: one<Json>([{ spec: { n: 1, tag: 'red' } }, { spec: { parts: [{ name: 'p' }], set: ['u'] } }, {}]),
    gadget: one<Json>([{ spec: { free: { a: 1 } } }, { spec: { words: { w: '1' } } }]),
  }[kind],
})

const lateWatch = (draw: Draw, kind: KindName): LateWatch => ({
  kind,
  from: draw.one([0, 1, 2]),
  ...choice(draw),
})

// The last object of a sequence, which ends its watches, has the label tier=x.
const choice = ({ one, maybe }: Draw): Choice => ({
  ...maybe(0.4, () => ({ selector: one(['tier=x', 'tier', 'tier in (x,y)', 'tier!=y']) })),
  ...maybe(0.2, () => ({ fields: one(['metadata.name!=a', 'metadata.name!=c,metadata.name!=b']) })),
})

const weighted: readonly [Operation['do'], ...Operation['do'][]] = [
  ...(['create', 'create', 'create', 'update', 'update', 'merge', 'merge', 'json', 'strategic'] as const),
  ...([
    'apply',
    'apply',
    'apply',
    'apply',
    'delete',
    'delete',
    'delete-collection',
    'get',
    'list',
    'list',
  ] as const),
]

function operation(draw: Draw, kind: KindName): Operation {
  const { one, chance, maybe } = draw
  const what = one(weighted)
  const common = { kind, name: one(['a', 'a', 'b', 'c']), ...maybe(0.08, () => ({ dryRun: true as const })) }
  const checked = {
    ...common,
    ...maybe(0.2, () => ({ validation: one(['Strict', 'Warn', 'Ignore', 'No']) })),
  }
  const base = (): Base => one<Base>(['latest', 'latest', 'latest', 'stale', 'none'])
  const write = () => ({ fields: fields(draw, kind), status: kind === 'widget' && chance(0.3) })
  switch (what) {
    case 'create':
      return { ...checked, do: what, fields: wholeFields(fields(draw, kind)) }
    case 'strategic':
      return { ...checked, do: what, fields: fields(draw, kind) }
    case 'update': {
      const { fields, status } = write()
      return { ...checked, do: what, base: base(), fields: wholeFields(fields), status, ...tampering(draw) }
    }
    case 'merge':
      return { ...checked, do: what, base: chance(0.5) ? 'none' : base(), ...write() }
    case 'json':
      return { ...checked, do: what, steps: steps(draw, kind), status: write().status }
    case 'apply': {
      const by = one(['me', 'you', 'me', 'kubectl'])
      const written = write()
      const from = chance(0.1) ? base() : 'none'
      return {
        ...checked,
        do: what,
        by,
        force: chance(0.4),
        base: from,
        ...written,
        fields: appliedFields(kind, written.fields),
      }
    }
    case 'delete':
    case 'delete-collection':
      return deletion(draw, common, what)
    case 'get':
    case 'list':
      return reading(draw, common, what)
  }
}

const tampering = ({ one, maybe }: Draw): { tampering?: Tampering } =>
  maybe(0.15, () => ({
    tampering: one<Tampering>(['uid', 'no-managers', 'reset-managers', 'name', 'kind', 'status']),
  }))

type Common = Pick<Operation, 'kind' | 'name' | 'dryRun'>

function deletion(draw: Draw, common: Common, what: 'delete' | 'delete-collection'): Operation {
  const { one, chance, maybe } = draw
  const options = {
    ...maybe(0.25, () => ({
      propagationPolicy: one(['Background', 'Foreground', 'Orphan', 'Sideways']),
    })),
    ...maybe(0.05, () => ({ orphanDependents: one([true, false]) })),
    ...maybe(0.1, () => ({ gracePeriodSeconds: one([0, 30, -1]) })),
  }
  if (what === 'delete-collection') {
    const selector = one(['tier=x', 'tier', '!tier', 'tier=y'])
    return { ...common, do: what, options, selector, ...maybe(0.2, () => ({ fields: 'metadata.name=a' })) }
  }
  const precondition = one<Precondition>(['none', 'none', 'none', 'uid', 'wrong-uid', 'stale', 'latest'])
  // See docs/sandbox.md for what the real server makes of both.
  const demanding = precondition === 'stale' || precondition === 'latest'
  return {
    ...common,
    do: what,
    precondition,
    options: demanding ? {} : options,
    inQuery: chance(0.2),
  }
}

function reading(draw: Draw, common: Common, what: 'get' | 'list'): Operation {
  const { one, maybe } = draw
  const how = {
    ...maybe(0.1, () => ({ version: one(['0', 'latest', 'bad']) })),
    ...maybe(0.15, () => ({ view: one(['PartialObjectMetadata', 'PartialObjectMetadataList']) })),
  }
  if (what === 'get') return { ...common, do: what, ...how }
  return {
    ...common,
    do: what,
    ...how,
    ...maybe(0.4, () => ({ selector: one(['tier=x', 'tier!=x', 'tier in (x,y)', 'tier=(', '!tier']) })),
    ...maybe(0.25, () => ({
      fields: one(['metadata.name=a', 'metadata.name!=a', 'spec.none=1', 'spec.tag=red', 'type=Opaque']),
    })),
    ...maybe(0.25, () => ({ limit: one([1, 2]) })),
  }
}

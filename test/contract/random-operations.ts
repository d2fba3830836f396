/** Seeded random sequences of operations on two kinds: Secrets, and a custom kind. */

/** The two kinds that sequences work on. */
export type KindName = 'secret' | 'widget'

/** Which object a write starts from: as last answered, as first answered, or from scratch without a version. */
export type Base = 'latest' | 'stale' | 'none'

/** What a write sets. */
export type Change = {
  readonly n?: number | string | null
  readonly tag?: string
  readonly odd?: boolean
  readonly tier?: 'x' | 'y' | null
  readonly finalizers?: readonly string[] | null
}

/** One operation; names of objects are a, b and c. */
export type Operation = { readonly kind: KindName; readonly name: string; readonly dryRun: boolean } & (
  | { readonly do: 'create'; readonly change: Change; readonly validation?: string }
  | { readonly do: 'update'; readonly base: Base; readonly change: Change; readonly status: boolean }
  | { readonly do: 'merge'; readonly base: Base; readonly change: Change; readonly status: boolean }
  | { readonly do: 'json'; readonly change: Change; readonly test: boolean }
  | { readonly do: 'strategic'; readonly change: Change }
  | { readonly do: 'apply'; readonly by: string; readonly force: boolean; readonly change: Change }
  | {
      readonly do: 'delete'
      readonly precondition: 'none' | 'uid' | 'wrong-uid' | 'stale'
      readonly policy?: string
    }
  | { readonly do: 'delete-collection'; readonly selector?: string }
  | { readonly do: 'get' }
  | { readonly do: 'list'; readonly selector?: string; readonly fields?: string; readonly limit?: number }
)

/** A source of numbers in [0, 1) that is the same for the same seed (mulberry32). */
export function numbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

type Draw = {
  readonly one: <T>(given: readonly [T, ...T[]]) => T
  readonly chance: (part: number) => boolean
}

const keep = 'example.com/keep'
const hold = 'example.com/hold'

/** The sequence of a seed: three objects, then `length` operations on them. */
export function sequence(seed: number, length = 14): readonly Operation[] {
  const next = numbers(seed)
  const one: Draw['one'] = (given) => given[Math.floor(next() * given.length)] ?? given[0]
  const draw: Draw = { one, chance: (part) => next() < part }
  const first: readonly Operation[] = [
    { do: 'create', kind: 'secret', name: 'a', dryRun: false, change: { n: one([1, 2]), tier: 'x' } },
    {
      do: 'create',
      kind: 'widget',
      name: 'a',
      dryRun: false,
      change: { n: one([1, 2]), tag: one(['red', 'blue']) },
    },
    {
      do: 'create',
      kind: 'widget',
      name: 'b',
      dryRun: false,
      change: { tier: one(['x', 'y']), finalizers: [keep] },
    },
  ]
  return [...first, ...Array.from({ length }, () => operation(draw))]
}

function change({ one, chance }: Draw): Change {
  return {
    ...(chance(0.6) ? { n: one<number | string | null>([1, 2, 3, 4, 5, 9, 0, 'bad', null]) } : {}),
    ...(chance(0.3) ? { tag: one(['red', 'blue', 'pink', '']) } : {}),
    ...(chance(0.1) ? { odd: true } : {}),
    ...(chance(0.4) ? { tier: one<'x' | 'y' | null>(['x', 'y', null]) } : {}),
    ...(chance(0.3)
      ? { finalizers: one<readonly string[] | null>([[keep], [keep, hold], [hold], [], null, ['word']]) }
      : {}),
  }
}

const weighted: readonly [Operation['do'], ...Operation['do'][]] = [
  'create',
  'create',
  'create',
  'update',
  'update',
  'merge',
  'merge',
  'json',
  'strategic',
  'apply',
  'apply',
  'delete',
  'delete',
  'delete-collection',
  'get',
  'list',
]

function operation(draw: Draw): Operation {
  const { one, chance } = draw
  const common = {
    kind: one<KindName>(['secret', 'widget', 'widget']),
    name: one(['a', 'a', 'b', 'c']),
    dryRun: chance(0.1),
  }
  const what = one(weighted)
  const base = (): Base => one<Base>(['latest', 'latest', 'stale', 'none'])
  switch (what) {
    case 'create':
      return {
        ...common,
        do: what,
        change: change(draw),
        ...(chance(0.2) ? { validation: one(['Strict', 'Ignore']) } : {}),
      }
    case 'update':
    case 'merge':
      return { ...common, do: what, base: base(), change: change(draw), status: chance(0.25) }
    case 'json':
      return { ...common, do: what, change: change(draw), test: chance(0.3) }
    case 'strategic':
      return { ...common, do: what, change: change(draw) }
    case 'apply':
      return { ...common, do: what, by: one(['me', 'you']), force: chance(0.3), change: change(draw) }
    case 'delete':
      return {
        ...common,
        do: what,
        precondition: one<'none' | 'uid' | 'wrong-uid' | 'stale'>([
          'none',
          'none',
          'uid',
          'wrong-uid',
          'stale',
        ]),
        ...(chance(0.2) ? { policy: one(['Background', 'Sideways']) } : {}),
      }
    case 'delete-collection':
      return { ...common, do: what, selector: one(['tier=x', 'tier', '!tier']) }
    case 'get':
      return { ...common, do: what }
    case 'list':
      return {
        ...common,
        do: what,
        ...(chance(0.4) ? { selector: one(['tier=x', 'tier!=x', 'tier in (x,y)', 'tier=(']) } : {}),
        ...(chance(0.2) ? { fields: one(['metadata.name=a', 'metadata.name!=a', 'spec.none=1']) } : {}),
        ...(chance(0.2) ? { limit: one([1, 2]) } : {}),
      }
  }
}

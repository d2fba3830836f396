/** Operations of random JSON patches. */
import type { Json } from './http.ts'
import type { Draw } from './random-draw.ts'
import type { KindName } from './random-kinds.ts'

const places: Readonly<Record<KindName, readonly [string, ...string[]]>> = {
  secret: ['/data/n', '/data/m', '/data', '/metadata/labels/tier', '/metadata/finalizers/0'],
  configmap: ['/data/n', '/data', '/binaryData', '/metadata/labels', '/metadata/annotations'],
  lease: ['/spec/holderIdentity', '/spec', '/metadata/labels/tier', '/spec/leaseTransitions'],
  widget: ['/spec/n', '/spec/tag', '/spec/parts/0', '/spec/parts/-', '/spec/set/-', '/status/phase', '/spec'],
  gadget: ['/spec/size', '/spec/free/a', '/spec/whole', '/spec/words/w', '/status', '/metadata/labels'],
}

const values: readonly [Json, ...Json[]] = [
  'MQ==',
  '1',
  1,
  2,
  null,
  {},
  [],
  'red',
  { name: 'p', n: 4 },
  { tier: 'y' },
]

/** One or two operations of a JSON patch of a kind. */
export function steps({ one, chance }: Draw, kind: KindName): readonly Json[] {
  const step = (): Json => {
    const op = one(['add', 'add', 'replace', 'replace', 'remove', 'test', 'copy', 'move', 'nonsense'])
    const path = one(places[kind])
    // Nothing may become null there, see wholeFields.
    const plain = path.startsWith('/data/')
    if (op === 'remove' || (plain && op === 'copy')) return { op: 'remove', path }
    if (op === 'copy' || op === 'move') return { op, from: one(places[kind]), path }
    return { op, path, value: plain ? (one(values) ?? 'MQ==') : one(values) }
  }
  return Array.from({ length: chance(0.6) ? 1 : 2 }, step)
}

/** The outputs of an action: CEL over what its body gave back, as JSON. */
import type { ActionSpec } from '../api/action.ts'
import { maskJson } from '../core/masks.ts'
import type { Mask } from '../core/masks.ts'
import { deepest, isShallow } from './depth.ts'
import type { Ports } from './ports.ts'

/** Largest outputs of one action as JSON, in characters: 64 actions of them fit into one ActionRun. */
export const longestOutputs = 16_384

type Outputs = Readonly<Record<string, unknown>>

/**
 * Evaluates all outputs, secrets masked: what is recorded is what later actions see, also after a restart. They are masked before, so
 * that no expression takes one apart (`substring`) or asks for it piece by piece (`startsWith`), and after, for what it put together.
 */
export function outputsOf(
  outputs: NonNullable<ActionSpec['outputs']>,
  response: Readonly<Record<string, unknown>>,
  { evaluate, mask }: Pick<Ports, 'evaluate'> & { readonly mask: Mask },
): { readonly ok: Outputs } | { readonly problem: string } {
  const done: [string, unknown][] = []
  let size = 0
  const shown = outputs.length === 0 ? {} : masked(response, mask)
  for (const { name, expression } of outputs) {
    const value = evaluate(expression, { response: shown })
    if ('error' in value) return { problem: `output "${name}" cannot be evaluated: ${value.error}` }
    const json = jsonOf(value.ok)
    if (json === undefined) return { problem: `output "${name}" must be JSON, got ${typeof value.ok}` }
    size += name.length + json.length
    if (size > longestOutputs) {
      return {
        problem: `the outputs must be at most ${longestOutputs} characters of JSON; "${name}" goes beyond. Select less`,
      }
    }
    const plain: unknown = JSON.parse(json)
    if (!isShallow(plain))
      return { problem: `output "${name}" must be at most ${deepest} levels deep. Select less` }
    done.push([name, maskJson(plain, mask)])
  }
  return { ok: Object.fromEntries(done) }
}

// Numbers beside the body are ours to say: a status, a duration.
const masked = (response: Readonly<Record<string, unknown>>, mask: Mask): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(response).map(([key, of]) => [key, typeof of === 'number' ? of : maskJson(of, mask)]),
  )

/** JSON text; undefined for what has none. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (_key, item: unknown) => plain(item))
  } catch {
    return undefined
  }
}

/** CEL integers are BigInts, and its maps may be Maps. */
function plain(item: unknown): unknown {
  if (typeof item === 'bigint') return Number.isSafeInteger(Number(item)) ? Number(item) : String(item)
  if (item instanceof Map)
    return Object.fromEntries(Array.from(item, ([key, of]: [unknown, unknown]) => [String(key), of]))
  if (typeof item === 'number' && !Number.isFinite(item)) return String(item)
  return item
}

/** How deep and how large a JSON value is, without trusting it: the walk ends as soon as a limit is passed. */
import type { AnyNode } from './schema.ts'

/** Levels of lists and objects that a field of any JSON may have unless it says otherwise. */
export const defaultMaxDepth = 32
/** Bytes of JSON that a field of any JSON may have unless it says otherwise. */
export const defaultMaxBytes = 64 * 1024

type Json = Readonly<Record<string, unknown>>
type Walk = { readonly maxDepth: number; readonly maxBytes: number; bytes: number }

/** What a value must do to be JSON within the limits of its field (a phrase after "must"); undefined if it does. */
export function jsonFault(node: Pick<AnyNode, 'maxDepth' | 'maxBytes'>, value: unknown): string | undefined {
  const { maxDepth = defaultMaxDepth, maxBytes = defaultMaxBytes } = node
  return faultOf(value, 0, { maxDepth, maxBytes, bytes: 0 })
}

function faultOf(value: unknown, depth: number, walk: Walk): string | undefined {
  if (typeof value !== 'object' || value === null) return scalarFault(value, walk)
  if (depth === walk.maxDepth) return `be nested at most ${walk.maxDepth} levels deep`
  const tooLarge = spend(walk, 1)
  if (tooLarge !== undefined) return tooLarge
  return Array.isArray(value) ? faultInList(value, depth, walk) : faultInFields(value as Json, depth, walk)
}

// Brackets were counted; here comes a comma or colon after each part.
function faultInList(items: readonly unknown[], depth: number, walk: Walk): string | undefined {
  for (const item of items) {
    const fault = spend(walk, 1) ?? faultOf(item, depth + 1, walk)
    if (fault !== undefined) return fault
  }
  return undefined
}

function faultInFields(fields: Json, depth: number, walk: Walk): string | undefined {
  for (const key of Object.keys(fields)) {
    const fault = scalarFault(key, walk) ?? spend(walk, 2) ?? faultOf(fields[key], depth + 1, walk)
    if (fault !== undefined) return fault
  }
  return undefined
}

function scalarFault(value: unknown, walk: Walk): string | undefined {
  if (typeof value === 'string') return spend(walk, bytesOf(value, walk.maxBytes))
  if (value === null || typeof value === 'boolean') return spend(walk, 4)
  if (typeof value === 'number' && Number.isFinite(value)) return spend(walk, String(value).length)
  return 'hold only what JSON can: text, finite numbers, true, false, null, lists and objects'
}

function spend(walk: Walk, bytes: number): string | undefined {
  walk.bytes += bytes
  return walk.bytes > walk.maxBytes ? `be at most ${walk.maxBytes} bytes of JSON` : undefined
}

/** UTF-8 bytes of a text with its quotes; escapes are counted as one byte, so this is a lower bound. */
function bytesOf(text: string, enough: number): number {
  if (text.length > enough) return text.length
  return Buffer.byteLength(text) + 2
}

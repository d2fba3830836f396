/** A value without what its declaration fills in by itself: two that mean the same look the same, also after a later version declares more defaults. */
import { asText } from './scalars.ts'
import type { ListNode, Node } from './schema.ts'

/** Drops every field that equals its default, at every depth, and writes texts as texts (429 as '429'). */
export function minimal(node: Node, value: unknown): unknown {
  if (node.type === 'string') return asText(node, value)
  if (node.type === 'array' && Array.isArray(value)) return minimalList(node, value)
  if (node.type === 'map' && isObject(value)) return mapValues(value, (item) => minimal(node.values, item))
  if (node.type !== 'object' || !isObject(value)) return value
  const kept = Object.entries(value)
    .filter(([key, item]) => !isDefault(fieldOf(node.fields, key), item))
    .map(([key, item]) => [key, minimalField(fieldOf(node.fields, key), item)] as const)
  // Again: what was written in another way may be the default too.
  return Object.fromEntries(kept.filter(([key, item]) => !isDefault(fieldOf(node.fields, key), item)))
}

function minimalList(node: ListNode, value: readonly unknown[]): readonly unknown[] {
  const items = value.map((item) => minimal(node.items, item))
  return node.listType === 'set' ? [...new Set(items)] : items
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const mapValues = (value: Readonly<Record<string, unknown>>, change: (item: unknown) => unknown) =>
  Object.fromEntries(Object.entries(value).map(([key, item]) => [key, change(item)]))

const fieldOf = (fields: Readonly<Record<string, Node>>, key: string): Node | undefined =>
  Object.hasOwn(fields, key) ? fields[key] : undefined

const minimalField = (node: Node | undefined, item: unknown): unknown =>
  node === undefined ? item : minimal(node, item)

function isDefault(node: Node | undefined, item: unknown): boolean {
  if (node === undefined || !('default' in node) || node.default === undefined) return false
  return JSON.stringify(node.default) === JSON.stringify(item)
}

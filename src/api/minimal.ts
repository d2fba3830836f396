/** A value without what its declaration fills in by itself: two that mean the same look the same, also after a later version declares more defaults. */
import type { Node } from './schema.ts'

/** Drops every field that equals its default, at every depth. */
export function minimal(node: Node, value: unknown): unknown {
  if (node.type === 'array' && Array.isArray(value)) return value.map((item) => minimal(node.items, item))
  if (node.type === 'map' && isObject(value)) return mapValues(value, (item) => minimal(node.values, item))
  if (node.type !== 'object' || !isObject(value)) return value
  const kept = Object.entries(value).filter(([key, item]) => !isDefault(fieldOf(node.fields, key), item))
  return Object.fromEntries(kept.map(([key, item]) => [key, minimalField(fieldOf(node.fields, key), item)]))
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

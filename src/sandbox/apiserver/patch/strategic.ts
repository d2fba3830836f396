/** Strategic merge patch for built-in kinds: lists are merged by their key, with $patch and its siblings as directives. */
import { badRequest } from '../errors/status.ts'
import {
  canonical,
  isList,
  isObject,
  listAt,
  own,
  same,
  textAt,
  without,
  type Json,
  type JsonObject,
} from '../json.ts'
import type { Node } from '../schema/node.ts'
import { childOf } from '../schema/shape.ts'

const directives = ['$patch', '$retainKeys']
const isDirective = (key: string): boolean =>
  directives.includes(key) ||
  key.startsWith('$setElementOrder/') ||
  key.startsWith('$deleteFromPrimitiveList/')

/** The target with the patch merged in. */
export function strategicMergePatch(node: Node | undefined, target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch
  const directive = textAt(patch, '$patch')
  if (directive === 'replace') return without(patch, '$patch')
  if (directive === 'delete') return {}
  const base = retained(isObject(target) ? target : {}, patch)
  const out = new Map(Object.entries(base))
  for (const [key, value] of Object.entries(patch)) {
    if (isDirective(key)) continue
    const child = node === undefined ? undefined : childOf(node, key)
    if (value === null) out.delete(key)
    else out.set(key, mergeField(child, own(base, key), { key, value, patch }))
  }
  applyListDirectives(out, patch, node)
  return Object.fromEntries(out)
}

function retained(base: JsonObject, patch: JsonObject): JsonObject {
  const keep = own(patch, '$retainKeys')
  if (!isList(keep)) return base
  return Object.fromEntries(Object.entries(base).filter(([key]) => keep.includes(key)))
}

type Field = { readonly key: string; readonly value: Json; readonly patch: JsonObject }

function mergeField(node: Node | undefined, target: Json | undefined, { key, value, patch }: Field): Json {
  // What is not there yet is taken as it is.
  if (isList(value) && target === undefined)
    return value.filter((item) => !isObject(item) || !Object.hasOwn(item, '$patch'))
  if (isList(value) && node?.strategies.includes('merge') === true) {
    return mergeList(node, isList(target) ? target : [], {
      value,
      order: listAt(patch, `$setElementOrder/${key}`),
    })
  }
  return isObject(value) ? strategicMergePatch(node, target, value) : value
}

type ListPatch = { readonly value: readonly Json[]; readonly order: readonly Json[] }

function mergeList(node: Node, target: readonly Json[], { value, order }: ListPatch): Json {
  if (value.some((item) => isObject(item) && textAt(item, '$patch') === 'replace')) {
    return value.filter((item) => !(isObject(item) && textAt(item, '$patch') === 'replace'))
  }
  const { mergeKey } = node
  if (mergeKey === '') {
    const all = [...target, ...value]
    const once = all.filter((item, index) => all.findIndex((one) => same(one, item)) === index)
    return ordered(once, {
      server: target,
      patch: order.length === 0 ? value : order,
      keyOf: canonical,
    })
  }
  const keyOf = (item: Json): string => (isObject(item) ? canonical(own(item, mergeKey) ?? null) : '')
  const items = new Map(target.map((item) => [keyOf(item), item]))
  for (const item of value) mergeItem(items, node, { item, key: keyOf(item) })
  return ordered([...items.values()], { server: target, patch: order.length === 0 ? value : order, keyOf })
}

function mergeItem(
  items: Map<string, Json>,
  node: Node,
  { item, key }: { readonly item: Json; readonly key: string },
): void {
  if (!isObject(item))
    throw badRequest(`map: ${canonical(item)} does not contain declared merge key: ${node.mergeKey}`)
  if (!Object.hasOwn(item, node.mergeKey)) {
    throw badRequest(`map: ${canonical(item)} does not contain declared merge key: ${node.mergeKey}`)
  }
  if (textAt(item, '$patch') === 'delete') items.delete(key)
  else items.set(key, strategicMergePatch(node.inner, items.get(key), item))
}

type Order = {
  readonly server: readonly Json[]
  readonly patch: readonly Json[]
  readonly keyOf: (item: Json) => string
}

// strategicpatch.normalizeElementOrder: the patch's items in its order, and the server's own among them where the server has them.
function ordered(items: readonly Json[], { server, patch, keyOf }: Order): Json {
  const ranks = new Map(patch.map((item, index) => [keyOf(item), index]))
  const places = new Map(server.map((item, index) => [keyOf(item), index]))
  const named = items
    .filter((item) => ranks.has(keyOf(item)))
    .toSorted((a, b) => (ranks.get(keyOf(a)) ?? 0) - (ranks.get(keyOf(b)) ?? 0))
  const others = items.filter((item) => !ranks.has(keyOf(item)))
  const out: Json[] = []
  for (const item of named) {
    const place = places.get(keyOf(item))
    const next = place === undefined ? 0 : others.findIndex((one) => (places.get(keyOf(one)) ?? 0) >= place)
    out.push(...others.splice(0, next < 0 ? others.length : next), item)
  }
  return [...out, ...others]
}

function applyListDirectives(out: Map<string, Json>, patch: JsonObject, node: Node | undefined): void {
  for (const [key, value] of Object.entries(patch)) {
    const slash = key.indexOf('/')
    const [directive, field] = [key.slice(0, slash), key.slice(slash + 1)]
    const list = out.get(field)
    if (!isList(value) || !isList(list)) continue
    if (directive === '$deleteFromPrimitiveList') {
      out.set(
        field,
        list.filter((item) => !value.some((gone) => same(gone, item))),
      )
    }
    if (directive === '$setElementOrder' && !Object.hasOwn(patch, field)) {
      out.set(
        field,
        ordered(list, { server: list, patch: value, keyOf: keyBy(node?.field(field)?.mergeKey ?? '') }),
      )
    }
  }
}

const keyBy =
  (mergeKey: string) =>
  (item: Json): string =>
    canonical(isObject(item) ? (own(item, mergeKey) ?? null) : item)

/** Why a configuration to apply is not of its schema's types, in the words of structured-merge-diff. */
import { isList, isObject, type Json, type JsonObject } from '../json.ts'
import { goText } from '../patch/go-text.ts'
import type { Node } from '../schema/node.ts'
import { childOf } from '../schema/shape.ts'
import { shownElement } from './set.ts'
import { elementOf } from './typed.ts'

/** The problems of a value, each with its path in front. Only what is applied may not have the same item twice. */
export function typedProblems(node: Node, value: Json, how: Typing = {}): readonly string[] {
  const { path = '' } = how
  if (value === null || node.sort === 'any') return []
  const wanted = expected(node, value)
  if (wanted !== undefined)
    return [`${path}: expected ${wanted}, got &value.valueUnstructured{Value:${shown(value)}}`]
  if (isList(value)) return itemProblems(node, value, { ...how, path })
  return isObject(value) ? fieldProblems(node, value, { ...how, path }) : []
}

type Typing = { readonly path?: string; readonly twins?: 'refused' }
type Placed = Typing & { readonly path: string }

function itemProblems(node: Node, list: readonly Json[], { path, twins }: Placed): readonly string[] {
  const { inner } = node
  if (inner === undefined) return []
  const isAtomic = node.listType === 'atomic'
  const seen = new Set<string>()
  const problems: string[] = []
  for (const [index, item] of list.entries()) {
    const nameless = isAtomic ? undefined : withoutElement(node, item)
    if (nameless !== undefined) return [...problems, `${path}: element ${index}: ${nameless}`]
    const element = isAtomic ? `i:${index}` : elementOf(node, item)
    const place = shownElement(element)
    if (seen.has(element) && twins === 'refused') problems.push(`${path}: duplicate entries for key ${place}`)
    seen.add(element)
    problems.push(
      ...typedProblems(inner, item, { path: `${path}${place}`, ...(twins === undefined ? {} : { twins }) }),
    )
  }
  return problems
}

// typed/helpers.go listItemToPathElement.
function withoutElement(node: Node, item: Json): string | undefined {
  if (node.listType === 'map') {
    if (item === null) return 'associative list with keys may not have a null element'
    if (!isObject(item)) return 'associative list with keys may not have non-map elements'
    const keys = node.listKeys.map((key) => JSON.stringify(key)).join(' ')
    return elementOf(node, item) === 'k:{}'
      ? `associative list with keys has an element that omits all key fields [${keys}] (and doesn't have default values for any key fields)`
      : undefined
  }
  if (isObject(item)) return "associative list without keys has an element that's a map type"
  if (isList(item)) return 'not supported: associative list with lists as elements'
  return item === null ? "associative list without keys has an element that's an explicit null" : undefined
}

function fieldProblems(node: Node, value: JsonObject, { path, ...how }: Placed): readonly string[] {
  return Object.entries(value).flatMap(([key, one]) => {
    const child = childOf(node, key)
    if (child !== undefined) return typedProblems(child, one, { ...how, path: `${path}.${key}` })
    return node.open ? [] : [`${path}.${key}: field not declared in schema`]
  })
}

const kinds: Readonly<Record<string, readonly [wanted: string, fits: (value: Json) => boolean]>> = {
  object: ['map', isObject],
  map: ['map', isObject],
  list: ['list', isList],
  string: ['string', (value) => typeof value === 'string'],
  boolean: ['boolean', (value) => typeof value === 'boolean'],
  integer: ['numeric (int or float)', (value) => typeof value === 'number'],
  number: ['numeric (int or float)', (value) => typeof value === 'number'],
}

function expected(node: Node, value: Json): string | undefined {
  const [wanted, fits] = kinds[node.sort] ?? []
  return fits?.(value) === false ? wanted : undefined
}

const shown = (value: Json): string => (typeof value === 'string' ? JSON.stringify(value) : goText(value))

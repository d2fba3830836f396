/** Why a configuration to apply is not of its schema's types, in the words of structured-merge-diff. */
import { isList, isObject, type Json } from '../json.ts'
import { goText } from '../patch/go-text.ts'
import type { Node } from '../schema/node.ts'
import { childOf } from '../schema/shape.ts'

/** The problems of a value, each with its path in front. */
export function typedProblems(node: Node, value: Json, path = ''): readonly string[] {
  if (value === null || node.sort === 'any') return []
  const wanted = expected(node, value)
  if (wanted !== undefined)
    return [`${path}: expected ${wanted}, got &value.valueUnstructured{Value:${shown(value)}}`]
  if (isList(value)) {
    const { inner } = node
    if (inner === undefined) return []
    return value.flatMap((one, index) => typedProblems(inner, one, `${path}[${index}]`))
  }
  return isObject(value) ? fieldProblems(node, value, path) : []
}

function fieldProblems(node: Node, value: Readonly<Record<string, Json>>, path: string): readonly string[] {
  return Object.entries(value).flatMap(([key, one]) => {
    const child = childOf(node, key)
    if (child !== undefined) return typedProblems(child, one, `${path}.${key}`)
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

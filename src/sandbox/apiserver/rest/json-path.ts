/** The small part of JSONPath that printer columns, scale and conditions use: `.a.b`, `['x/y']`, `[0]`, `[?(@.type=="Ready")]`, `[*]`. */
import { at, isList, isObject, own, type Json } from '../json.ts'

type Step = (values: readonly Json[]) => readonly Json[]

const token =
  /\.([A-Za-z0-9_$-](?:\\\.|[^.[])*)|\[['"]([^'"]+)['"]\]|\[(\d+)\]|\[(\*)\]|\[\?\(@\.([\w.-]+)\s*==\s*['"]([^'"]*)['"]\)\]/gy
const known = new Map<string, readonly Step[] | undefined>()

function parse(path: string): readonly Step[] | undefined {
  const steps: Step[] = []
  token.lastIndex = 0
  let end = 0
  for (let match = token.exec(path); match !== null; match = token.exec(path)) {
    end = token.lastIndex
    steps.push(stepOf(match))
  }
  return end === path.length ? steps : undefined
}

function stepOf([, field, quoted, index, star, key, value]: RegExpExecArray): Step {
  const name = field?.replaceAll('\\.', '.') ?? quoted
  if (name !== undefined)
    return (values) => values.flatMap((one) => (isObject(one) ? defined(own(one, name)) : []))
  if (index !== undefined)
    return (values) => values.flatMap((one) => (isList(one) ? defined(one[Number(index)]) : []))
  if (star !== undefined) return (values) => values.flatMap((one) => (isList(one) ? one : []))
  const steps = (key ?? '').split('.')
  return (values) =>
    values.flatMap((one) => (isList(one) ? one.filter((item) => at(item, ...steps) === value) : []))
}

const defined = (value: Json | undefined): readonly Json[] => (value === undefined ? [] : [value])

/** The values at a path; undefined if the path is not understood. */
export function valuesAt(value: Json, path: string): readonly Json[] | undefined {
  const trimmed = path.replace(/^\{(.*)\}$/, '$1').replace(/^\$/, '')
  if (!known.has(trimmed)) {
    if (known.size > 2000) known.clear()
    known.set(trimmed, parse(trimmed))
  }
  return known.get(trimmed)?.reduce<readonly Json[]>((values, step) => step(values), [value])
}

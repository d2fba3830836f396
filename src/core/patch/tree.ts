/** JSON as a tree: fields by their keys, items of a list by their names. Values are never changed in place. */
import { isSame } from '../same.ts'

/** A JSON object. */
export type Tree = Readonly<Record<string, unknown>>
/** One step down: a field, or the item of a list that has this name. */
export type Step = string | { readonly name: string }
/** The way from an object to a field in it. */
export type Path = readonly Step[]

/** Whether a value is a JSON object. */
export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether a value is a list in which each item has a name of its own, as containers, volumes, ports and env have. */
export function isNamedList(value: unknown): value is readonly Tree[] {
  if (!Array.isArray(value) || value.length === 0) return false
  const names: readonly unknown[] = value.map((item: unknown) => (isTree(item) ? item['name'] : undefined))
  return names.every((name) => typeof name === 'string') && new Set(names).size === names.length
}

/** What is one step below; undefined if nothing is. */
export function entryOf(value: unknown, step: Step): unknown {
  if (typeof step === 'string') return isTree(value) && Object.hasOwn(value, step) ? value[step] : undefined
  return isNamedList(value) ? value.find((item) => item['name'] === step.name) : undefined
}

/** The tree with a value at a path. Where a part of the path is not there, it is made; an item goes to the end of its list. */
export function withEntry(object: Tree, path: Path, value: unknown): Tree {
  const changed = changedAt(object, path, () => value)
  return isTree(changed) ? changed : object
}

/** The tree without what is at a path. */
export function withoutEntry(object: Tree, path: Path): Tree {
  const changed = changedAt(object, path, () => undefined)
  return isTree(changed) ? changed : object
}

function changedAt(at: unknown, [step, ...rest]: Path, change: () => unknown): unknown {
  if (step === undefined) return change()
  const inner = changedAt(entryOf(at, step), rest, change)
  return typeof step === 'string'
    ? withField(isTree(at) ? at : {}, step, inner)
    : withItem(at, step.name, inner)
}

function withField(object: Tree, key: string, value: unknown): Tree {
  // fromEntries defines own properties: a key `__proto__` stays a key.
  const others = Object.entries(object).filter(([name]) => name !== key)
  return Object.fromEntries(value === undefined ? others : [...others, [key, value]])
}

function withItem(at: unknown, name: string, value: unknown): readonly unknown[] {
  const list = isNamedList(at) ? at : []
  if (value === undefined) return list.filter((item) => item['name'] !== name)
  const known = list.some((item) => item['name'] === name)
  return known ? list.map((item) => (item['name'] === name ? value : item)) : [...list, value]
}

/** A path as people read it: `spec.template.spec.containers[name=web].image`. */
export const textOf = (path: Path): string =>
  path
    .map((step, i) => {
      if (typeof step !== 'string') return `[name=${step.name}]`
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(step)) return `[${JSON.stringify(step)}]`
      return i === 0 ? step : `.${step}`
    })
    .join('')

/** The merge patch (RFC 7396) that makes one object of another. Lists are replaced whole. */
export function mergeBetween(from: Tree, to: Tree): Tree {
  const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])]
  const entries = keys.flatMap((key): readonly (readonly [string, unknown])[] => {
    const [before, after] = [entryOf(from, key), entryOf(to, key)]
    if (after === undefined) return [[key, null]]
    if (!isTree(before) || !isTree(after)) return isSame(before, after) ? [] : [[key, after]]
    const inner = mergeBetween(before, after)
    return Object.keys(inner).length === 0 ? [] : [[key, inner]]
  })
  return Object.fromEntries(entries)
}

/**
 * What a patch changed in an object, field by field, and how it is put back: each field that is still what the patch made of it becomes
 * what it was before; a field that somebody else changed since is left alone.
 */
import { isSame } from '../same.ts'
import {
  entryOf,
  isNamedList,
  isTree,
  textOf,
  withEntry,
  withoutEntry,
  type Path,
  type Tree,
} from './tree.ts'

/** One field, before and after; what was absent then has no value. */
export type Change = {
  readonly path: Path
  readonly before?: unknown
  readonly after?: unknown
  /** How much of the path was there before: what was made on the way goes again when it is left empty. */
  readonly stood: number
}

// What the API server writes by itself; `status` is only changed through its own subresource.
const itsOwn: readonly (readonly string[])[] = [
  ['apiVersion'],
  ['kind'],
  ['metadata', 'managedFields'],
  ['metadata', 'resourceVersion'],
  ['metadata', 'generation'],
]

/** The fields in which an object differs after a patch; `status` counts where that was what was patched. */
export function changesBetween(
  before: Tree,
  after: Tree,
  { status }: { readonly status: boolean },
): readonly Change[] {
  const own = status ? itsOwn : [...itsOwn, ['status']]
  const bare = (object: Tree): Tree => own.reduce(dropped, object)
  return differences({ ...bare(before) }, { ...bare(after) }, { path: [], stood: 0 })
}

function dropped(object: Tree, path: readonly string[]): Tree {
  const [first = '', ...rest] = path
  if (!Object.hasOwn(object, first)) return object
  if (rest.length === 0) return Object.fromEntries(Object.entries(object).filter(([key]) => key !== first))
  const inner = object[first]
  return isTree(inner) ? { ...object, [first]: dropped(inner, rest) } : object
}

type Place = { readonly path: Path; readonly stood: number }

/** `undefined` stands for absent: JSON has no such value. */
function differences(before: unknown, after: unknown, at: Place): readonly Change[] {
  if (isSame(before, after)) return []
  // Made with nothing in it, it is a value of its own.
  const made = before === undefined && isTree(after) && Object.keys(after).length > 0
  if (isTree(after) && (isTree(before) || made))
    return ofFields(isTree(before) ? before : undefined, after, at)
  if (isNamedList(before) && isNamedList(after)) return ofItems(before, after, at)
  return [one(before, after, at)]
}

const one = (before: unknown, after: unknown, { path, stood }: Place): Change => ({
  path,
  ...(before === undefined ? {} : { before }),
  ...(after === undefined ? {} : { after }),
  stood,
})

function ofFields(before: Tree | undefined, after: Tree, at: Place): readonly Change[] {
  const keys = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after)])]
  return keys.flatMap((key) =>
    differences(entryOf(before, key), entryOf(after, key), {
      path: [...at.path, key],
      stood: before === undefined ? at.stood : at.path.length,
    }),
  )
}

/** Items that carry names are told apart by them; where their order changed, the list is one value. */
function ofItems(before: readonly Tree[], after: readonly Tree[], at: Place): readonly Change[] {
  const names = (list: readonly Tree[], other: readonly Tree[]) =>
    list.map(({ name }) => name).filter((name) => other.some((item) => item['name'] === name))
  if (!isSame(names(before, after), names(after, before))) return [one(before, after, at)]
  const all = [...new Set([...before, ...after].map(({ name }) => String(name)))]
  return all.flatMap((name) => {
    const [old, made] = [entryOf(before, { name }), entryOf(after, { name })]
    const place = { path: [...at.path, { name }], stood: at.path.length }
    // An item as a whole: half of one that was added would not be valid.
    return old === undefined || made === undefined ? [one(old, made, place)] : differences(old, made, place)
  })
}

const isMade = (current: Tree, { path, after }: Change): boolean => isSame(valueAt(current, path), after)

/** Whether a patch that may have been sent before has been made, by the fields that it changes; `unclear`: somebody wrote them since. */
export function wasMade(current: Tree, kept: readonly Change[]): 'yes' | 'no' | 'unclear' {
  if (kept.some((change) => isMade(current, change))) return 'yes'
  return kept.every(({ path, before }) => isSame(valueAt(current, path), before)) ? 'no' : 'unclear'
}

/**
 * What is kept of a patch that is made again. A field that is still as it was made before had first what was kept of it then; any
 * other has now what is to be put back. The newest come first: what was made on the way to a field is left empty only after them.
 */
export function changesAgain(
  current: Tree,
  kept: readonly Change[],
  anew: readonly Change[],
): readonly Change[] {
  const made = kept.filter((change) => isMade(current, change))
  const atPath = (changes: readonly Change[], path: Path) => changes.find((one) => isSame(one.path, path))
  return [
    ...anew.map((change) => sinceFirst(change, atPath(made, change.path))),
    ...made.filter(({ path }) => atPath(anew, path) === undefined),
  ]
}

const sinceFirst = (change: Change, first: Change | undefined): Change =>
  first === undefined ? change : one(first.before, change.after, first)

const valueAt = (object: Tree, path: Path): unknown =>
  path.reduce<unknown>((at, step) => entryOf(at, step), object)

/** An object with what a patch changed put back; paths as people read them. */
export type PutBack = {
  readonly object: Tree
  readonly restored: readonly string[]
  /** Changed by somebody else since. */
  readonly left: readonly string[]
}

/** Puts back what is still as the patch made it. */
export function putBack(current: Tree, changes: readonly Change[]): PutBack {
  let object = current
  const restored: string[] = []
  const left: string[] = []
  for (const change of changes) {
    const now = valueAt(object, change.path)
    if (isSame(now, change.after)) object = restoredIn(object, change)
    // What is as it was before needs nothing: an attempt before this one did it, or somebody else.
    if (isSame(now, change.after)) restored.push(textOf(change.path))
    else if (!isSame(now, change.before)) left.push(textOf(change.path))
  }
  return { object, restored, left }
}

function restoredIn(object: Tree, { path, before, stood }: Change): Tree {
  if (before !== undefined) return withEntry(object, path, before)
  let rest = withoutEntry(object, path)
  // What the patch made on the way to the field goes with it, once it holds nothing else.
  for (let length = path.length - 1; length > stood; length -= 1) {
    const above = valueAt(rest, path.slice(0, length))
    if (!isTree(above) || Object.keys(above).length > 0) break
    rest = withoutEntry(rest, path.slice(0, length))
  }
  return rest
}

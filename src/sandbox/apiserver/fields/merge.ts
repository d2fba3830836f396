/** Merging what is applied into what is there (structured-merge-diff typed/merge.go). */
import { isList, isObject, own, type Json, type JsonObject } from '../json.ts'
import type { Node } from '../schema/node.ts'
import { below, elementOf, isAtomic, itemsOf, kindOf } from './typed.ts'

/** `live` with everything that `applied` says. */
export function merge(
  node: Node | undefined,
  live: Json | undefined,
  applied: Json | undefined,
): Json | undefined {
  if (applied === undefined) return live
  if (live === undefined) return applied
  const kind = kindOf(node, applied)
  if (isAtomic(node, kind)) return applied
  return kind === 'list' ? mergeLists(node, live, applied) : mergeMaps(node, live, applied)
}

function mergeMaps(node: Node | undefined, live: Json, applied: Json): Json | undefined {
  const [left, right] = [isObject(live) ? live : {}, isObject(applied) ? applied : {}]
  const keys = new Set([...Object.keys(left), ...Object.keys(right)])
  if (keys.size === 0) return applied
  const entries = [...keys].flatMap((key): readonly (readonly [string, Json])[] => {
    const merged = merge(below(node, key), own(left, key), own(right, key))
    return merged === undefined ? [] : [[key, merged]]
  })
  return Object.fromEntries(entries) satisfies JsonObject
}

function mergeLists(node: Node | undefined, live: Json, applied: Json): Json {
  const [left, right] = [isList(live) ? live : [], isList(applied) ? applied : []]
  return left.length === 0 && right.length === 0 ? applied : inOrder(node, left, right)
}

// The applied items stand in their own order. What is only there already keeps its place before the shared item it preceded.
function inOrder(node: Node | undefined, live: readonly Json[], applied: readonly Json[]): readonly Json[] {
  const [inLive, inApplied] = [itemsOf(node, live), itemsOf(node, applied)]
  const left = live.map((item) => ({ item, element: elementOf(node, item) }))
  const right = applied.map((item) => elementOf(node, item))
  const shared = right.filter((element) => inLive.has(element))
  const done = new Set<string>()
  const out: Json[] = []
  const take = (element: string): void => {
    done.add(element)
    if (shared[0] === element) shared.shift()
    // Several live items of one element are not merged with the applied one, which takes their place.
    const twins = inLive.get(element) ?? []
    const former = twins.length > 1 ? undefined : twins[0]
    out.push(merge(node?.inner, former, inApplied.get(element)?.[0]) ?? null)
  }
  while (left.length > 0 || right.length > 0) {
    const step = nextStep(left[0]?.element, right[0], { shared: shared[0], done, inApplied })
    const passed = step.pass ? left.shift() : undefined
    if (step.keep && passed !== undefined) out.push(passed.item)
    const next = step.take ? right.shift() : undefined
    if (next !== undefined) take(next)
  }
  return out
}

type Progress = {
  /** The next item of both, in the applied order. */
  readonly shared: string | undefined
  readonly done: ReadonlySet<string>
  readonly inApplied: ReadonlyMap<string, unknown>
}

/** What to do with the first of either list: pass the live one, keeping it or not, and take the applied one. */
type Step = { readonly pass: boolean; readonly keep: boolean; readonly take: boolean }

function nextStep(
  left: string | undefined,
  right: string | undefined,
  { shared, done, inApplied }: Progress,
): Step {
  if (left === undefined) return { pass: false, keep: false, take: true }
  if (!inApplied.has(left)) return { pass: true, keep: true, take: false }
  if (left === right) return { pass: true, keep: false, take: true }
  const isLater = shared !== undefined && shared !== left
  if (right !== undefined && isLater) return { pass: true, keep: false, take: false }
  return { pass: done.has(left), keep: false, take: true }
}

/** The walk through a value beside its declaration: what is right comes out typed and filled in, all that is wrong is noted. */
import { jsonFault } from './json-bounds.ts'
import type { FieldProblem } from './problems.ts'
import { asText, scalarFault, type ScalarNode } from './scalars.ts'
import type { AnyNode, ListNode, MapNode, Node, ShapeNode } from './schema.ts'
import { nearest } from './nearest.ts'
import { shortened, shown } from './text.ts'

/** What to do with fields that are not declared: refuse them (what people write) or keep them (what a newer tidewaiter wrote). */
export type Unknown = 'refuse' | 'keep'

/** Where the walk is. All places of one walk share its notes. */
export type Place = { readonly path: string; readonly notes: Notes }

type Notes = {
  readonly unknown: Unknown
  readonly problems: FieldProblem[]
  /** Problems of shape so far, shown or not; rules are asked only where this did not grow. */
  misshapen: number
  /** Problems beyond the limit. */
  untold: number
}

// More than anybody reads at once; a hostile object must not make an answer of megabytes.
const mostProblems = 64

/** The place to start from. */
export const start = (path: string, unknown: Unknown): Place => ({
  path,
  notes: { unknown, problems: [], misshapen: 0, untold: 0 },
})

/** Everything that was found wrong, at most 64 problems and one that says how many more there are. */
export function found({ path, notes }: Place): readonly FieldProblem[] {
  if (notes.untold === 0) return notes.problems
  return [...notes.problems, { path, want: `have fewer problems: ${notes.untold} more are not shown` }]
}

function note({ notes }: Place, problem: FieldProblem): undefined {
  if (notes.problems.length < mostProblems) notes.problems.push(problem)
  else notes.untold += 1
}

function misshapen(place: Place, want: string, got?: unknown): undefined {
  place.notes.misshapen += 1
  return note(place, { path: place.path, want, ...(got === undefined ? {} : { got: shown(got) }) })
}

const fieldOf = (place: Place, name: string): Place => ({
  ...place,
  path: place.path === '' ? name : `${place.path}.${name}`,
})
const keyOf = (place: Place, key: string | number): Place => ({ ...place, path: `${place.path}[${key}]` })

/** The value as its declaration wants it, or undefined with a problem noted. */
export function walk(node: Node, value: unknown, place: Place): unknown {
  if (node.later !== undefined) return misshapen(place, `not be given: ${node.later}`)
  const before = place.notes.misshapen
  const parsed = byType(node, value, place)
  if (place.notes.misshapen === before) askRules(node, parsed, place)
  return parsed
}

function byType(node: Node, value: unknown, place: Place): unknown {
  switch (node.type) {
    case 'string':
    case 'integer':
    case 'boolean':
      return scalar(node, value, place)
    case 'array':
      return list(node, value, place)
    case 'object':
      return shape(node, value, place)
    case 'map':
      return map(node, value, place)
    case 'any':
      return any(node, value, place)
  }
}

function askRules(node: Node, value: unknown, place: Place): void {
  for (const { holds, message, at } of node.rules ?? []) {
    // A rule is declared for the type of its node, and the walk has just checked that the value has it.
    const broken = holds !== undefined && !(holds as (self: unknown) => boolean)(value)
    if (!broken) continue
    const want = `keep this rule: ${message}`
    const paths = (at?.paths as ((self: unknown) => readonly string[]) | undefined)?.(value)
    if (paths === undefined) note(place, { path: place.path, want })
    else for (const path of paths) note(place, { path: `${place.path}.${path}`, want })
  }
}

function scalar(node: ScalarNode, value: unknown, place: Place): unknown {
  const fault = scalarFault(node, value)
  if (fault !== undefined) return misshapen(place, fault.want, fault.got)
  return node.type === 'string' ? asText(node, value) : value
}

function list(node: ListNode, value: unknown, place: Place): unknown {
  if (!Array.isArray(value)) return misshapen(place, 'be a list', value)
  if (value.length > node.maxItems)
    return misshapen(place, `have at most ${node.maxItems} items`, value.length)
  if (value.length < (node.minItems ?? 0))
    return misshapen(place, `have at least ${node.minItems} items`, value.length)
  const items: readonly unknown[] = value.map((item: unknown, index) =>
    walk(node.items, item, keyOf(place, index)),
  )
  // As they were given, as the API server compares them: 429 is not '429'. What means the same is kept once.
  const given: readonly unknown[] = value
  refuseDuplicates(
    node,
    items.map((item, index) => (node.listType === 'set' && item !== undefined ? given[index] : item)),
    place,
  )
  return node.listType === 'set' ? [...new Set(items)] : items
}

function refuseDuplicates(node: ListNode, items: readonly unknown[], place: Place): void {
  if (node.listType !== 'set' && node.listType !== 'map') return
  const seen = new Set<string>()
  for (const [index, item] of items.entries()) {
    const identity = identityOf(node, item)
    if (identity === undefined) continue
    if (seen.has(identity)) misshapen(keyOf(place, index), 'not be given twice', labelOf(node, item))
    seen.add(identity)
  }
}

/** By what an item of a set (itself) or of a map (its keys) is known; undefined if it is misshapen anyway. */
function identityOf(node: ListNode, item: unknown): string | undefined {
  if (node.listType === 'set') return item === undefined ? undefined : JSON.stringify(item)
  if (!isObject(item)) return undefined
  const keys = (node.listMapKeys ?? []).map((key) => item[key])
  return keys.includes(undefined) ? undefined : JSON.stringify(keys)
}

const labelOf = (node: ListNode, item: unknown): unknown =>
  isObject(item) ? item[node.listMapKeys?.[0] ?? ''] : item

/** Whether a value is a JSON object. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

// apiextensions-apiserver, defaulting/{prunenulls,algorithm}.go: a null where nothing is nullable is as if it were not there,
// in objects and maps (not in lists). A default is filled in where its object is; never an object for its inner defaults.
function given(object: Readonly<Record<string, unknown>>, name: string, field: Node): unknown {
  const value = Object.hasOwn(object, name) ? object[name] : undefined
  return value ?? ('default' in field ? field.default : undefined)
}

function shape(node: ShapeNode, value: unknown, place: Place): unknown {
  if (!isObject(value)) return misshapen(place, 'be an object', value)
  const others = Object.keys(value).filter((name) => !Object.hasOwn(node.fields, name))
  if (place.notes.unknown === 'refuse') for (const name of others) refuseUnknown(node, name, place)
  const entries =
    place.notes.unknown === 'keep' ? others.map((name): [string, unknown] => [name, value[name]]) : []
  for (const [name, field] of Object.entries(node.fields)) {
    const inner = given(value, name, field)
    if (inner !== undefined) entries.push([name, walk(field, inner, fieldOf(place, name))])
    else if (node.required.includes(name)) misshapen(fieldOf(place, name), 'be given')
  }
  // fromEntries defines own properties: a field named __proto__ stays a field.
  return Object.fromEntries(entries)
}

function refuseUnknown(node: ShapeNode, name: string, place: Place): void {
  const full = place.notes.problems.length >= mostProblems
  const declared = Object.entries(node.fields).filter(([, field]) => field.later === undefined)
  const names = declared.map(([declaredName]) => declaredName)
  // Looking for what was meant costs time, so only as long as the answer is shown.
  const meant = full ? undefined : nearest(name, names)
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`
  misshapen(fieldOf(place, shortened(name)), `not be given: there is no such field${hint}`)
}

function map(node: MapNode, value: unknown, place: Place): unknown {
  if (!isObject(value)) return misshapen(place, 'be an object', value)
  const entries = Object.entries(value).filter(([, inner]) => inner !== null && inner !== undefined)
  if (entries.length > node.maxProperties)
    return misshapen(place, `have at most ${node.maxProperties} keys`, entries.length)
  const walked = entries.map(
    ([key, inner]) => [key, walk(node.values, inner, keyOf(place, shortened(key)))] as const,
  )
  return Object.fromEntries(walked)
}

function any(node: AnyNode, value: unknown, place: Place): unknown {
  if (node.object === true && !isObject(value)) return misshapen(place, 'be an object', value)
  const fault = jsonFault(node, value)
  return fault === undefined ? value : misshapen(place, fault)
}

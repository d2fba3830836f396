/** The methods of texts. Places are counted in code points, as CEL does, not in UTF-16 units. */
import { CelError } from './budget.ts'
import type { Budget } from './budget.ts'
import { convert } from './convert.ts'
import { elementsOf, isList, listOf, typeOf } from './values.ts'
import type { List, Value } from './values.ts'

/** A function of CEL; of a method, the first argument is what it is called on. */
export type Call = (args: readonly Value[], budget: Budget) => Value

/** The argument at a place, which must be text. */
export function textAt(args: readonly Value[], index: number): string {
  const value = args[index] ?? null
  if (typeof value === 'string') return value
  throw new CelError(`text is wanted, got ${typeOf(value)}`)
}

function wholeAt(args: readonly Value[], index: number): number {
  const value = args[index] ?? null
  if (typeof value === 'bigint') return Number(value)
  throw new CelError(`an int is wanted, got ${typeOf(value)}`)
}

/** The argument at a place, which must be a list. */
export function listAt(args: readonly Value[], index: number): List {
  const value = args[index] ?? null
  if (isList(value)) return value
  throw new CelError(`a list is wanted, got ${typeOf(value)}`)
}

/** Pays for reading the text and gives it with the second argument. */
const read =
  (work: (text: string, other: string) => Value): Call =>
  (args, budget) => {
    const text = textAt(args, 0)
    budget.spendText(text.length)
    return work(text, textAt(args, 1))
  }

const alone =
  (work: (text: string) => Value): Call =>
  (args, budget) => {
    const text = textAt(args, 0)
    budget.spendText(text.length)
    return work(text)
  }

/** By name and number of arguments, without what the method is called on. */
export const textMethods: ReadonlyMap<string, Call> = new Map<string, Call>([
  ['startsWith/1', read((text, other) => text.startsWith(other))],
  ['endsWith/1', read((text, other) => text.endsWith(other))],
  ['contains/1', (args, budget) => contains(textAt(args, 0), textAt(args, 1), budget)],
  ['lowerAscii/0', alone((text) => text.replace(/[A-Z]+/g, (upper) => upper.toLowerCase()))],
  ['upperAscii/0', alone((text) => text.replace(/[a-z]+/g, (lower) => lower.toUpperCase()))],
  ['trim/0', alone((text) => text.trim())],
  ['replace/2', (args, budget) => replace(args, -1, budget)],
  ['replace/3', (args, budget) => replace(args, wholeAt(args, 3), budget)],
  ['split/1', (args, budget) => split(args, -1, budget)],
  ['split/2', (args, budget) => split(args, wholeAt(args, 2), budget)],
  ['charAt/1', (args, budget) => charAt(pointsOf(args, budget), wholeAt(args, 1))],
  ['substring/1', (args, budget) => slice(pointsOf(args, budget), wholeAt(args, 1))],
  ['substring/2', (args, budget) => slice(pointsOf(args, budget), wholeAt(args, 1), wholeAt(args, 2))],
  ['indexOf/1', (args, budget) => place(args, budget, (text, other) => text.indexOf(other))],
  ['lastIndexOf/1', (args, budget) => place(args, budget, (text, other) => text.lastIndexOf(other))],
  ['format/1', (args, budget) => format(textAt(args, 0), listAt(args, 1), budget)],
])

/** V8 searches a long needle with a skip table, but a repetitive pair still costs length times length. */
function paySearch(text: string, other: string, budget: Budget): void {
  budget.spendText(text.length * Math.max(1, Math.floor(other.length / 16)))
}

function contains(text: string, other: string, budget: Budget): boolean {
  paySearch(text, other, budget)
  return text.includes(other)
}

function partsOf(text: string, separator: string, budget: Budget): readonly string[] {
  paySearch(text, separator, budget)
  // Before the split: a part costs more than a character.
  budget.spend(separator === '' ? text.length : 0)
  const parts = separator === '' ? Array.from(text) : text.split(separator)
  budget.spend(parts.length)
  return parts
}

/** At most `limit` parts, all if it is negative; the last holds the rest. */
function limited(parts: readonly string[], separator: string, limit: number): readonly string[] {
  if (limit < 0 || parts.length <= limit) return parts
  return limit === 0 ? [] : [...parts.slice(0, limit - 1), parts.slice(limit - 1).join(separator)]
}

function split(args: readonly Value[], limit: number, budget: Budget): Value {
  const separator = textAt(args, 1)
  return listOf(limited(partsOf(textAt(args, 0), separator, budget), separator, limit))
}

function replace(args: readonly Value[], limit: number, budget: Budget): Value {
  const [text, old, replacement] = [textAt(args, 0), textAt(args, 1), textAt(args, 2)]
  // Go replaces at every gap between characters, the ends too, if there is nothing to look for.
  const parts = old === '' ? ['', ...partsOf(text, old, budget), ''] : partsOf(text, old, budget)
  const kept = limited(parts, old, limit < 0 ? -1 : limit + 1)
  budget.spendText(text.length + kept.length * replacement.length)
  return kept.join(replacement)
}

function pointsOf(args: readonly Value[], budget: Budget): readonly string[] {
  const text = textAt(args, 0)
  budget.spend(1 + Math.floor(text.length / 4))
  return Array.from(text)
}

function charAt(points: readonly string[], index: number): string {
  if (index < 0 || index > points.length) throw new CelError(`index out of range: ${index}`)
  return points[index] ?? ''
}

function slice(points: readonly string[], from: number, to = points.length): string {
  if (from < 0 || to > points.length || from > to) throw new CelError(`index out of range: ${from} to ${to}`)
  return points.slice(from, to).join('')
}

function place(args: readonly Value[], budget: Budget, find: (text: string, other: string) => number): Value {
  const [text, other] = [textAt(args, 0), textAt(args, 1)]
  paySearch(text, other, budget)
  const at = find(text, other)
  return at < 0 ? -1n : BigInt(pointsOf([text.slice(0, at)], budget).length)
}

/** `%s` takes anything that has a text, `%d` an int, `%f` and `%.2f` a number; `%%` is a percent sign. */
function format(text: string, list: List, budget: Budget): string {
  const values = elementsOf(list)
  budget.spendText(text.length)
  const done = text.replace(/%(?:\.(\d{1,2}))?(.?)/gs, (all, precision: string | undefined, verb: string) => {
    if (verb === '%') return '%'
    const next = values.next()
    if (next.done === true) throw new CelError('format() has more places than values')
    const written = verbs.get(verb)?.(next.value, Number(precision ?? 6), budget)
    if (written === undefined) throw new CelError(`format() cannot write ${typeOf(next.value)} as ${all}`)
    budget.spendText(written.length)
    return written
  })
  if (values.next().done !== true) throw new CelError('format() has more values than places')
  return done
}

type Verb = (value: Value, precision: number, budget: Budget) => string | undefined

const verbs: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ['s', (value, _, budget) => convert.string(value, budget)],
  ['d', (value) => (typeof value === 'bigint' ? value.toString() : undefined)],
  ['x', (value) => (typeof value === 'bigint' ? value.toString(16) : undefined)],
  ['f', (value, precision) => (typeof value === 'number' ? value.toFixed(precision) : undefined)],
])

/** Every function and method there is: those of Kubernetes' CEL that a Backup, a Restore or an answer gives a use for. */
import { calculate } from './arithmetic.ts'
import { CelError } from './budget.ts'
import type { Budget } from './budget.ts'
import { order } from './compare.ts'
import { convert } from './convert.ts'
import { listAt, textAt, textMethods } from './texts.ts'
import type { Call } from './texts.ts'
import { dateOf } from './times.ts'
import { elementsOf, isDict, isList, isOptional, typeOf } from './values.ts'
import type { Dict, Optional, Value } from './values.ts'

/** The size of a text (in code points), a list or a map. */
function sizeOf(value: Value, budget: Budget): bigint {
  if (isList(value)) return BigInt(value.size)
  if (isDict(value)) return sizeOfDict(value, budget)
  if (typeof value !== 'string') throw new CelError(`${typeOf(value)} has no size`)
  budget.spendText(value.length)
  let count = 0
  for (const _ of value) count += 1
  return BigInt(count)
}

function sizeOfDict(value: Dict, budget: Budget): bigint {
  const size = value.size()
  budget.spend(size)
  return BigInt(size)
}

function join(args: readonly Value[], separator: string, budget: Budget): string {
  const list = listAt(args, 0)
  const texts: string[] = []
  for (const item of elementsOf(list)) {
    const text = textAt([item], 0)
    budget.spendText(text.length + separator.length)
    texts.push(text)
  }
  return texts.join(separator)
}

/** The least element by `sign` 1, the greatest by -1. */
const extreme =
  (sign: 1 | -1): Call =>
  (args, budget) => {
    const list = listAt(args, 0)
    if (list.size === 0) throw new CelError('an empty list has neither a least nor a greatest element')
    let best = list.at(0)
    for (const item of elementsOf(list)) if (order(item, best, budget) * sign < 0) best = item
    return best
  }

function sum(args: readonly Value[], budget: Budget): Value {
  const list = listAt(args, 0)
  if (list.size === 0) return 0n
  let total = list.at(0)
  for (let index = 1; index < list.size; index += 1) {
    budget.spend(1)
    total = calculate('+', [total, list.at(index)], budget)
  }
  return total
}

function isSorted(args: readonly Value[], budget: Budget): boolean {
  const list = listAt(args, 0)
  for (let index = 1; index < list.size; index += 1) {
    if (order(list.at(index - 1), list.at(index), budget) > 0) return false
  }
  return true
}

function optionalAt(args: readonly Value[]): Optional {
  const value = args[0] ?? null
  if (isOptional(value)) return value
  throw new CelError(`an optional is wanted, got ${typeOf(value)}`)
}

function valueOf(optional: Optional): Value {
  if (optional.value === undefined) throw new CelError('the optional has no value: use orValue()')
  return optional.value
}

const hour = 3_600_000_000_000n

/** A part of a timestamp (in UTC), or a whole length of time in a unit. */
const partOfTime =
  (part: (date: Date) => number, unit?: bigint): Call =>
  ([value = null]) => {
    if (typeof value === 'object' && value?.kind === 'timestamp') return BigInt(part(dateOf(value)))
    if (unit !== undefined && typeof value === 'object' && value?.kind === 'duration') return value.ns / unit
    throw new CelError(`a time is wanted, got ${typeOf(value)}`)
  }

const dayOfYear = (date: Date) => Math.floor((date.getTime() - new Date(date).setUTCMonth(0, 1)) / 86_400_000)

/** Methods, by name and number of arguments; the value they are called on comes first. */
export const methods: ReadonlyMap<string, Call> = new Map<string, Call>([
  ...textMethods,
  ['size/0', ([value = null], budget) => sizeOf(value, budget)],
  ['join/0', (args, budget) => join(args, '', budget)],
  ['join/1', (args, budget) => join(args, textAt(args, 1), budget)],
  ['min/0', extreme(1)],
  ['max/0', extreme(-1)],
  ['sum/0', sum],
  ['isSorted/0', isSorted],
  ['hasValue/0', (args) => optionalAt(args).value !== undefined],
  ['value/0', (args) => valueOf(optionalAt(args))],
  ['getFullYear/0', partOfTime((date) => date.getUTCFullYear())],
  ['getMonth/0', partOfTime((date) => date.getUTCMonth())],
  ['getDate/0', partOfTime((date) => date.getUTCDate())],
  ['getDayOfMonth/0', partOfTime((date) => date.getUTCDate() - 1)],
  ['getDayOfWeek/0', partOfTime((date) => date.getUTCDay())],
  ['getDayOfYear/0', partOfTime(dayOfYear)],
  ['getHours/0', partOfTime((date) => date.getUTCHours(), hour)],
  ['getMinutes/0', partOfTime((date) => date.getUTCMinutes(), hour / 60n)],
  ['getSeconds/0', partOfTime((date) => date.getUTCSeconds(), hour / 3600n)],
  ['getMilliseconds/0', partOfTime((date) => date.getUTCMilliseconds(), hour / 3_600_000n)],
])

/** Functions, by name and number of arguments. */
export const functions: ReadonlyMap<string, Call> = new Map<string, Call>([
  ['size/1', ([value = null], budget) => sizeOf(value, budget)],
  ['type/1', ([value = null]) => ({ kind: 'type', name: typeOf(value) })],
  ['dyn/1', ([value = null]) => value],
  ['int/1', ([value = null]) => convert.int(value)],
  ['double/1', ([value = null]) => convert.double(value)],
  ['bool/1', ([value = null]) => convert.bool(value)],
  ['string/1', ([value = null], budget) => convert.string(value, budget)],
  ['timestamp/1', ([value = null], budget) => convert.timestamp(value, budget)],
  ['duration/1', ([value = null], budget) => convert.duration(value, budget)],
])

/** What `type(x)` may be compared with. */
export const typeNames: ReadonlySet<string> = new Set([
  'bool',
  'int',
  'double',
  'string',
  'list',
  'map',
  'null_type',
  'type',
])

/**
 * What is there beyond the library, said to its type checker. Their code is never run there: evaluation is ours.
 */
export const extraSignatures: readonly string[] = [
  'string.replace(string, string): string',
  'string.replace(string, string, int): string',
  'string.charAt(int): string',
  'string.format(list): string',
  'list.min(): dyn',
  'list.max(): dyn',
  'list.sum(): dyn',
  'list.isSorted(): bool',
  'int(google.protobuf.Timestamp): int',
  'timestamp(google.protobuf.Timestamp): google.protobuf.Timestamp',
  'duration(google.protobuf.Duration): google.protobuf.Duration',
  'string(google.protobuf.Timestamp): string',
  'string(google.protobuf.Duration): string',
]

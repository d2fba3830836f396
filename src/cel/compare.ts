/** Equality and order of CEL values. Every pair that is looked at is paid for: two values may share parts and be vast. */
import { CelError } from './budget.ts'
import type { Budget } from './budget.ts'
import { isDict, isList, timeOf, typeOf } from './values.ts'
import type { Dict, List, Value } from './values.ts'

/** Whether two values are equal; values of different types are not, numbers are equal by what they stand for. */
export function equal(left: Value, right: Value, budget: Budget): boolean {
  budget.spend(1)
  if (typeof left === 'string' || typeof right === 'string') return sameText(left, right, budget)
  if (isNumber(left) && isNumber(right)) return compareNumbers(left, right) === 0
  if (isObject(left) && isObject(right)) return equalObjects(left, right, budget)
  return left === right
}

function equalObjects(left: Composite, right: Composite, budget: Budget): boolean {
  if (isList(left) && isList(right)) return equalLists(left, right, budget)
  if (isDict(left) && isDict(right)) return equalDicts(left, right, budget)
  return identity(left) === identity(right)
}

type Composite = Exclude<Value, null | boolean | string | bigint | number>

const isObject = (value: Value): value is Composite => typeof value === 'object' && value !== null

function sameText(left: Value, right: Value, budget: Budget): boolean {
  if (typeof left !== 'string' || typeof right !== 'string' || left.length !== right.length) return false
  budget.spendText(left.length)
  return left === right
}

/** Stands for a time, a length of time or a type in comparisons. Different kinds are unequal. */
function identity(value: Composite): string {
  switch (value.kind) {
    case 'timestamp':
    case 'duration':
      return `${value.kind} ${value.ns}`
    case 'type':
      return `type ${value.name}`
    case 'optional':
      throw new CelError('optionals cannot be compared: use orValue() first')
    case 'list':
    case 'map':
      return value.kind
  }
}

function equalLists(left: List, right: List, budget: Budget): boolean {
  if (left.size !== right.size) return false
  for (let index = 0; index < left.size; index += 1) {
    if (!equal(left.at(index), right.at(index), budget)) return false
  }
  return true
}

function equalDicts(left: Dict, right: Dict, budget: Budget): boolean {
  const keys = left.keys()
  budget.spend(keys.length)
  if (keys.length !== right.size()) return false
  return keys.every((key) => {
    const other = right.get(key)
    return other !== undefined && equal(left.get(key) ?? null, other, budget)
  })
}

const isNumber = (value: Value): value is bigint | number =>
  typeof value === 'bigint' || typeof value === 'number'

/** JavaScript compares bigint and number exactly, as CEL compares int and double. NaN has no order. */
function compareNumbers(left: bigint | number, right: bigint | number): number {
  if (left < right) return -1
  if (left > right) return 1
  return left >= right ? 0 : Number.NaN
}

/** Less than 0, 0 or more than 0, as `left` comes before, with or after `right`; NaN if they have no order. */
export function order(left: Value, right: Value, budget: Budget): number {
  if (isNumber(left) && isNumber(right)) return compareNumbers(left, right)
  if (typeof left === 'string' && typeof right === 'string') return compareTexts(left, right, budget)
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right)
  return compareTimes(left, right)
}

function compareTimes(left: Value, right: Value): number {
  const [first, second] = [timeOf(left), timeOf(right)]
  if (first === undefined || second === undefined || first.kind !== second.kind)
    throw new CelError(`${typeOf(left)} and ${typeOf(right)} have no order`)
  return compareNumbers(first.ns, second.ns)
}

/** By code point, as Go compares UTF-8: UTF-16 units alone would sort U+FFFD after an emoji. */
function compareTexts(left: string, right: string, budget: Budget): number {
  budget.spend(1 + Math.floor(Math.min(left.length, right.length) / 8))
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index += 1) {
    const a = left.charCodeAt(index)
    const b = right.charCodeAt(index)
    if (a !== b) return inCodePointOrder(a) - inCodePointOrder(b)
  }
  return left.length - right.length
}

const inCodePointOrder = (unit: number) =>
  unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit

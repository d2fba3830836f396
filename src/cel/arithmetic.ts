/** The operators + - * / % of CEL: int with int, double with double, and times. An int never wraps around. */
import { CelError } from './budget.ts'
import type { Budget } from './budget.ts'
import { duration, timestamp } from './times.ts'
import { elementsOf, isList, listOf, timeOf, typeOf } from './values.ts'
import type { Value } from './values.ts'

const longestInt = 2n ** 63n

/** An arithmetic operator. */
export type Arithmetic = '+' | '-' | '*' | '/' | '%'

/** Applies an operator. */
export function calculate(op: Arithmetic, operands: readonly [Value, Value], budget: Budget): Value {
  const [left, right] = operands
  if (typeof left === 'bigint' && typeof right === 'bigint') return int(ints[op](left, right))
  if (typeof left === 'number' && typeof right === 'number' && op !== '%') return doubles[op](left, right)
  const result = op === '+' ? joined(left, right, budget) : undefined
  const value = result ?? timed(op, left, right)
  if (value === undefined) throw new CelError(`no such overload: ${typeOf(left)} ${op} ${typeOf(right)}`)
  return value
}

/** Changes the sign. */
export function negated(value: Value): Value {
  if (typeof value === 'bigint') return int(-value)
  if (typeof value === 'number') return -value
  throw new CelError(`no such overload: -${typeOf(value)}`)
}

/** Holds an int to its 64 bits. */
export function int(value: bigint): bigint {
  if (value < longestInt && value >= -longestInt) return value
  throw new CelError('integer overflow')
}

const ints: { readonly [K in Arithmetic]: (left: bigint, right: bigint) => bigint } = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / notZero(right),
  '%': (left, right) => left % notZero(right),
}

const doubles: { readonly [K in Exclude<Arithmetic, '%'>]: (left: number, right: number) => number } = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
}

function notZero(value: bigint): bigint {
  if (value === 0n) throw new CelError('division by zero')
  return value
}

function joined(left: Value, right: Value, budget: Budget): Value | undefined {
  if (typeof left === 'string' && typeof right === 'string') {
    budget.spendText(left.length + right.length)
    return left + right
  }
  if (!isList(left) || !isList(right)) return undefined
  budget.spend(left.size + right.size)
  return listOf([...elementsOf(left), ...elementsOf(right)])
}

function timed(op: Arithmetic, left: Value, right: Value): Value | undefined {
  const [a, b] = [timeOf(left), timeOf(right)]
  if (a === undefined || b === undefined || (op !== '+' && op !== '-')) return undefined
  const make = timeMakers.get(`${a.kind} ${op} ${b.kind}`)
  return make?.(op === '+' ? a.ns + b.ns : a.ns - b.ns)
}

const timeMakers: ReadonlyMap<string, (ns: bigint) => Value> = new Map<string, (ns: bigint) => Value>([
  ['duration + duration', duration],
  ['duration - duration', duration],
  ['timestamp + duration', timestamp],
  ['timestamp - duration', timestamp],
  ['duration + timestamp', timestamp],
  ['timestamp - timestamp', duration],
])

/** Turns what an expression gave into JSON. */
import { CelError } from './budget.ts'
import type { Budget } from './budget.ts'
import { durationText, timestampText } from './times.ts'
import type { Dict, List, Value } from './values.ts'

/** Deepest result. */
const deepest = 64

/**
 * A value as JSON: an int as a number, or as its digits if a number cannot hold it; times as Kubernetes writes them. It is
 * copied and paid for, since a small value may share its parts so often that its JSON is vast.
 */
export function toJson(value: Value, budget: Budget, depth = 0): unknown {
  budget.spend(1)
  if (depth > deepest) throw new CelError(`the result is more than ${deepest} levels deep`)
  if (typeof value === 'object' && value !== null) return composite(value, budget, depth)
  if (typeof value === 'bigint') return wholeNumber(value)
  if (typeof value === 'string') budget.spendText(value.length)
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new CelError(`the result is ${value}, which JSON does not have`)
  return value
}

function composite(value: Extract<Value, { kind: string }>, budget: Budget, depth: number): unknown {
  switch (value.kind) {
    case 'list':
      return listFrom(value, budget, depth)
    case 'map':
      return objectOf(value, budget, depth)
    case 'timestamp':
      return timestampText(value)
    case 'duration':
      return durationText(value)
    case 'type':
      return value.name
    case 'optional':
      if (value.value === undefined)
        throw new CelError('the result is an optional without a value: use orValue()')
      return toJson(value.value, budget, depth + 1)
  }
}

function listFrom(value: List, budget: Budget, depth: number): unknown {
  const made: unknown[] = []
  for (let index = 0; index < value.size; index += 1) made.push(toJson(value.at(index), budget, depth + 1))
  return made
}

const wholeNumber = (value: bigint) =>
  Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()

function objectOf(value: Dict, budget: Budget, depth: number): unknown {
  const keys = value.keys()
  budget.spend(keys.length)
  // fromEntries defines own properties: a key `__proto__` stays a key.
  return Object.fromEntries(
    keys.map((key) => {
      const name = key.toString()
      budget.spendText(name.length)
      return [name, toJson(value.get(key) ?? null, budget, depth + 1)]
    }),
  )
}

/** Selection: `a.b`, `a.?b`, `a[b]`, `a[?b]`, `b in a`. What is absent is an error, as in Kubernetes, unless asked for with `?`. */
import { nearest } from '../api/nearest.ts'
import { CelError } from './budget.ts'
import { equal } from './compare.ts'
import type { Code } from './scope.ts'
import { elementsOf, isDict, isList, isOptional, keyOf, none, typeOf } from './values.ts'
import type { Value } from './values.ts'

/** `a.b` */
export const field = (operand: Code, name: string): Code => at(operand, () => name)

/** `a[b]`, and of an optional an optional. */
export function at(operand: Code, index: Code): Code {
  return (scope) => {
    const value = operand(scope)
    const key = index(scope)
    if (isOptional(value))
      return value.value === undefined ? none : { kind: 'optional', value: lookUp(value.value, key) }
    const found = lookUp(value, key)
    if (found === undefined) throw absent(value, key)
    return found
  }
}

/** `a.?b` and `a[?b]`. */
export function optionally(operand: Code, index: Code): Code {
  return (scope) => {
    const value = operand(scope)
    const inner = isOptional(value) ? value.value : value
    const key = index(scope)
    return inner === undefined ? none : { kind: 'optional', value: lookUp(inner, key) }
  }
}

/** Whether `a.b` is there. */
export function present(operand: Code, name: string): Code {
  return (scope) => {
    const value = operand(scope)
    const inner = isOptional(value) ? value.value : value
    return inner !== undefined && lookUp(inner, name) !== undefined
  }
}

/** `b in a` */
export function contains(left: Code, right: Code): Code {
  return (scope) => {
    const value = left(scope)
    const all = right(scope)
    if (isDict(all)) {
      const key = keyOf(value)
      return key !== undefined && all.get(key) !== undefined
    }
    if (!isList(all)) throw new CelError(`in wants a list or a map, got ${typeOf(all)}`)
    for (const item of elementsOf(all)) if (equal(value, item, scope.budget)) return true
    return false
  }
}

function lookUp(value: Value, index: Value): Value | undefined {
  const key = keyOf(index)
  if (isDict(value)) return key === undefined ? undefined : value.get(key)
  if (!isList(value)) throw new CelError(`${typeOf(value)} has no fields`)
  if (typeof key !== 'bigint') throw new CelError(`a list wants an int as index, got ${typeOf(index)}`)
  return key >= 0n && key < BigInt(value.size) ? value.at(Number(key)) : undefined
}

function absent(value: Value, key: Value): CelError {
  const name = (keyOf(key) ?? typeOf(key)).toString()
  if (isList(value))
    return new CelError(`index out of range: ${name.slice(0, 80)} of ${value.size}`, () => `; ${ifAbsent}`)
  return new CelError(`no such key: ${name.slice(0, 80)}`, () => adviceFor(name, value))
}

const ifAbsent = 'ask with has() or .? if it may be absent'
// More names than these help nobody; and an object from outside may have as many keys as it likes, with anything in them.
const [mostCompared, mostTold] = [100, 8]
const plainName = /^[\w./-]{1,63}$/

/** The name that was most likely meant, or the few that there are. */
function adviceFor(name: string, value: Value): string {
  const known = isDict(value) ? value.keys().slice(0, mostCompared).map(String) : []
  const plain = known.filter((one) => plainName.test(one))
  const near = nearest(name, plain)
  if (near !== undefined) return ` (did you mean ${near}?)`
  const areFew = plain.length > 0 && known.length <= mostTold && plain.length === known.length
  return `${areFew ? ` (there is ${plain.sort().join(', ')})` : ''}; ${ifAbsent}`
}

/** has() and the comprehensions: all, exists, exists_one, filter, map. Over a map they run over its keys. */
import type { ASTNode } from '@marcbachmann/cel-js'
import { CelError } from './budget.ts'
import type { Budget } from './budget.ts'
import { withBound } from './scope.ts'
import type { Code, Scope } from './scope.ts'
import { present } from './select.ts'
import { elementsOf, isDict, isList, isOptional, listOf, typeOf } from './values.ts'
import type { Value } from './values.ts'

type Use = {
  readonly receiver: Code | undefined
  readonly args: readonly ASTNode[]
  readonly compile: (node: ASTNode) => Code
}

/** Comprehensions, by name and number of arguments: those whose last arguments run once for each element. */
export const comprehensions: ReadonlySet<string> = new Set([
  'all/2',
  'exists/2',
  'exists_one/2',
  'filter/2',
  'map/2',
  'map/3',
])

/** Everything whose arguments are not simply evaluated. */
export const macros: ReadonlyMap<string, (use: Use) => Code> = new Map([
  ['has/1', has],
  ['or/1', (use: Use) => ifAbsent(use, true)],
  ['orValue/1', (use: Use) => ifAbsent(use, false)],
  ['all/2', (use: Use) => quantifier(use, false)],
  ['exists/2', (use: Use) => quantifier(use, true)],
  ['exists_one/2', existsOne],
  ['filter/2', filter],
  ['map/2', (use: Use) => map(use, undefined, use.args[1])],
  ['map/3', (use: Use) => map(use, use.args[1], use.args[2])],
])

function has({ args: [argument], compile }: Use): Code {
  if (argument?.op !== '.') return () => failed('has() wants a selection, as in has(a.b)')
  const [operand, name] = argument.args
  return present(compile(operand), name)
}

function failed(message: string): never {
  throw new CelError(message)
}

/** `a.or(b)` keeps the optional, `a.orValue(b)` opens it; `b` is looked at only if `a` is empty. */
function ifAbsent({ receiver, args: [argument], compile }: Use, keeps: boolean): Code {
  const other = argument === undefined ? undefined : compile(argument)
  return (scope) => {
    const value = receiver?.(scope) ?? null
    if (!isOptional(value)) return failed(`an optional is wanted, got ${typeOf(value)}: .? makes one`)
    if (value.value === undefined) return other?.(scope) ?? null
    return keeps ? value : value.value
  }
}

/** The scopes in which the body runs, one for each element. */
function* rounds({ receiver, args: [variable] }: Use, scope: Scope): Generator<Scope> {
  const name =
    variable?.op === 'id' ? variable.args : failed('a comprehension wants a name as its first argument')
  for (const item of itemsOf(receiver?.(scope) ?? null, scope.budget)) {
    scope.budget.spend(1)
    yield withBound(scope, name, item)
  }
}

function itemsOf(range: Value, budget: Budget): Iterable<Value> {
  if (isList(range)) return elementsOf(range)
  if (!isDict(range)) return failed(`${typeOf(range)} cannot be gone through: a list or a map is wanted`)
  const keys = range.keys()
  budget.spend(keys.length)
  return keys
}

function predicate(node: ASTNode | undefined, compile: Use['compile']): (scope: Scope) => boolean {
  const code = node === undefined ? () => null : compile(node)
  return (scope) => {
    const value = code(scope)
    return typeof value === 'boolean' ? value : failed(`true or false is wanted, got ${typeOf(value)}`)
  }
}

/** all() and exists(): one element that decides is enough, even if others fail. */
function quantifier(use: Use, decides: boolean): Code {
  const holds = predicate(use.args[1], use.compile)
  return (scope) => {
    let error: CelError | undefined
    for (const round of rounds(use, scope)) {
      try {
        if (holds(round) === decides) return decides
      } catch (caught) {
        if (!(caught instanceof CelError)) throw caught
        scope.budget.spendError()
        error ??= caught
      }
    }
    if (error !== undefined) throw error
    return !decides
  }
}

function existsOne(use: Use): Code {
  const holds = predicate(use.args[1], use.compile)
  return (scope) => {
    let count = 0
    for (const round of rounds(use, scope)) if (holds(round)) count += 1
    return count === 1
  }
}

function filter(use: Use): Code {
  const holds = predicate(use.args[1], use.compile)
  return (scope) => {
    const kept: Value[] = []
    for (const round of rounds(use, scope)) if (holds(round)) kept.push(round.bound?.value ?? null)
    return listOf(kept)
  }
}

function map(use: Use, condition: ASTNode | undefined, transform: ASTNode | undefined): Code {
  const holds = condition === undefined ? () => true : predicate(condition, use.compile)
  const code = transform === undefined ? () => null : use.compile(transform)
  return (scope) => {
    const made: Value[] = []
    for (const round of rounds(use, scope)) if (holds(round)) made.push(code(round))
    return listOf(made)
  }
}

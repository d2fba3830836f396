/**
 * Turns a parsed expression into code that counts its steps. The library parses and checks types; it is not let evaluate,
 * because an evaluation of its own cannot be stopped, sized or kept away from what a JavaScript object inherits.
 */
import type { ASTNode } from '@marcbachmann/cel-js'
import { calculate, negated } from './arithmetic.ts'
import type { Arithmetic } from './arithmetic.ts'
import { CelError } from './budget.ts'
import { equal, order } from './compare.ts'
import { functions, methods, typeNames } from './functions.ts'
import { macros } from './macros.ts'
import { compilePattern } from './pattern.ts'
import type { Code, Scope } from './scope.ts'
import { at, contains, field, optionally } from './select.ts'
import { textAt } from './texts.ts'
import { dictOf, keyOf, listOf, none, typeOf } from './values.ts'
import type { Key, Value } from './values.ts'

type Of<K extends ASTNode['op']> = Extract<ASTNode, { op: K }>
type Compilers = { readonly [K in ASTNode['op']]: (node: Of<K>) => Code }

/** Makes code of an expression; each node that is run costs a step. The expression must have passed `check.ts`. */
export function compile(node: ASTNode): Code {
  // The table has a row for every operator, typed by it; TypeScript cannot see that row and node agree.
  const code = (compilers[node.op] as (node: ASTNode) => Code)(node)
  return (scope) => {
    scope.budget.spend(1)
    return code(scope)
  }
}

const arithmetic =
  (op: Arithmetic) =>
  ({ args: [left, right] }: { readonly args: readonly [ASTNode, ASTNode] }): Code => {
    const [a, b] = [compile(left), compile(right)]
    return (scope) => calculate(op, [a(scope), b(scope)], scope.budget)
  }

const comparison =
  (holds: (order: number) => boolean) =>
  ({ args: [left, right] }: { readonly args: readonly [ASTNode, ASTNode] }): Code => {
    const [a, b] = [compile(left), compile(right)]
    return (scope) => holds(order(a(scope), b(scope), scope.budget))
  }

const equality =
  (wanted: boolean) =>
  ({ args: [left, right] }: { readonly args: readonly [ASTNode, ASTNode] }): Code => {
    const [a, b] = [compile(left), compile(right)]
    return (scope) => equal(a(scope), b(scope), scope.budget) === wanted
  }

/** `&&` and `||`: the side that decides wins, even if the other one fails. */
const logical =
  (decides: boolean) =>
  ({ args: [left, right] }: { readonly args: readonly [ASTNode, ASTNode] }): Code => {
    const [a, b] = [compile(left), compile(right)]
    return (scope) => {
      const first = attempt(a, scope)
      if (first === decides) return decides
      const second = attempt(b, scope)
      if (second === decides) return decides
      for (const side of [first, second]) if (side instanceof CelError) throw side
      return !decides
    }
  }

function attempt(code: Code, scope: Scope): boolean | CelError {
  try {
    return truth(code(scope))
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    scope.budget.spendError()
    return error
  }
}

function truth(value: Value): boolean {
  if (typeof value === 'boolean') return value
  throw new CelError(`true or false is wanted, got ${typeOf(value)}`)
}

function named(name: string): Code {
  return (scope) => {
    for (let bound = scope.bound; bound !== undefined; bound = bound.outer) {
      if (bound.name === name) return bound.value
    }
    const value = scope.variables.get(name)
    if (value !== undefined) return value
    if (typeNames.has(name)) return { kind: 'type', name }
    throw new CelError(`unknown variable: ${name}`)
  }
}

function literalMap(entries: readonly (readonly [ASTNode, ASTNode])[]): Code {
  const codes = entries.map(([key, value]) => [compile(key), compile(value)] as const)
  return (scope) => {
    const made = new Map<Key, Value>()
    for (const [keyCode, valueCode] of codes) {
      const key = keyOf(keyCode(scope))
      if (key === undefined || made.has(key))
        throw new CelError('a key of a map must be a text, int or bool, and be there once')
      made.set(key, valueCode(scope))
    }
    return dictOf(made)
  }
}

function call(name: string, args: readonly ASTNode[]): Code {
  const macro = macros.get(`${name}/${args.length}`)
  if (macro !== undefined && name === 'has') return macro({ receiver: undefined, args, compile })
  const run = functions.get(`${name}/${args.length}`)
  const codes = args.map(compile)
  return (scope) => {
    if (run === undefined) throw new CelError(`unknown function: ${name}`)
    return run(
      codes.map((code) => code(scope)),
      scope.budget,
    )
  }
}

function method(name: string, receiver: ASTNode, args: readonly ASTNode[]): Code {
  if (name === 'matches') return matching(receiver, args)
  if (receiver.op === 'id' && receiver.args === 'optional') return optionalOf(name, args)
  const macro = macros.get(`${name}/${args.length}`)
  if (macro !== undefined) return macro({ receiver: compile(receiver), args, compile })
  const run = methods.get(`${name}/${args.length}`)
  const codes = [receiver, ...args].map(compile)
  return (scope) => {
    if (run === undefined) throw new CelError(`unknown method: ${name}`)
    return run(
      codes.map((code) => code(scope)),
      scope.budget,
    )
  }
}

function matching(receiver: ASTNode, [argument]: readonly ASTNode[]): Code {
  const pattern = compilePattern(
    argument?.op === 'value' && typeof argument.args === 'string' ? argument.args : '\\',
  )
  const text = compile(receiver)
  return (scope) => {
    if ('problem' in pattern) throw new CelError(pattern.problem)
    return pattern.ok.matches(textAt([text(scope)], 0), scope.budget)
  }
}

function optionalOf(name: string, [argument]: readonly ASTNode[]): Code {
  if (name !== 'of' || argument === undefined) return () => none
  const code = compile(argument)
  return (scope) => ({ kind: 'optional', value: code(scope) })
}

function literal(value: Of<'value'>['args']): Code {
  if (value !== null && typeof value === 'object')
    throw new CelError('bytes and unsigned integers are not there')
  return () => value
}

const compilers: Compilers = {
  value: ({ args }) => literal(args),
  id: ({ args }) => named(args),
  '.': ({ args: [operand, name] }) => field(compile(operand), name),
  '.?': ({ args: [operand, name] }) => optionally(compile(operand), () => name),
  '[]': ({ args: [operand, index] }) => at(compile(operand), compile(index)),
  '[?]': ({ args: [operand, index] }) => optionally(compile(operand), compile(index)),
  call: ({ args: [name, args] }) => call(name, args),
  rcall: ({ args: [name, receiver, args] }) => method(name, receiver, args),
  list: ({ args }) => {
    const codes = args.map(compile)
    return (scope) => {
      scope.budget.spend(codes.length)
      return listOf(codes.map((code) => code(scope)))
    }
  },
  map: ({ args }) => literalMap(args),
  '?:': ({ args: [condition, yes, no] }) => {
    const [test, then, otherwise] = [compile(condition), compile(yes), compile(no)]
    return (scope) => (truth(test(scope)) ? then(scope) : otherwise(scope))
  },
  '||': logical(true),
  '&&': logical(false),
  '!_': ({ args }) => {
    const code = compile(args)
    return (scope) => !truth(code(scope))
  },
  '-_': ({ args }) => {
    const code = compile(args)
    return (scope) => negated(code(scope))
  },
  '==': equality(true),
  '!=': equality(false),
  in: ({ args: [left, right] }) => contains(compile(left), compile(right)),
  '+': arithmetic('+'),
  '-': arithmetic('-'),
  '*': arithmetic('*'),
  '/': arithmetic('/'),
  '%': arithmetic('%'),
  '<': comparison((order) => order < 0),
  '<=': comparison((order) => order <= 0),
  '>': comparison((order) => order > 0),
  '>=': comparison((order) => order >= 0),
}

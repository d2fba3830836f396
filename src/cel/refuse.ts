/** What an expression may not hold, found in its tree before its types are checked: each thing named, with what to do instead. */
import type { ASTNode } from '@marcbachmann/cel-js'
import { functions, methods, typeNames } from './functions.ts'
import { macros } from './macros.ts'
import { childrenOf, comprehensionOf } from './nodes.ts'
import { compilePattern } from './pattern.ts'

/** A fault and the node that has it. */
export type Fault = { readonly node: ASTNode; readonly message: string }
type Around = {
  readonly names: ReadonlySet<string>
  readonly variables: readonly string[]
  readonly depth: number
}

/** Deepest nesting of comprehensions: each multiplies the steps by the size of a list. */
export const deepestComprehension = 2

/** The first thing in an expression that may not be there. */
export function faultIn(node: ASTNode, variables: readonly string[]): Fault | undefined {
  return look(node, { names: new Set(variables), variables, depth: 0 })
}

function look(node: ASTNode, around: Around): Fault | undefined {
  const message = faultOf(node, around)
  if (message !== undefined) return { node, message }
  const comprehension = comprehensionOf(node)
  if (comprehension === undefined) return first(inner(node), around)
  const { range, variable, body } = comprehension
  const within = { ...around, names: new Set([...around.names, variable]), depth: around.depth + 1 }
  if (within.depth > deepestComprehension)
    return {
      node,
      message: `comprehensions may be nested ${deepestComprehension} deep: do this in two actions, or without all, exists, map or filter`,
    }
  return look(range, around) ?? first(body, within)
}

const first = (nodes: readonly ASTNode[], around: Around): Fault | undefined => {
  for (const node of nodes) {
    const fault = look(node, around)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** `optional` in `optional.of(x)` is not a variable. */
function inner(node: ASTNode): readonly ASTNode[] {
  if (isOptionalCall(node)) return node.args[2]
  // -9223372036854775808 is the one int whose digits alone are too large.
  if (node.op === '-_' && node.args.op === 'value' && node.args.args === 2n ** 63n) return []
  return childrenOf(node)
}

function faultOf(node: ASTNode, around: Around): string | undefined {
  if (node.op === 'id') return unknownName(node.args, around)
  if (node.op === 'value') return literalFault(node.args)
  if (node.op === 'call') return callFault(node.args[0], node.args[1].length)
  return node.op === 'rcall' ? methodFault(node) : undefined
}

function unknownName(name: string, { names, variables }: Around): string | undefined {
  if (names.has(name) || typeNames.has(name)) return undefined
  const there = variables.length === 0 ? 'there are none here' : `there is ${variables.join(', ')}`
  return `unknown variable "${name}": ${there}`
}

function literalFault(value: Extract<ASTNode, { op: 'value' }>['args']): string | undefined {
  if (typeof value === 'bigint' && value >= 2n ** 63n) return 'an int must be less than 2^63'
  if (value === null || typeof value !== 'object') return undefined
  return value instanceof Uint8Array
    ? 'bytes (b"...") are not there: use a text'
    : 'unsigned integers (1u) are not there: use an int'
}

function callFault(name: string, count: number): string | undefined {
  if (functions.has(`${name}/${count}`) || (name === 'has' && count === 1)) return undefined
  return `there is no function ${name} of ${counted(count)}: ${offered(name, [...functions.keys(), 'has/1'])}`
}

type MethodCall = Extract<ASTNode, { op: 'rcall' }>

function isOptionalCall(node: ASTNode): node is MethodCall {
  return node.op === 'rcall' && node.args[1].op === 'id' && node.args[1].args === 'optional'
}

function methodFault(node: MethodCall): string | undefined {
  const [name, , args] = node.args
  const key = `${name}/${args.length}`
  if (isOptionalCall(node))
    return key === 'of/1' || key === 'none/0'
      ? undefined
      : `there is no optional.${name}: use optional.of(x) or optional.none()`
  if (key === 'matches/1') return patternFault(args[0])
  if (methods.has(key) || (macros.has(key) && name !== 'has')) return undefined
  return `there is no method ${name} of ${counted(args.length)}: ${offered(name, [...methods.keys(), ...[...macros.keys()].filter((key) => key !== 'has/1'), 'matches/1'])}`
}

function patternFault(argument: ASTNode | undefined): string | undefined {
  if (argument?.op !== 'value' || typeof argument.args !== 'string')
    return 'matches() must have a literal pattern: one that is put together cannot be checked beforehand'
  const pattern = compilePattern(argument.args)
  return 'problem' in pattern ? `matches(): ${pattern.problem}` : undefined
}

const counted = (count: number) => (count === 1 ? '1 argument' : `${count} arguments`)

/** Says with how many arguments a name is there, or which names are. */
function offered(name: string, keys: readonly string[]): string {
  const counts = keys.filter((key) => key.startsWith(`${name}/`)).map((key) => key.slice(name.length + 1))
  if (counts.length > 0) return `it takes ${counts.join(' or ')} of them`
  return `use one of ${[...new Set(keys.map((key) => key.replace(/\/\d$/, '')))].sort().join(', ')}`
}

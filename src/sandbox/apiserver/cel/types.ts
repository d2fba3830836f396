/** The types of an expression as far as a schema tells them, and what it speaks of that is not there. */
import type { ASTNode } from '@marcbachmann/cel-js'
import type { Node } from '../schema/node.ts'
import { patternOf } from '../schema/pattern.ts'
import { childOf } from '../schema/shape.ts'
import { safeMatches } from './matches.ts'
import { escapedName } from './value.ts'
import type { Problem } from './words.ts'

/** The variables that there are; undefined for one of any type. */
export type Scope = ReadonlyMap<string, Node | undefined>

/** What is known of a part of an expression. */
export type Typed = { readonly node: Node | undefined; readonly type: string | undefined }

/** Names of types are identifiers too. */
const typeNames: ReadonlySet<string> = new Set(
  'bool,bytes,cel,double,dyn,google,int,list,map,math,null_type,optional,sets,string,strings,timestamp,type,uint'.split(
    ',',
  ),
)
const names: Readonly<Record<string, string>> = {
  boolean: 'bool',
  integer: 'int',
  number: 'double',
  string: 'string',
  list: 'list',
  map: 'map',
  object: 'object',
}
const unknown: Typed = { node: undefined, type: undefined }

/** The type of an expression, or its first problem. */
export function typesOf(ast: ASTNode, scope: Scope): Typed | Problem {
  try {
    return typed(ast, scope)
  } catch (error) {
    if (error instanceof Found) return error.problem
    throw error
  }
}

/** Ends the walk at the first problem; never leaves this file. */
class Found extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.what)
    this.problem = problem
  }
}

const ofNode = (node: Node | undefined): Typed =>
  node === undefined ? unknown : { node, type: names[node.sort] }

function typed(ast: ASTNode, scope: Scope): Typed {
  if (ast.op === 'id') return identifier(ast, scope)
  if (ast.op === '.') return selected(ast, scope)
  if (ast.op === '[]') return indexed(ast, scope)
  if (ast.op === 'call' || ast.op === 'rcall') return called(ast, scope)
  return ast.op === 'value' ? literal(ast.args) : operated(ast, scope)
}

const literals: Readonly<Record<string, string>> = {
  bigint: 'int',
  number: 'double',
  string: 'string',
  boolean: 'bool',
}

const literal = (value: unknown): Typed => ({ node: undefined, type: literals[typeof value] })

function identifier(ast: ASTNode & { readonly op: 'id' }, scope: Scope): Typed {
  const name = ast.args
  if (scope.has(name)) return ofNode(scope.get(name))
  if (typeNames.has(name)) return unknown
  throw new Found({ at: ast.pos, what: `undeclared reference to '${name}' (in container '')` })
}

function selected(ast: ASTNode & { readonly op: '.' }, scope: Scope): Typed {
  const [target, name] = ast.args
  const { node, type } = typed(target, scope)
  // The place of a selection is that of its dot.
  const at = Math.max(0, ast.pos - 1)
  if (type !== undefined && ['string', 'int', 'double', 'bool', 'list'].includes(type))
    throw new Found({ at, what: `type '${type}' does not support field selection` })
  if (node === undefined || node.open || node.embedded || node.sort === 'any') return unknown
  const field = node.fieldNames.find((one) => escapedName(one) === name) ?? name
  const child = childOf(node, field)
  if (child === undefined && node.sort === 'object')
    throw new Found({ at, what: `undefined field '${name}'` })
  return ofNode(child)
}

function indexed(ast: ASTNode & { readonly op: '[]' }, scope: Scope): Typed {
  const [target, index] = ast.args
  typed(index, scope)
  const { node } = typed(target, scope)
  return node?.sort === 'list' || node?.sort === 'map' ? ofNode(node.inner) : unknown
}

const comparisons: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=', 'in', '&&', '||', '!_'])
const arithmetic: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%', '-_'])

const isScalar = (type: string | undefined): boolean =>
  type !== undefined && ['string', 'int', 'double', 'bool'].includes(type)

function operated(ast: ASTNode, scope: Scope): Typed {
  const parts = childrenOf(ast).map((one) => typed(one, scope))
  const types = new Set(parts.map(({ type }) => type))
  if ((ast.op === '==' || ast.op === '!=') && types.size === 2 && [...types].every(isScalar)) {
    const what = `found no matching overload for '_${ast.op}_' applied to '(${[...types].join(', ')})'`
    throw new Found({ at: ast.pos, what })
  }
  if (comparisons.has(ast.op)) return { node: undefined, type: 'bool' }
  const [only] = types
  return arithmetic.has(ast.op) && types.size === 1 ? { node: undefined, type: only } : unknown
}

/** The expressions directly within one. */
export function childrenOf(ast: ASTNode): readonly ASTNode[] {
  const found: ASTNode[] = []
  const look = (part: unknown): void => {
    if (Array.isArray(part)) part.forEach(look)
    else if (isNode(part)) found.push(part)
  }
  look(ast.args)
  return found
}

const isNode = (part: unknown): part is ASTNode =>
  typeof part === 'object' && part !== null && 'op' in part && 'args' in part

/** A macro that binds names: what it runs over, the names, and what runs with them. */
export type Binding = {
  readonly name: string
  readonly range: ASTNode
  readonly variables: readonly string[]
  readonly body: readonly ASTNode[]
}

const macros: ReadonlySet<string> = new Set(
  'all,exists,exists_one,existsOne,map,filter,transformList,transformMap,transformMapEntry,optMap,optFlatMap,bind'.split(
    ',',
  ),
)

/** The macro that a call is, if it is one. */
export function bindingOf(ast: ASTNode): Binding | undefined {
  if (ast.op !== 'rcall') return undefined
  const [name, range, [first, second, ...rest]] = ast.args
  if (!macros.has(name) || first?.op !== 'id' || second === undefined) return undefined
  if (name === 'bind') return { name, range: second, variables: [first.args], body: rest }
  const other = rest.length > 0 ? secondName(name, second) : undefined
  return other === undefined
    ? { name, range, variables: [first.args], body: [second, ...rest] }
    : { name, range, variables: [first.args, other], body: rest }
}

// With a second name a macro runs over keys and values; `map` takes a condition in its place.
const secondName = (name: string, second: ASTNode): string | undefined =>
  second.op === 'id' && name !== 'map' ? second.args : undefined

const quantifiers: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'existsOne'])

function called(ast: ASTNode & { readonly op: 'call' | 'rcall' }, scope: Scope): Typed {
  const binding = bindingOf(ast)
  if (binding !== undefined) return bound(binding, scope)
  for (const child of childrenOf(ast)) typed(child, scope)
  if (ast.op !== 'rcall' || ast.args[0] !== safeMatches) return unknown
  const [pattern] = ast.args[2]
  if (pattern?.op === 'value' && typeof pattern.args === 'string' && patternOf(pattern.args) === undefined)
    throw new Found({ at: pattern.pos, what: 'invalid matches argument' })
  return { node: undefined, type: 'bool' }
}

function bound({ name, range, variables, body }: Binding, scope: Scope): Typed {
  const { node } = typed(range, scope)
  const inner = name === 'bind' ? node : elementOf(node, name)
  const [first = '', second] = variables
  const pair: readonly (readonly [string, Node | undefined])[] =
    second === undefined
      ? [[first, inner]]
      : [
          [first, undefined],
          [second, inner],
        ]
  const within = new Map([...scope, ...pair])
  const parts = body.map((one) => typed(one, within))
  return quantifiers.has(name)
    ? { node: undefined, type: 'bool' }
    : name === 'bind'
      ? (parts[0] ?? unknown)
      : unknown
}

// Over a map a macro runs through its keys; an optional is not known here.
const elementOf = (node: Node | undefined, name: string): Node | undefined =>
  node?.sort === 'list' && !name.startsWith('opt') ? node.inner : undefined

/** Ways through the tree that the library's parser makes. */
import type { ASTNode } from '@marcbachmann/cel-js'
import { comprehensions } from './macros.ts'

/** The expressions directly within one, whatever its operator. */
export function childrenOf(node: ASTNode): readonly ASTNode[] {
  const found: ASTNode[] = []
  const look = (part: unknown): void => {
    if (Array.isArray(part)) part.forEach(look)
    else if (isNode(part)) found.push(part)
  }
  look(node.args)
  return found
}

function isNode(part: unknown): part is ASTNode {
  return typeof part === 'object' && part !== null && 'op' in part && 'args' in part
}

/** A comprehension taken apart: what it runs over, the name it gives each element, and what runs for each. */
export type Comprehension = {
  readonly range: ASTNode
  readonly variable: string
  readonly body: readonly ASTNode[]
}

/** The comprehension that a node is, if it is one. */
export function comprehensionOf(node: ASTNode): Comprehension | undefined {
  if (node.op !== 'rcall') return undefined
  const [name, range, [variable, ...body]] = node.args
  if (variable?.op !== 'id' || !comprehensions.has(`${name}/${body.length + 1}`)) return undefined
  return { range, variable: variable.args, body }
}

/** How many steps an expression takes if what it runs over is as large as usual; the true size counts when it runs. */
import type { ASTNode } from '@marcbachmann/cel-js'
import { childrenOf, comprehensionOf } from './nodes.ts'

/** How many elements a list or map is taken to have if the expression does not say. */
export const usualSize = 100

/** The steps of an expression over lists of the usual size. */
export function estimate(node: ASTNode): number {
  const comprehension = comprehensionOf(node)
  if (comprehension === undefined) return 1 + total(childrenOf(node))
  const { range, body } = comprehension
  return 1 + estimate(range) + sizeOf(range) * (1 + total(body))
}

const total = (nodes: readonly ASTNode[]) => nodes.reduce((sum, node) => sum + estimate(node), 0)

function sizeOf(node: ASTNode): number {
  if (node.op === 'list' || node.op === 'map') return node.args.length
  const comprehension = comprehensionOf(node)
  return comprehension === undefined ? usualSize : sizeOf(comprehension.range)
}

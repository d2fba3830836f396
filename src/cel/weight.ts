/** How much memory a compiled expression takes: an estimate on the high side, by what was measured. */
import type { ASTNode } from '@marcbachmann/cel-js'
import { childrenOf } from './nodes.ts'
import { programWeight } from './pattern.ts'

const perNode = 500

/** The bytes of a tree and of its code, with the programs of its patterns. */
export function weightOf(node: ASTNode): number {
  const own = perNode + patternIn(node)
  return childrenOf(node).reduce((sum, child) => sum + weightOf(child), own)
}

function patternIn(node: ASTNode): number {
  if (node.op !== 'rcall' || node.args[0] !== 'matches') return 0
  const [argument] = node.args[2]
  return argument?.op === 'value' && typeof argument.args === 'string' ? programWeight(argument.args) : 0
}

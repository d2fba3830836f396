/** What an expression reads of one variable: to show, beside an expression that does not hold, the values that it looked at. */
import type { ASTNode } from '@marcbachmann/cel-js'
import { childrenOf, comprehensionOf } from './nodes.ts'

/** The way to a value from a variable: `['status', 'phase']`. */
export type Way = readonly string[]

/** The farthest fields of a variable that an expression selects by name, in order and each once. */
export function selectionsOf(node: ASTNode, variable: string): readonly Way[] {
  const found = new Map<string, Way>()
  look(node, variable, (way) => found.set(way.join('\0'), way))
  return [...found.values()]
}

function look(node: ASTNode, variable: string, report: (way: Way) => void): void {
  const way = wayOf(node, variable)
  if (way !== undefined) {
    if (way.length > 0) report(way)
    return
  }
  const comprehension = comprehensionOf(node)
  if (comprehension === undefined) {
    for (const child of childrenOf(node)) look(child, variable, report)
    return
  }
  look(comprehension.range, variable, report)
  // Within it, the name stands for an element, whatever else has it.
  if (comprehension.variable === variable) return
  for (const child of comprehension.body) look(child, variable, report)
}

/** The fields from the variable down to what this node selects; undefined if it is no such selection. */
function wayOf(node: ASTNode, variable: string): Way | undefined {
  if (node.op === 'id') return node.args === variable ? [] : undefined
  const [operand, name] = stepOf(node)
  const before = operand === undefined ? undefined : wayOf(operand, variable)
  return before === undefined || name === undefined ? undefined : [...before, name]
}

/** `a.b`, `a.?b`, `a['b']` and `a[?'b']`. */
function stepOf(node: ASTNode): readonly [] | readonly [ASTNode, string] {
  if (node.op === '.' || node.op === '.?') return [node.args[0], node.args[1]]
  if (node.op !== '[]' && node.op !== '[?]') return []
  const [operand, index] = node.args
  return index.op === 'value' && typeof index.args === 'string' ? [operand, index.args] : []
}

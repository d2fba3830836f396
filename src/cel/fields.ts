/** Selections of fields that are not known: found in the tree, because the variables themselves have any type. */
import type { ASTNode } from '@marcbachmann/cel-js'
import type { Fields, UnknownField } from '../core/fields.ts'
import { childrenOf, comprehensionOf } from './nodes.ts'

/** The variables whose fields are known. */
export type Shapes = Readonly<Record<string, Fields>>

type Shape = { readonly path: string; readonly fields: Fields }
type Selection = { readonly operand: ASTNode; readonly name: string }

/** Every unknown field of an expression, each once. */
export function unknownFields(node: ASTNode, shapes: Shapes): readonly UnknownField[] {
  const found = new Map<string, UnknownField>()
  look(node, shapes, (field) => found.set(field.path, field))
  return [...found.values()]
}

type Report = (field: UnknownField) => void

function look(node: ASTNode, shapes: Shapes, report: Report): void {
  const selection = selectionOf(node)
  const shape = selection === undefined ? undefined : shapeOf(selection.operand, shapes)
  if (selection !== undefined && shape !== undefined && !Object.hasOwn(shape.fields, selection.name))
    report({
      path: `${shape.path}.${selection.name}`,
      name: selection.name,
      known: Object.keys(shape.fields),
    })
  const comprehension = comprehensionOf(node)
  if (comprehension === undefined) for (const child of childrenOf(node)) look(child, shapes, report)
  else {
    const { range, variable, body } = comprehension
    look(range, shapes, report)
    // Within it, the name stands for an element, whatever else has it.
    const { [variable]: _hidden, ...within } = shapes
    for (const child of body) look(child, within, report)
  }
}

/** `a.b`, `a.?b`, `a['b']`, `a[?'b']` and `'b' in a`. */
function selectionOf(node: ASTNode): Selection | undefined {
  if (node.op === '.' || node.op === '.?') return { operand: node.args[0], name: node.args[1] }
  if (node.op === '[]' || node.op === '[?]') return literally(node.args[0], node.args[1])
  return node.op === 'in' ? literally(node.args[1], node.args[0]) : undefined
}

const literally = (operand: ASTNode, index: ASTNode): Selection | undefined =>
  index.op === 'value' && typeof index.args === 'string' ? { operand, name: index.args } : undefined

/** What is known of the value of a node; undefined if nothing is. */
function shapeOf(node: ASTNode, shapes: Shapes): Shape | undefined {
  if (node.op === 'id') return below({ path: '', fields: shapes }, node.args)
  const selection = node.op === 'in' ? undefined : selectionOf(node)
  const shape = selection === undefined ? undefined : shapeOf(selection.operand, shapes)
  return selection === undefined || shape === undefined ? undefined : below(shape, selection.name)
}

function below({ path, fields }: Shape, name: string): Shape | undefined {
  const found = Object.hasOwn(fields, name) ? fields[name] : 'any'
  if (found === undefined || found === 'any') return undefined
  return { path: path === '' ? name : `${path}.${name}`, fields: found }
}

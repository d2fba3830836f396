/** What a rule of a CRD may cost at most: how often its parts run over lists as long as the schema lets them be. */
import type { ASTNode } from '@marcbachmann/cel-js'
import { own } from '../json.ts'
import type { Node, Sort } from '../schema/node.ts'
import { bindingOf, childrenOf, typesOf, type Scope } from './types.ts'

// apiextensions pkg/apis/apiextensions/validation: StaticEstimatedCostLimit. The real estimate counts lengths of texts too: this one is never above it.
const budget = 10_000_000
// A request holds at most 3 MiB: so many of the shortest values, with the comma between.
const largestRequest = 3 * 1024 * 1024
const shortest: Partial<Readonly<Record<Sort, number>>> = {
  string: 2,
  object: 2,
  map: 2,
  list: 2,
  boolean: 4,
}

/** How many values a list or map can have. */
export function mostWithin(node: Node | undefined): number {
  if (node?.sort !== 'list' && node?.sort !== 'map') return 1
  const most = own(node.schema, node.sort === 'list' ? 'maxItems' : 'maxProperties')
  if (typeof most === 'number') return most
  return Math.floor(largestRequest / (1 + (shortest[node.inner?.sort ?? 'integer'] ?? 1)))
}

/** By how much a rule that may run `times` exceeds what is let; undefined if it does not. */
export function excess(ast: ASTNode, scope: Scope, times: number): string | undefined {
  const factor = (costOf(ast, scope) * times) / budget
  if (factor <= 1) return undefined
  return factor > 100 ? 'more than 100x' : `${factor.toFixed(1)}x`
}

function costOf(ast: ASTNode, scope: Scope): number {
  const binding = bindingOf(ast)
  const parts = (nodes: readonly ASTNode[], within: Scope): number =>
    nodes.reduce((sum, one) => sum + costOf(one, within), 0)
  if (binding === undefined) return (ast.op === 'value' ? 0 : 1) + parts(childrenOf(ast), scope)
  const { name, range, variables, body } = binding
  const found = typesOf(range, scope)
  const node = 'node' in found ? found.node : undefined
  const element = node?.sort === 'list' ? node.inner : undefined
  const within = new Map([...scope, ...variables.map((one) => [one, element] as const)])
  const times = name === 'bind' || name.startsWith('opt') ? 1 : mostWithin(node)
  return costOf(range, scope) + times * parts(body, within)
}

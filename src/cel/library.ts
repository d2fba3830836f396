/** The parser and the type checker of the library, and its errors as one sentence each. */
import { Environment, EvaluationError, ParseError, TypeError } from '@marcbachmann/cel-js'
import type { ASTNode, ParseResult } from '@marcbachmann/cel-js'
import { extraSignatures } from './functions.ts'

/** Bounds of the tree, so that neither its size nor its depth can be felt. */
export type TreeLimits = { readonly nodes: number; readonly depth: number }

/** An environment that knows our functions and no variable yet. */
export function baseEnvironment({ nodes, depth }: TreeLimits): Environment {
  const environment = new Environment({
    enableOptionalTypes: true,
    // As with Kubernetes, where a value from JSON may stand beside a literal; the library would refuse that.
    homogeneousAggregateLiterals: false,
    limits: {
      maxAstNodes: nodes,
      maxDepth: depth,
      maxListElements: nodes,
      maxMapEntries: nodes,
      maxCallArguments: 8,
    },
  })
  for (const signature of extraSignatures) {
    environment.registerFunction(signature, { handler: neverRun, async: false })
  }
  return environment
}

function neverRun(): never {
  throw new Error('the library is used to parse and to check types only')
}

/** The environment with variables of any type. */
export function withVariables(base: Environment, variables: readonly string[]): Environment {
  const environment = base.clone()
  for (const name of variables) environment.registerVariable(name, 'dyn')
  return environment
}

/** Parses; the problem says what is wrong and where. */
export function parse(
  source: string,
  environment: Environment,
): { readonly ok: ParseResult } | { readonly problem: string } {
  try {
    return { ok: environment.parse(source) }
  } catch (error) {
    return { problem: sentence(error, source) }
  }
}

/** Says what the library found, and where. */
export function sentence(error: unknown, source: string): string {
  if (error instanceof ParseError || error instanceof TypeError || error instanceof EvaluationError) {
    const said =
      error.code === 'limit_exceeded'
        ? `the expression is too large (${error.summary}): make it simpler`
        : error.summary
    return error.range === undefined ? said : `${said}, ${placeOf(source, error.range.start)}`
  }
  // RangeError: thousands of `!` or `-` in a row are not counted by the library's limit on depth.
  return error instanceof RangeError
    ? 'the expression is nested too deeply: make it simpler'
    : 'the expression cannot be read'
}

/** Says where a node is. */
export const whereIs = (node: ASTNode, source: string): string => placeOf(source, node.pos)

const shown = 24

/** `line 1, column 8, at "&& x"` */
function placeOf(source: string, position: number): string {
  const before = source.slice(0, position).split('\n')
  const [rest = ''] = source.slice(position).split('\n', 1)
  const quoted = rest.length > shown ? `${rest.slice(0, shown)}...` : rest
  const near = rest === '' ? 'at the end' : `at ${JSON.stringify(quoted)}`
  return `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}, ${near}`
}

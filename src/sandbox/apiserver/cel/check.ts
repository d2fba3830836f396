/** Whether an expression may be stored: it compiles, speaks only of what there is, and gives what is wanted. */
import type { ASTNode, TypeCheckResult } from '@marcbachmann/cel-js'
import { compile } from './evaluate.ts'
import { typesOf, type Scope } from './types.ts'
import { placed, typeWords } from './words.ts'

/** What an expression is checked against. */
export type Expected = { readonly scope: Scope; readonly type: 'bool' | 'string' | 'any' }

/** What came of the check: the tree if all is well, else a problem, or the type that is not the one that is wanted. */
export type Checked = { readonly ast: ASTNode } | { readonly problem: string } | { readonly type: string }

/** Checks an expression. */
export function checkExpression(expression: string, { scope, type }: Expected): Checked {
  const program = compile(expression)
  if (typeof program === 'string') return { problem: program }
  const found = typesOf(program.ast, scope)
  if ('what' in found) return { problem: placed(expression, found) }
  const checked = program.check()
  if (!checked.valid) return { problem: mistyped(expression, checked.error) }
  const given = found.type ?? checked.type ?? 'dyn'
  return ['any', given].includes(type) || given === 'dyn' ? { ast: program.ast } : { type: given }
}

function mistyped(expression: string, error: TypeCheckResult['error']): string {
  const what = typeWords(error?.message.split('\n')[0] ?? 'does not type check')
  return placed(expression, { at: error?.range?.start ?? 0, what })
}

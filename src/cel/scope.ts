/** What code of an expression runs in. */
import type { Budget } from './budget.ts'
import type { Value } from './values.ts'

/** The variable of a comprehension. */
type Bound = { readonly name: string; readonly value: Value; readonly outer: Bound | undefined }
/** The names that are known, and the steps that are left. */
export type Scope = {
  readonly variables: ReadonlyMap<string, Value>
  readonly bound: Bound | undefined
  readonly budget: Budget
}
/** An expression made ready to run. */
export type Code = (scope: Scope) => Value

/** The scope with one more name. */
export const withBound = (scope: Scope, name: string, value: Value): Scope => ({
  ...scope,
  bound: { name, value, outer: scope.bound },
})

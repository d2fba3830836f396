/** CEL: checked when an Action is applied, bounded whenever it runs. */
import type { ASTNode } from '@marcbachmann/cel-js'
import { Budget, BudgetSpent, CelError } from './budget.ts'
import { LastUsed } from './cache.ts'
import { estimate, usualSize } from './estimate.ts'
import { compile } from './evaluate.ts'
import type { UnknownField } from '../core/fields.ts'
import { unknownFields, type Shapes } from './fields.ts'
import { baseEnvironment, parse, sentence, whereIs, withVariables } from './library.ts'
import { faultIn } from './refuse.ts'
import { toJson } from './result.ts'
import type { Code } from './scope.ts'
import { selectionsOf, type Way } from './selections.ts'
import { fromJson } from './values.ts'
import type { Value } from './values.ts'
import { weightOf } from './weight.ts'

/** How far expressions may go. */
export type CelLimits = {
  /** Longest expression, in characters; as in the CRD. */
  readonly characters: number
  /** Most nodes in its tree. */
  readonly nodes: number
  /** Deepest nesting of its tree. */
  readonly depth: number
  /** Most steps of one evaluation, about 50 ns each; and the most that an expression may be expected to take. */
  readonly steps: number
  /** Most memory of compiled expressions that are kept, in bytes as they are estimated. */
  readonly kept: number
}

/** What a place in an Action takes: a condition, something that has a text, or any JSON. */
type Wanted = 'bool' | 'text' | 'any'
/** What an expression gave as JSON, or why it gave nothing. */
type Evaluated = { readonly ok: unknown } | { readonly error: string }

/** What is done with an expression. */
export type Cel = {
  /** Says why an expression may not be used; undefined if it may. `variables` are the names it will find. */
  readonly check: (source: string, variables: readonly string[], want?: Wanted) => string | undefined
  /** The fields that it selects and that are not among the known ones; none of an expression that may not be used. */
  readonly unknownFields: (
    source: string,
    variables: readonly string[],
    shapes: Shapes,
  ) => readonly UnknownField[]
  /** Whether an expression that may be used with these variables names this one; what a macro binds is another. */
  readonly names: (source: string, variable: string, variables: readonly string[]) => boolean
  /** The fields of this variable that it reads; none of an expression that may not be used. */
  readonly selections: (source: string, variable: string, variables: readonly string[]) => readonly Way[]
  /** Evaluates over JSON values. Never throws, and ends after a bounded number of steps. */
  readonly evaluate: (source: string, values: Readonly<Record<string, unknown>>) => Evaluated
}

/** The limits of the service. */
export const usualLimits: CelLimits = {
  characters: 2048,
  nodes: 400,
  depth: 40,
  steps: 250_000,
  // About 5,000 usual expressions. All Actions are asked in order: if they were not all kept, none would be found.
  kept: 64 << 20,
}

type Compiled = { readonly code: Code; readonly type: string; readonly ast: ASTNode }
type Made = { readonly ok: Compiled } | { readonly problem: string }

/** Makes an evaluator; it keeps what it has compiled. */
export function createCel(options: Partial<CelLimits> = {}): Cel {
  const limits = { ...usualLimits, ...options }
  const base = baseEnvironment(limits)
  const environments = new LastUsed<ReturnType<typeof withVariables>>(16)
  const expressions = new LastUsed<Made>(limits.kept, bytesOf)
  const made = (source: string, variables: readonly string[]): Made => {
    if (source.length > limits.characters)
      return {
        problem: `the expression has ${source.length} characters of at most ${limits.characters}: make it shorter`,
      }
    const names = variables.join(',')
    const environment = () => environments.get(names, () => withVariables(base, variables))
    return expressions.get(`${names}\n${source}`, () => make({ source, variables, limits }, environment()))
  }
  return {
    check(source, variables, want = 'any') {
      const result = made(source, [...variables].sort())
      return 'problem' in result ? result.problem : wrongType(result.ok.type, want)
    },
    names(source, variable, variables) {
      const others = variables.filter((name) => name !== variable)
      return 'ok' in made(source, [...variables].sort()) && 'problem' in made(source, others.sort())
    },
    unknownFields(source, variables, shapes) {
      const result = made(source, [...variables].sort())
      return 'problem' in result ? [] : unknownFields(result.ok.ast, shapes)
    },
    selections(source, variable, variables) {
      const result = made(source, [...variables].sort())
      return 'problem' in result ? [] : selectionsOf(result.ok.ast, variable)
    },
    evaluate(source, values) {
      const result = made(source, Object.keys(values).sort())
      return 'problem' in result ? { error: result.problem } : run(result.ok.code, values, limits.steps)
    },
  }
}

// A character may take two bytes; the entry and what is said of an expression that may not be used take about the rest.
const bytesOf = (made: Made, key: string): number =>
  600 + 2 * key.length + ('ok' in made ? weightOf(made.ok.ast) : 0)

type Job = { readonly source: string; readonly variables: readonly string[]; readonly limits: CelLimits }

function make({ source, variables, limits }: Job, environment: ReturnType<typeof withVariables>): Made {
  const parsed = parse(source, environment)
  if ('problem' in parsed) return parsed
  const { ast } = parsed.ok
  const fault = faultIn(ast, variables)
  if (fault !== undefined) return { problem: `${fault.message}, ${whereIs(fault.node, source)}` }
  const checked = parsed.ok.check()
  if (!checked.valid) return { problem: sentence(checked.error, source) }
  const steps = estimate(ast)
  if (steps > limits.steps)
    return {
      problem: `the expression takes ${steps} of at most ${limits.steps} steps if its lists have ${usualSize} elements: make it simpler`,
    }
  return { ok: { code: compile(ast), type: checked.type ?? 'dyn', ast } }
}

const fitting: { readonly [K in Exclude<Wanted, 'any'>]: ReadonlySet<string> } = {
  bool: new Set(['bool', 'dyn']),
  text: new Set([
    'string',
    'int',
    'double',
    'bool',
    'dyn',
    'google.protobuf.Timestamp',
    'google.protobuf.Duration',
  ]),
}

function wrongType(type: string, want: Wanted): string | undefined {
  if (want === 'any' || fitting[want].has(type)) return undefined
  const hint = type.startsWith('optional') ? ': open it with orValue()' : ''
  return `the expression must give ${want === 'bool' ? 'true or false' : 'text, a number or a boolean'}, but gives ${type}${hint}`
}

function run(code: Code, values: Readonly<Record<string, unknown>>, steps: number): Evaluated {
  const budget = new Budget(steps)
  try {
    const variables = new Map<string, Value>(
      Object.entries(values).map(([name, value]) => [name, fromJson(value)]),
    )
    return { ok: toJson(code({ variables, bound: undefined, budget }), budget) }
  } catch (error) {
    if (error instanceof CelError) return { error: error.told() }
    if (error instanceof BudgetSpent) return { error: error.message }
    if (error instanceof RangeError)
      return { error: 'the values are nested too deeply to be compared: select fields of them' }
    return {
      error: `the expression could not be evaluated: ${error instanceof Error ? error.message : 'unknown'}`,
    }
  }
}

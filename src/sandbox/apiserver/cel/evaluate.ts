/** Expressions compiled once, evaluated often; a failure is a value with the server's words. */
import type { ParseResult } from '@marcbachmann/cel-js'
import { environment } from './environment.ts'
import { withSafeMatches } from './matches.ts'
import { syntaxWords } from './words.ts'

/** What an expression gave, or why it gave nothing. */
export type Evaluated = { readonly value: unknown } | { readonly error: string }

const compiled = new Map<string, ParseResult | string>()
// Expressions live in CRDs and policies; beyond this many the cache starts anew.
const cached = 5000

/** The program of an expression, or why there is none, in the words of cel-go. */
export function compile(expression: string): ParseResult | string {
  const known = compiled.get(expression)
  if (known !== undefined) return known
  if (compiled.size >= cached) compiled.clear()
  let result: ParseResult | string
  try {
    result = environment().parse(withSafeMatches(expression))
  } catch (error) {
    result = syntaxWords(expression, error)
  }
  compiled.set(expression, result)
  return result
}

/** Whether an expression mentions a variable. */
export function mentions(expression: string, name: string): boolean {
  return new RegExp(`\\b${name}\\b`).test(expression)
}

/** Evaluates; errors have the words of cel-go. */
export function evaluate(expression: string, variables: Readonly<Record<string, unknown>>): Evaluated {
  const program = compile(expression)
  if (typeof program === 'string') return { error: `compilation failed: ${program}` }
  try {
    // The library's own type: what comes out of it is judged by whoever asked.
    return { value: program(variables) as unknown }
  } catch (error) {
    return { error: wordsOf(error) }
  }
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const first = error.message.split('\n')[0] ?? ''
  return first
    .replace(/^No such key: index out of bounds/, 'index out of bounds')
    .replace(/^No such key/, 'no such key')
}

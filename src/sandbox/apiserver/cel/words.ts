/** Errors of expressions in the words of cel-go, with the place in the text. */
import { ParseError } from '@marcbachmann/cel-js'

/** A problem at an offset of an expression. */
export type Problem = { readonly at: number; readonly what: string }

/** `ERROR: <input>:1:5: ...`, with the line and a caret below. */
export function placed(expression: string, { at, what }: Problem): string {
  const before = expression.slice(0, at)
  const line = before.split('\n').length
  const start = before.lastIndexOf('\n') + 1
  const column = at - start
  const text = expression.slice(start).split('\n')[0] ?? ''
  return `ERROR: <input>:${line}:${column + 1}: ${what}\n | ${text}\n | ${'.'.repeat(column)}^`
}

const beginning =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"

/** Why a text is no expression. */
export function syntaxWords(expression: string, error: unknown): string {
  const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
  const at = error instanceof ParseError ? (error.range?.start ?? 0) : 0
  return placed(expression, { at, what: `Syntax error: ${saying(message)}` })
}

function saying(message: string): string {
  const [, stray] = /^Unexpected character: '(.*)'$/.exec(message) ?? []
  if (stray !== undefined) return `extraneous input '${stray}' expecting <EOF>`
  const [, token] = /^Unexpected token: (\S+)/.exec(message) ?? []
  if (token === undefined) return message
  return `mismatched input '${token === 'EOF' ? '<EOF>' : token.toLowerCase()}' expecting ${beginning}`
}

const operator = /^no such overload: (.+?) (\S+) (.+)$/
const call = /^found no matching overload for '([^(.]+)\(/

/** Why an expression does not fit its types. */
export function typeWords(message: string): string {
  const [, left, sign, right] = operator.exec(message) ?? []
  if (sign !== undefined) return `found no matching overload for '_${sign}_' applied to '(${left}, ${right})'`
  const [, name] = call.exec(message) ?? []
  return name === undefined ? message : `undeclared reference to '${name}' (in container '')`
}

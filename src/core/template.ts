/** Texts with CEL in `${...}`: where the literal ends and an expression begins. `$${` stands for a literal `${`. */

import type { FieldProblem } from '../api/problems.ts'

/** Most expressions in one body. */
export const mostExpressions = 256
/** Deepest body: enough for any request, and far from the end of the stack. */
export const deepestBody = 64

/** A piece of a template: text as it is, or the source of an expression. */
export type Part = string | { readonly expression: string }
/** A template taken apart, or why it cannot be. */
export type Split = { readonly ok: readonly Part[] } | { readonly problem: string }

/** Takes a text apart into literals and expressions. Joined again, the literals are the text without its expressions. */
export function splitTemplate(text: string): Split {
  const parts: Part[] = []
  let literal = ''
  let at = 0
  for (;;) {
    const dollar = text.indexOf('$', at)
    if (dollar < 0) break
    literal += text.slice(at, dollar)
    if (text.startsWith('$${', dollar)) {
      literal += '${'
      at = dollar + 3
    } else if (text.startsWith('${', dollar)) {
      const end = endOfExpression(text, dollar + 2)
      if (end === undefined) return { problem: unclosed(text, dollar) }
      const expression = text.slice(dollar + 2, end).trim()
      if (expression === '') return { problem: empty(text, dollar) }
      if (literal !== '') parts.push(literal)
      parts.push({ expression })
      literal = ''
      at = end + 1
    } else {
      literal += '$'
      at = dollar + 1
    }
  }
  literal += text.slice(at)
  if (literal !== '') parts.push(literal)
  return { ok: parts }
}

/** Where the `}` is that closes the expression which begins at `from`; undefined if there is none. */
function endOfExpression(text: string, from: number): number | undefined {
  let depth = 0
  let at = from
  while (at < text.length) {
    const char = text[at]
    if (char === '"' || char === "'") at = endOfString(text, at)
    else if (char === '/' && text[at + 1] === '/') at = endOfLine(text, at)
    else if (char === '}' && depth === 0) return at
    else {
      if (char === '{') depth += 1
      if (char === '}') depth -= 1
      at += 1
    }
  }
  return undefined
}

/**
 * The place after the CEL string that begins at `from`. A backslash takes the next character along, in raw strings
 * (`r'...'`) too: so the lexer that will read the expression does it, and the two must not disagree on where it ends.
 */
function endOfString(text: string, from: number): number {
  const quote = text[from] ?? ''
  const close = text.startsWith(quote.repeat(3), from) ? quote.repeat(3) : quote
  let at = from + close.length
  while (at < text.length) {
    if (text.startsWith(close, at)) return at + close.length
    at += text[at] === '\\' ? 2 : 1
  }
  return text.length
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end
}

const unclosed = (text: string, at: number) =>
  `the \${ at ${placeOf(text, at)} is not closed: add a }, or write $\${ for a literal \${`

const empty = (text: string, at: number) =>
  `the \${} at ${placeOf(text, at)} is empty: write a CEL expression in it, or $\${ for a literal \${`

function placeOf(text: string, at: number): string {
  const before = text.slice(0, at).split('\n')
  return `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`
}

/** An expression of a template and the field it stands in. */
export type Found = { readonly path: string; readonly expression: string }

/** Every expression in a URL, a header value or a body, with its field path; and every template that is not one. */
export function expressionsIn(
  template: unknown,
  path: string,
): { readonly found: readonly Found[]; readonly problems: readonly FieldProblem[] } {
  const found: Found[] = []
  const problems: FieldProblem[] = []
  const look = (node: unknown, at: string, depth: number): void => {
    if (depth > deepestBody) problems.push({ path: at, want: `be at most ${deepestBody} levels deep` })
    else if (typeof node === 'string') lookAt(node, at)
    else if (Array.isArray(node)) node.forEach((child, index) => look(child, `${at}[${index}]`, depth + 1))
    else if (typeof node === 'object' && node !== null)
      for (const [key, child] of Object.entries(node)) look(child, below(at, key), depth + 1)
  }
  const lookAt = (text: string, at: string): void => {
    const split = splitTemplate(text)
    if ('problem' in split)
      problems.push({ path: at, want: `be a text with closed \${...}: ${split.problem}` })
    else
      for (const part of split.ok)
        if (typeof part !== 'string') found.push({ path: at, expression: part.expression })
  }
  look(template, path, 0)
  if (found.length > mostExpressions)
    problems.push({ path, want: `have at most ${mostExpressions} expressions`, got: found.length })
  return { found, problems }
}

const below = (path: string, key: string) =>
  /^[A-Za-z_][A-Za-z0-9_-]*$/.test(key) ? `${path}.${key}` : `${path}[${key}]`

/**
 * Fills templates in. The result is a typed tree, not text: no value can change what the author wrote around it.
 * The evaluator arrives as a function; everything here is pure.
 */
import type { FieldProblem } from '../api/problems.ts'
import { deepestBody, mostExpressions, splitTemplate } from './template.ts'
import type { Part } from './template.ts'

/** Evaluates one expression; never throws. */
export type Evaluate = (expression: string) => { readonly ok: unknown } | { readonly error: string }
/** A template filled in, or why it cannot be. */
export type Rendered<T = string> = { readonly ok: T } | { readonly problem: string }

/** Longest rendered URL, in characters: what servers take for a request line (nginx and Apache: 8 KiB). */
export const longestUrl = 8192
/** Longest rendered header value, in characters: what servers take (nginx and Node: 8 KiB and 16 KiB for all headers). */
export const longestHeader = 8192
/** Longest rendered body, in characters: the API server takes objects of at most 1.5 MiB, so more is a mistake. */
export const longestBody = 1_048_576
const mostNodes = 50_000

/**
 * Finds what is wrong with a URL template, whatever its values will be. Scheme, host and port must be literal; user
 * information, a fragment and dot segments are refused. `path` is the field's: `spec.http.url`.
 */
export function checkUrl(url: string, path = 'spec.http.url'): readonly FieldProblem[] {
  const split = splitTemplate(url)
  if ('problem' in split) return [{ path, want: `be a URL with closed \${...}: ${split.problem}` }]
  // A URL with a password in it must not be shown, so `got` stays out of these problems.
  return urlProblems(split.ok).map((want) => ({ path, want }))
}

function urlProblems(parts: readonly Part[]): readonly string[] {
  const [head] = parts
  const origin = typeof head === 'string' ? /^https?:\/\/([^/?#\\]*)([/?#]?)/i.exec(head) : null
  if (origin === null) return ['begin with a literal http:// or https:// and a literal host']
  const [start, authority = '', next = ''] = origin
  const literals = parts.filter((part) => typeof part === 'string')
  const wants: readonly (readonly [boolean, string])[] = [
    [
      parts.length === 1 || next !== '',
      'have a literal scheme, host and port: ${...} may come only after the first / or ?',
    ],
    [!authority.includes('@'), 'have no user information: send credentials in a header with valueFrom'],
    [authority.includes('@') || URL.canParse(start), 'have a valid host and port'],
    [literals.every((literal) => !literal.includes('#')), 'have no fragment: it is never sent'],
    [literals.every((literal) => urlText.test(literal)), 'hold only characters of a URL, with others as %XX'],
    [!climbs(pathOf(joined(parts))), 'have no . or .. as a segment of its path'],
  ]
  return wants.filter(([holds]) => !holds).map(([, want]) => want)
}

/** RFC 3986 characters, # aside (it has a rule of its own); a % begins a whole %XX, else a value could complete it. */
const urlText = /^([A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*$/

const joined = (parts: readonly Part[]) =>
  parts.map((part) => (typeof part === 'string' ? part : 'x')).join('')

const pathOf = (url: string) => url.replace(/^https?:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '')

/** The URL standard (WHATWG 4.4) takes %2e for a dot here, so encoding a dot does not help. */
const climbs = (path: string) => path.split('/').some((segment) => /^(\.|%2e){1,2}$/i.test(segment))

/**
 * Fills in a URL. Every value is percent-encoded whole, `/`, `?`, `&` and `=` too; one that could still lead elsewhere
 * (`..`, also behind an encoded slash, or nothing at all in the path) is refused.
 */
export function renderUrl(url: string, evaluate: Evaluate): Rendered {
  const [problem] = checkUrl(url, 'the URL')
  if (problem !== undefined) return { problem: `${problem.path} must ${problem.want}` }
  const filled = fillIn(url, evaluate, encoded)
  if ('problem' in filled) return filled
  return atMost(filled, longestUrl, 'URL')
}

function encoded(value: unknown, before: readonly Part[]): Rendered {
  const text = plainText(value)
  if ('problem' in text) return text
  if (!text.ok.isWellFormed())
    return { problem: 'the value must be well-formed Unicode, got half a surrogate pair' }
  const inQuery = before.some((part) => typeof part === 'string' && part.includes('?'))
  if (!inQuery && text.ok === '')
    return { problem: 'the value must not be empty in the path of a URL: it would name something else' }
  // Some servers decode %2F and %5C before they resolve dots.
  const dots = text.ok.split(/[/\\]/).some((segment) => segment === '.' || segment === '..')
  if (!inQuery && dots) return { problem: 'the value must not hold . or .. as a segment of a path' }
  return { ok: encodeURIComponent(text.ok).replace(/[!'()*]/g, hex) }
}

const hex = (char: string) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`

/** Fills in a header value. What would end the header, or could not be sent as it is, is refused. */
export function renderHeader(value: string, evaluate: Evaluate): Rendered {
  const filled = fillIn(value, evaluate, plainText)
  if ('problem' in filled) return filled
  const bad = /[^\t\x20-\x7e\x80-\xff]/.exec(filled.ok)
  if (bad !== null)
    return { problem: `a header value must be one line of Latin-1 text, got ${nameOf(bad[0])}` }
  return atMost(filled, longestHeader, 'header value')
}

/**
 * Fills in a body: a text stays a text; of any other JSON the texts are filled in, and everything else, keys too,
 * stays as it is. A value becomes its text; an object or a list its JSON text.
 */
export function renderBody(body: unknown, evaluate: Evaluate): Rendered<unknown> {
  return renderNode(body, {
    evaluate,
    depth: 0,
    left: { nodes: mostNodes, expressions: mostExpressions, text: longestBody },
  })
}

type Walk = {
  readonly evaluate: Evaluate
  readonly depth: number
  /** What the whole body may still use up; counted down. */
  readonly left: { nodes: number; expressions: number; text: number }
}

function renderNode(node: unknown, walk: Walk): Rendered<unknown> {
  if (walk.depth > deepestBody)
    return { problem: `a body must be at most ${deepestBody} levels deep; flatten it` }
  walk.left.nodes -= 1
  if (walk.left.nodes < 0) return { problem: `a body must have at most ${mostNodes} values; send less` }
  if (typeof node === 'string') return renderText(node, walk)
  if (Array.isArray(node)) return renderAll(node, walk)
  if (typeof node !== 'object' || node === null) return { ok: node }
  const values = renderAll(Object.values(node), walk)
  if ('problem' in values) return values
  // fromEntries defines own properties: a key `__proto__` stays a key.
  return { ok: Object.fromEntries(Object.keys(node).map((key, index) => [key, values.ok[index]])) }
}

function renderAll(nodes: readonly unknown[], walk: Walk): Rendered<readonly unknown[]> {
  const done: unknown[] = []
  for (const node of nodes) {
    const rendered = renderNode(node, { ...walk, depth: walk.depth + 1 })
    if ('problem' in rendered) return rendered
    done.push(rendered.ok)
  }
  return { ok: done }
}

function renderText(text: string, { evaluate, left }: Walk): Rendered {
  const counted: Evaluate = (expression) => {
    left.expressions -= 1
    if (left.expressions < 0)
      return { error: `a body must have at most ${mostExpressions} expressions; use fewer` }
    return evaluate(expression)
  }
  const filled = fillIn(text, counted, anyText)
  if ('problem' in filled) return filled
  left.text -= filled.ok.length
  return left.text < 0
    ? { problem: `a rendered body must be at most ${longestBody} characters; send less` }
    : filled
}

/** Turns a value into the text that stands in its place after the parts `before`, or says why it has none. */
type Writer = (value: unknown, before: readonly Part[]) => Rendered

/** Fills in one text: every expression is evaluated, in order, and written by `write`. Stops at the first problem. */
function fillIn(text: string, evaluate: Evaluate, write: Writer): Rendered {
  const split = splitTemplate(text)
  if ('problem' in split) return split
  let filled = ''
  for (const [index, part] of split.ok.entries()) {
    const written =
      typeof part === 'string'
        ? { ok: part }
        : valueOf(part.expression, evaluate, (value) => write(value, split.ok.slice(0, index)))
    if ('problem' in written) return written
    filled += written.ok
    // Checked in between: 256 values of 1 MiB each would not fit into memory.
    if (filled.length > longestBody) return atMost({ ok: filled }, longestBody, 'text')
  }
  return { ok: filled }
}

function valueOf(expression: string, evaluate: Evaluate, write: (value: unknown) => Rendered): Rendered {
  const value = evaluate(expression)
  const written = 'error' in value ? { problem: value.error } : write(value.ok)
  return 'problem' in written ? { problem: `\${${shorten(expression)}}: ${written.problem}` } : written
}

/** Writes what has a text of its own: text, numbers, true and false. Anything else is refused. */
function plainText(value: unknown): Rendered {
  if (typeof value === 'string') return { ok: value }
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)))
    return { ok: String(value) }
  return {
    problem: `the value must be text, a number or a boolean, got ${kindOf(value)}; select one field of it`,
  }
}

function anyText(value: unknown): Rendered {
  const plain = plainText(value)
  if ('ok' in plain || typeof value !== 'object') return plain
  return atMost({ ok: JSON.stringify(value) }, longestBody, 'value')
}

/** Says how long a rendered text may be. */
function atMost(rendered: Rendered, longest: number, what: string): Rendered {
  if ('problem' in rendered || rendered.ok.length <= longest) return rendered
  return {
    problem: `a rendered ${what} must be at most ${longest} characters, got ${rendered.ok.length}; use less of the value`,
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : typeof value
}

const nameOf = (char: string) =>
  `the character U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`

const shorten = (text: string) => (text.length > 80 ? `${text.slice(0, 80)}...` : text)

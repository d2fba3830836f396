/** Texts that a built-in kind's Go types parse while decoding: times, and bytes in base64. */
import { isList, isObject, textAt, type Json } from '../json.ts'
import type { Node } from '../schema/node.ts'
import { goType } from '../schema/definitions.ts'
import { childOf } from '../schema/shape.ts'

/** The first text of a format that does not parse, in Go's words; undefined if all do. */
export function formatProblem(node: Node, value: Json, format: 'byte' | 'date-time'): string | undefined {
  if (typeof value === 'string') return textProblem(node, value, format)
  const inner = isList(value) ? value.map((one) => [node.inner, one] as const) : fieldsOf(node, value)
  for (const [child, one] of inner) {
    const found = child === undefined || child.sort === 'any' ? undefined : formatProblem(child, one, format)
    if (found !== undefined) return found
  }
  return undefined
}

const fieldsOf = (node: Node, value: Json): readonly (readonly [Node | undefined, Json])[] =>
  isObject(value) ? Object.entries(value).map(([key, one]) => [childOf(node, key), one] as const) : []

function textProblem({ schema }: Node, text: string, format: 'byte' | 'date-time'): string | undefined {
  if (textAt(schema, 'format') !== format) return undefined
  if (format === 'byte') return base64Problem(text)
  return timeProblem(text, textAt(schema, goType) === 'MicroTime' ? microTime : plainTime)
}

// Go's base64 names the first byte of the quantum that is incomplete, or the byte that does not belong.
function base64Problem(text: string): string | undefined {
  const bare = text.replace(/={0,2}$/, '')
  const stray = bare.search(/[^A-Za-z0-9+/]/)
  if (stray >= 0) return `illegal base64 data at input byte ${stray}`
  if (text.length % 4 === 0 && bare.length % 4 !== 1) return undefined
  return `illegal base64 data at input byte ${bare.length - (bare.length % 4)}`
}

const plainTime = '2006-01-02T15:04:05Z07:00'
const microTime = '2006-01-02T15:04:05.000000Z07:00'

type Step = { readonly layout: string; readonly pattern: RegExp }

const steps: readonly Step[] = [
  { layout: '2006', pattern: /^\d{4}/ },
  { layout: '-', pattern: /^-/ },
  { layout: '01', pattern: /^\d{2}/ },
  { layout: '-', pattern: /^-/ },
  { layout: '02', pattern: /^\d{2}/ },
  { layout: 'T', pattern: /^T/ },
  { layout: '15', pattern: /^\d{2}/ },
  { layout: ':', pattern: /^:/ },
  { layout: '04', pattern: /^\d{2}/ },
  { layout: ':', pattern: /^:/ },
  { layout: '05', pattern: /^\d{2}/ },
]
const zone: Step = { layout: 'Z07:00', pattern: /^(Z|[+-]\d{2}:\d{2})$/ }

// A time with a fixed fraction takes exactly that; one without takes any.
function timeProblem(text: string, layout: string): string | undefined {
  const fraction: Step =
    layout === microTime
      ? { layout: '.000000', pattern: /^\.\d{6}(?!\d)/ }
      : { layout: '', pattern: /^(\.\d+)?/ }
  let rest = text
  for (const step of [...steps, fraction, zone]) {
    const [found] = step.pattern.exec(rest) ?? []
    if (found === undefined)
      return `parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(step.layout)}`
    rest = rest.slice(found.length)
  }
  const outside = rangeProblem(text)
  return outside === undefined ? undefined : `parsing time ${JSON.stringify(text)}: ${outside} out of range`
}

function rangeProblem(text: string): string | undefined {
  const at = (from: number): number => Number(text.slice(from, from + 2))
  const month = at(5)
  const days = new Date(Date.UTC(Number(text.slice(0, 4)), month, 0)).getUTCDate()
  const parts = [
    { name: 'month', value: month, least: 1, most: 12 },
    { name: 'day', value: at(8), least: 1, most: days },
    { name: 'hour', value: at(11), least: 0, most: 23 },
    { name: 'minute', value: at(14), least: 0, most: 59 },
    { name: 'second', value: at(17), least: 0, most: 59 },
  ]
  return parts.find(({ value, least, most }) => value < least || value > most)?.name
}

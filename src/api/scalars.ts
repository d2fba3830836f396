/** What is wrong with a text, a whole number or a flag, by its declaration. */
import type { FlagNode, FreeTextNode, TextNode, WholeNode } from './schema.ts'
import { nearest } from './nearest.ts'
import { codePoints, enumerated, isLongerThan } from './text.ts'

/** A declared value without parts. */
export type ScalarNode = TextNode | WholeNode | FlagNode

/** What a value must do (a phrase after "must"), and what it is instead. */
export type Fault = { readonly want: string; readonly got: unknown }

/** What is wrong with a value; undefined if it is as declared. */
export function scalarFault(node: ScalarNode, value: unknown): Fault | undefined {
  switch (node.type) {
    case 'string':
      return typeof value === 'string' ? textFault(node, value) : noTextFault(node, value)
    case 'integer':
      return isWithin(node, value) ? undefined : { want: `be ${wholeFrom(node)}`, got: value }
    case 'boolean':
      return typeof value === 'boolean' ? undefined : { want: 'be true or false', got: value }
  }
}

/** A text as it is meant: a whole number that stands for one means its digits. */
export const asText = ({ orWhole }: TextNode, value: unknown): unknown =>
  orWhole !== undefined && typeof value === 'number' ? String(value) : value

type Bounds = Pick<WholeNode, 'minimum' | 'maximum'>

const wholeFrom = ({ minimum, maximum }: Bounds) => `a whole number from ${minimum} to ${maximum}`

function noTextFault({ orWhole }: TextNode, value: unknown): Fault | undefined {
  if (orWhole === undefined) return { want: 'be text', got: value }
  return isWithin(orWhole, value) ? undefined : { want: `be text or ${wholeFrom(orWhole)}`, got: value }
}

const isWithin = ({ minimum, maximum }: Bounds, value: unknown): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum

function textFault(node: TextNode, value: string): Fault | undefined {
  if (node.enum !== undefined)
    return node.enum.includes(value) ? undefined : { want: oneOf(node.enum, value), got: value }
  // Before the pattern, so that no pattern runs over a text without end. The length is shown, not the text: it may be a secret.
  return lengthFault(node, value) ?? formFault(node, value)
}

function oneOf(allowed: readonly string[], value: string): string {
  const meant = nearest(value, allowed)
  return `be ${enumerated(allowed, 'or')}${meant === undefined ? '' : ` (did you mean ${meant}?)`}`
}

function lengthFault({ minLength = 0, maxLength }: FreeTextNode, value: string): Fault | undefined {
  if (isLongerThan(value, maxLength))
    return { want: `have at most ${maxLength} characters`, got: codePoints(value) }
  if (codePoints(value) >= minLength) return undefined
  return { want: minLength === 1 ? 'not be empty' : `have at least ${minLength} characters`, got: value }
}

function formFault({ pattern, format }: FreeTextNode, value: string): Fault | undefined {
  if (pattern !== undefined && !new RegExp(pattern, 'u').test(value))
    return { want: `match ${pattern}`, got: value }
  if (format !== undefined && !isDateTime(value))
    return { want: 'be a time like 2026-01-31T12:00:00Z', got: value }
  return undefined
}

// RFC 3339. The API server's date-time also takes lower case and any character before the fraction; we do not.
const dateTime = /^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]\d{2}:\d{2})$/u

function isDateTime(value: string): boolean {
  if (!dateTime.test(value)) return false
  const day = value.slice(0, 10)
  const time = Date.parse(`${day}T00:00:00Z`)
  // The 31st of February may roll over to March; a real day comes back as it was.
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day)
}

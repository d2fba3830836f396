/** One problem with one field, worded as apimachinery's field.Error words it. */
import { isList, isObject, type Json } from '../json.ts'

/** What is wrong with a field. */
export type FieldError = {
  readonly type: keyof typeof words
  readonly field: string
  readonly value?: Json
  readonly detail?: string
}

// apimachinery pkg/util/validation/field/errors.go: the machine word (a cause's reason) and the human one.
const words = {
  FieldValueRequired: 'Required value',
  FieldValueInvalid: 'Invalid value',
  FieldValueTypeInvalid: 'Invalid value',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueForbidden: 'Forbidden',
  FieldValueNotFound: 'Not found',
  FieldValueTooLong: 'Too long',
  FieldValueTooMany: 'Too many',
  FieldValueTooFew: 'Too few',
} as const

/** How Go prints a path that is none. */
export const nowhere = '<nil>'

const withoutValue: ReadonlySet<string> = new Set([
  'FieldValueRequired',
  'FieldValueForbidden',
  'FieldValueTooLong',
])

/** `Invalid value: "x": must be ...`: the sentence without the field. */
export function bodyOf(error: FieldError): string {
  const head =
    withoutValue.has(error.type) || error.value === undefined
      ? words[error.type]
      : `${words[error.type]}: ${quoted(error.value)}`
  return error.detail ? `${head}: ${error.detail}` : head
}

/** `spec.stage: Unsupported value: "x": supported values: "A", "B"`. */
export function sentenceOf(error: FieldError): string {
  return `${error.field}: ${bodyOf(error)}`
}

/** A value as Go prints it in such a sentence: text quoted, plain numbers, JSON for the rest. */
export function quoted(value: Json): string {
  if (isList(value) || isObject(value) || value === null) return JSON.stringify(value)
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

/** A problem with a value that must be one of a few. */
export function unsupported(field: string, value: Json, allowed: readonly string[]): FieldError {
  const list = allowed.map((one) => JSON.stringify(one)).join(', ')
  return { type: 'FieldValueNotSupported', field, value, detail: `supported values: ${list}` }
}

/** A value that is missing. */
export const required = (field: string, detail = ''): FieldError => ({
  type: 'FieldValueRequired',
  field,
  detail,
})
/** A value that is wrong. */
export const wrong = (field: string, value: Json, detail: string): FieldError => ({
  type: 'FieldValueInvalid',
  field,
  value,
  detail,
})
/** A value that may not be given. */
export const forbiddenField = (field: string, detail: string): FieldError => ({
  type: 'FieldValueForbidden',
  field,
  detail,
})

/** Texts and numbers against their limits. */
import { nowhere, wrong, type FieldError } from '../errors/field.ts'
import { own, textAt, type Json } from '../json.ts'
import { hasFormat } from './formats.ts'
import type { Schema } from './node.ts'
import { matches } from './pattern.ts'

/** The problems of a text; lengths count code points. */
export function validateText(schema: Schema, value: string, path: string): readonly FieldError[] {
  const errors = [...lengthProblems(schema, value, path)]
  const pattern = textAt(schema, 'pattern')
  const format = textAt(schema, 'format')
  if (pattern !== '' && !matches(pattern, value)) {
    errors.push(wrong(path, value, `${path} in body should match '${pattern}'`))
  }
  if (format !== '' && !hasFormat(format, value))
    errors.push(notOfType(path, value, { type: format, shown: value }))
  return errors
}

function lengthProblems(schema: Schema, value: string, path: string): readonly FieldError[] {
  const [min, max] = [own(schema, 'minLength'), own(schema, 'maxLength')]
  const errors: FieldError[] = []
  const length = Array.from(value).length
  if (typeof max === 'number' && length > max) {
    errors.push({
      type: 'FieldValueTooLong',
      field: path,
      value,
      detail: `may not be more than ${max} ${max === 1 ? 'byte' : 'bytes'}`,
    })
  }
  if (typeof min === 'number' && length < min) {
    errors.push(wrong(path, value, `${path} in body should be at least ${min} chars long`))
  }
  return errors
}

function notOfType(
  field: string,
  value: Json,
  { type, shown }: { readonly type: string; readonly shown: string },
): FieldError {
  const detail = `${field} in body must be of type ${type}: ${JSON.stringify(shown)}`
  return { type: 'FieldValueTypeInvalid', field, value, detail }
}

const ranges: Readonly<Record<string, number>> = { int32: 2 ** 31, int64: 2 ** 63 }

/** Why a number is no integer of its format; kube-openapi finds out beside the path, whence the odd field. */
export function integerProblems(schema: Schema, value: number, path: string): readonly FieldError[] {
  const format = textAt(schema, 'format')
  const most = ranges[format] ?? 2 ** 63
  if (Number.isInteger(value) && value >= -most && value < most) return []
  const shown = format === '' ? '(default format)' : `with format ${format}`
  return [wrong(nowhere, '', `Checked value must be of type integer ${shown} in ${path}`)]
}

/** The problems of a number. */
export function validateNumber(schema: Schema, value: number, path: string): readonly FieldError[] {
  const { multipleOf } = schema
  const factor =
    typeof multipleOf === 'number' && !Number.isInteger(value / multipleOf)
      ? `should be a multiple of ${multipleOf}`
      : undefined
  const details = [upperProblem(schema, value), lowerProblem(schema, value), factor]
  const errors = details.flatMap((detail) =>
    detail === undefined ? [] : [wrong(path, value, `${path} in body ${detail}`)],
  )
  return textAt(schema, 'type') === 'integer' ? [...errors, ...integerProblems(schema, value, path)] : errors
}

function upperProblem({ maximum, exclusiveMaximum }: Schema, value: number): string | undefined {
  if (typeof maximum !== 'number') return undefined
  if (exclusiveMaximum === true && value >= maximum) return `should be less than ${maximum}`
  return value > maximum ? `should be less than or equal to ${maximum}` : undefined
}

function lowerProblem({ minimum, exclusiveMinimum }: Schema, value: number): string | undefined {
  if (typeof minimum !== 'number') return undefined
  if (exclusiveMinimum === true && value <= minimum) return `should be greater than ${minimum}`
  return value < minimum ? `should be greater than or equal to ${minimum}` : undefined
}

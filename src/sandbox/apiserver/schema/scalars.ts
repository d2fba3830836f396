/** Texts and numbers against their limits. */
import { wrong, type FieldError } from '../errors/field.ts'
import { own, textAt } from '../json.ts'
import { hasFormat } from './formats.ts'
import type { Schema } from './node.ts'
import { matches } from './pattern.ts'

/** The problems of a text; lengths count code points. */
export function validateText(schema: Schema, value: string, path: string): readonly FieldError[] {
  const errors: FieldError[] = []
  const min = own(schema, 'minLength')
  const max = own(schema, 'maxLength')
  const pattern = textAt(schema, 'pattern')
  const format = textAt(schema, 'format')
  const length = typeof min === 'number' || typeof max === 'number' ? [...value].length : 0
  if (typeof max === 'number' && length > max) {
    errors.push({ type: 'FieldValueTooLong', field: path, value, detail: `may not be more than ${max} ${max === 1 ? 'byte' : 'bytes'}` })
  }
  if (typeof min === 'number' && length < min) {
    errors.push(wrong(path, value, `${path} in body should be at least ${min} chars long`))
  }
  if (pattern !== '' && !matches(pattern, value)) {
    errors.push(wrong(path, value, `${path} in body should match '${pattern}'`))
  }
  if (format !== '' && !hasFormat(format, value)) {
    const detail = `${path} in body must be of type ${format}: ${JSON.stringify(value)}`
    errors.push({ type: 'FieldValueTypeInvalid', field: path, value, detail })
  }
  return errors
}

const int32 = { least: -(2 ** 31), most: 2 ** 31 - 1 }

/** The problems of a number. */
export function validateNumber(schema: Schema, value: number, path: string): readonly FieldError[] {
  const errors: FieldError[] = []
  const say = (detail: string): void => {
    errors.push(wrong(path, value, `${path} in body ${detail}`))
  }
  const { minimum: least, maximum: most, multipleOf, exclusiveMinimum, exclusiveMaximum } = schema
  if (typeof most === 'number') {
    if (exclusiveMaximum === true && value >= most) say(`should be less than ${most}`)
    else if (value > most) say(`should be less than or equal to ${most}`)
  }
  if (typeof least === 'number') {
    if (exclusiveMinimum === true && value <= least) say(`should be greater than ${least}`)
    else if (value < least) say(`should be greater than or equal to ${least}`)
  }
  if (typeof multipleOf === 'number' && !Number.isInteger(value / multipleOf)) {
    say(`should be a multiple of ${multipleOf}`)
  }
  if (textAt(schema, 'format') === 'int32' && (value < int32.least || value > int32.most)) {
    const detail = `${path} in body must be of type int32: ${JSON.stringify(String(value))}`
    errors.push({ type: 'FieldValueTypeInvalid', field: path, value, detail })
  }
  return errors
}

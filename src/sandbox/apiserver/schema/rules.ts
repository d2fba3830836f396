/** x-kubernetes-validations: CEL over `self`, and over `oldSelf` where there is one to compare with. */
import { Optional } from '@marcbachmann/cel-js'
import { evaluate, mentions } from '../cel/evaluate.ts'
import { typedCelValue } from '../cel/value.ts'
import { nowhere, required, type FieldError } from '../errors/field.ts'
import { isList, isObject, listAt, own, same, textAt, type Json, type JsonObject } from '../json.ts'
import { childOf } from './shape.ts'
import { fieldPath, itemPath } from './path.ts'
import { counterparts, type Place } from './validate.ts'

/** The rules of a value and of all within it that do not hold. */
export function validateRules(place: Place): readonly FieldError[] {
  const { node, value, old, path } = place
  if (value === null) return []
  const errors = listAt(node.schema, 'x-kubernetes-validations').flatMap((rule) =>
    isObject(rule) ? broken(place, rule) : [],
  )
  if (isList(value)) {
    const { inner } = node
    if (inner === undefined) return errors
    const earlier = isList(old) ? counterparts(node, old) : () => undefined
    return [
      ...errors,
      ...value.flatMap((one, index) =>
        validateRules({ node: inner, value: one, old: earlier(one), path: itemPath(path, index) }),
      ),
    ]
  }
  if (!isObject(value)) return errors
  for (const [key, one] of Object.entries(value)) {
    const child = childOf(node, key)
    if (child === undefined || child.sort === 'any') continue
    const before = isObject(old) ? own(old, key) : undefined
    errors.push(...validateRules({ node: child, value: one, old: before, path: fieldPath(path, key) }))
  }
  return errors
}

function broken(place: Place, rule: JsonObject): readonly FieldError[] {
  const { node, value, path } = place
  const expression = textAt(rule, 'rule')
  const optional = own(rule, 'optionalOldSelf') === true
  if (!isAsked(place, { transition: mentions(expression, 'oldSelf'), optional })) return []
  const variables = { self: typedCelValue(node, value), oldSelf: oldSelf(place, optional) }
  const result = evaluate(expression, variables)
  if ('error' in result) {
    const why = `${result.error} evaluating rule: ${ruleName(rule)}`
    return [invalidRule(path || nowhere, node.schema['type'] ?? '', why)]
  }
  return result.value === true ? [] : [failure(place, rule, messageOf(rule, variables))]
}

// Ratcheting: what stays as it was is not judged anew.
function isAsked(
  { value, old }: Place,
  { transition, optional }: { readonly transition: boolean; readonly optional: boolean },
): boolean {
  if (transition) return old !== undefined || optional
  return old === undefined || !same(old, value)
}

function oldSelf({ node, old }: Place, optional: boolean): unknown {
  const typed = old === undefined ? undefined : typedCelValue(node, old)
  if (!optional) return typed ?? null
  return typed === undefined ? Optional.none() : Optional.of(typed)
}

const ruleName = (rule: JsonObject): string => textAt(rule, 'message') || textAt(rule, 'rule').trim()

function messageOf(rule: JsonObject, variables: Readonly<Record<string, unknown>>): string {
  const computed = textAt(rule, 'messageExpression')
  if (computed !== '') {
    const result = evaluate(computed, variables)
    if (
      'value' in result &&
      typeof result.value === 'string' &&
      result.value.trim() !== '' &&
      !result.value.includes('\n')
    ) {
      return result.value.trim()
    }
  }
  return textAt(rule, 'message').trim() || `failed rule: ${ruleName(rule)}`
}

function invalidRule(field: string, value: Json, detail: string): FieldError {
  return { type: 'FieldValueInvalid', field, value, detail }
}

function failure({ node, value, path }: Place, rule: JsonObject, detail: string): FieldError {
  const field = `${path}${textAt(rule, 'fieldPath')}`.replace(/^\./, '') || nowhere
  const whole = node.sort === 'object' || node.sort === 'map' || node.sort === 'list'
  const shown = whole ? {} : { value }
  switch (textAt(rule, 'reason')) {
    case 'FieldValueForbidden':
      return { type: 'FieldValueForbidden', field, detail }
    case 'FieldValueRequired':
      return required(field, detail)
    case 'FieldValueDuplicate':
      return { type: 'FieldValueDuplicate', field, ...shown }
    default:
      return { type: 'FieldValueInvalid', field, ...shown, detail }
  }
}

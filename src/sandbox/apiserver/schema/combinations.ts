/** allOf, anyOf, oneOf and not. */
import { nowhere, wrong, type FieldError } from '../errors/field.ts'
import { isObject, listAt, own, type Json } from '../json.ts'
import { nodes } from './definitions.ts'
import type { Node } from './node.ts'
import type { Place } from './validate.ts'

const words = ['allOf', 'anyOf', 'oneOf', 'not'] as const

/** Whether a schema has any of them. */
export function hasCombinations(node: Node): boolean {
  return node.sort !== 'int-or-string' && words.some((word) => Object.hasOwn(node.schema, word))
}

/** The problems of a value with the schemas beside its own. `validate` is handed in, because each calls the other. */
export function validateCombinations(
  place: Place,
  validate: (place: Place) => readonly FieldError[],
): readonly FieldError[] {
  const { node, value, path } = place
  const errorsOf = (schema: Json): readonly FieldError[] =>
    isObject(schema) ? validate({ ...place, node: nodes.of(schema), old: undefined }) : []
  const name = JSON.stringify(path)
  const errors = listAt(node.schema, 'allOf').flatMap(errorsOf)
  const any = listAt(node.schema, 'anyOf')
  const one = listAt(node.schema, 'oneOf')
  const not = own(node.schema, 'not')
  if (any.length > 0 && !any.some((schema) => errorsOf(schema).length === 0)) {
    errors.push(wrong(nowhere, '', `${name} must validate at least one schema (anyOf)`))
  }
  const valid = one.filter((schema) => errorsOf(schema).length === 0).length
  if (one.length > 0 && valid !== 1) {
    const found = valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`
    errors.push(wrong(nowhere, '', `${name} must validate one and only one schema (oneOf). ${found}`))
  }
  if (isObject(not) && errorsOf(not).length === 0 && value !== undefined) {
    errors.push(wrong(nowhere, '', `${name} must not validate the schema (not)`))
  }
  return errors
}

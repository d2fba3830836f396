/** Values against the structural schema of a CRD; the words are kube-openapi's (pkg/validation/errors). */
import { required, unsupported, wrong, type FieldError } from '../errors/field.ts'
import { isList, isObject, listAt, own, same, textsAt, type Json, type JsonObject } from '../json.ts'
import { hasCombinations, validateCombinations } from './combinations.ts'
import { validateListTopology } from './list-topology.ts'
import type { Node } from './node.ts'
import { fieldPath, itemPath } from './path.ts'
import { integerProblems, validateNumber, validateText } from './scalars.ts'
import { childOf } from './shape.ts'

/** A value in its place, with what was there before the update, if anything. */
export type Place = {
  readonly node: Node
  readonly value: Json
  readonly old: Json | undefined
  readonly path: string
}

/** Every problem of a value. What an update leaves as it was is not held against it (CRD validation ratcheting). */
export function validate(place: Place): readonly FieldError[] {
  const { node, value, old, path } = place
  if (old !== undefined && same(value, old)) return []
  if (value === null)
    return node.nullable || node.sort === 'any' ? [] : [typeError(path, 'null', node), ...validateEnum(place)]
  if (!fits(node, value)) return misfit(place)
  const errors = [...validateEnum(place), ...validateContent(place, value)]
  return hasCombinations(node) ? [...errors, ...validateCombinations(place, validate)] : errors
}

function misfit(place: Place): readonly FieldError[] {
  const { node, value, path } = place
  const errors = [typeError(path, typeNameOf(value), node), ...validateEnum(place)]
  const isFraction = node.sort === 'integer' && typeof value === 'number'
  return isFraction ? [...errors, ...integerProblems(node.schema, value, path)] : errors
}

function validateContent(place: Place, value: Json): readonly FieldError[] {
  const { node, path } = place
  if (typeof value === 'string') return validateText(node.schema, value, path)
  if (typeof value === 'number') return validateNumber(node.schema, value, path)
  if (isList(value)) return validateList(place, value)
  return isObject(value) ? validateObject(place, value) : []
}

function typeError(path: string, actual: string, node: Node): FieldError {
  const want = wantedType(node)
  const name = path === '' ? '' : `${path} in body `
  return {
    type: 'FieldValueTypeInvalid',
    field: path,
    value: actual,
    detail: `${name}must be of type ${want}: ${JSON.stringify(actual)}`,
  }
}

function wantedType(node: Node): string {
  if (node.sort === 'map') return 'object'
  if (node.sort === 'list') return 'array'
  return node.sort === 'int-or-string' ? 'integer,string' : node.sort
}

function typeNameOf(value: Json): string {
  if (isList(value)) return 'array'
  if (isObject(value)) return 'object'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

const fitting: Readonly<Record<string, readonly string[]>> = {
  object: ['object'],
  map: ['object'],
  list: ['array'],
  string: ['string'],
  integer: ['integer'],
  number: ['integer', 'number'],
  boolean: ['boolean'],
  'int-or-string': ['integer', 'string'],
}

function fits(node: Node, value: Json): boolean {
  return node.sort === 'any' || fitting[node.sort]?.includes(typeNameOf(value)) === true
}

function validateEnum({ node, value, path }: Place): readonly FieldError[] {
  const allowed = listAt(node.schema, 'enum')
  if (allowed.length === 0 || allowed.some((one) => same(one, value))) return []
  return [
    unsupported(
      path,
      value,
      allowed.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))),
    ),
  ]
}

function validateList({ node, old, path }: Place, value: readonly Json[]): readonly FieldError[] {
  const errors: FieldError[] = []
  const min = own(node.schema, 'minItems')
  const max = own(node.schema, 'maxItems')
  if (typeof min === 'number' && value.length < min) {
    errors.push(wrong(path, value.length, `${path} in body should have at least ${min} items`))
  }
  if (typeof max === 'number' && value.length > max) errors.push(tooMany(path, value.length, max))
  errors.push(...validateListTopology(node, value, path))
  const { inner } = node
  if (inner === undefined) return errors
  const earlier = isList(old) ? counterparts(node, old) : () => undefined
  return [
    ...errors,
    ...value.flatMap((one, index) =>
      validate({ node: inner, value: one, old: earlier(one), path: itemPath(path, index) }),
    ),
  ]
}

/** Only items of a map list have an identity by which the former one is found. */
export function counterparts(node: Node, old: readonly Json[]): (item: Json) => Json | undefined {
  if (node.listType !== 'map') return () => undefined
  const keyOf = (item: Json): string =>
    isObject(item) ? JSON.stringify(node.listKeys.map((key) => own(item, key) ?? null)) : ''
  const known = new Map(old.map((item) => [keyOf(item), item]))
  return (item) => known.get(keyOf(item))
}

function tooMany(path: string, actual: number, max: number): FieldError {
  const items = max === 1 ? 'item' : 'items'
  return {
    type: 'FieldValueTooMany',
    field: path,
    value: actual,
    detail: `must have at most ${max} ${items}`,
  }
}

function validateObject({ node, old, path }: Place, value: JsonObject): readonly FieldError[] {
  const errors: FieldError[] = []
  const count = Object.keys(value).length
  const min = own(node.schema, 'minProperties')
  const max = own(node.schema, 'maxProperties')
  if (typeof min === 'number' && count < min) {
    errors.push(wrong(path, count, `${path} in body should have at least ${min} properties`))
  }
  if (typeof max === 'number' && count > max) errors.push(tooMany(path, count, max))
  for (const name of textsAt(node.schema, 'required')) {
    if (!Object.hasOwn(value, name)) errors.push(required(fieldPath(path, name)))
  }
  for (const [key, one] of Object.entries(value)) {
    const child = childOf(node, key)
    if (child === undefined) continue
    const before = isObject(old) ? own(old, key) : undefined
    errors.push(...validate({ node: child, value: one, old: before, path: fieldPath(path, key) }))
  }
  return errors
}

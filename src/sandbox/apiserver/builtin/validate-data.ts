/** ConfigMaps and Secrets (kubernetes pkg/apis/core/validation). */
import { forbiddenField, required, wrong, type FieldError } from '../errors/field.ts'
import { objectAt, own, same, textAt, textMapAt, type JsonObject } from '../json.ts'

// core.MaxSecretSize, for both kinds.
const largestData = 1024 * 1024

const dataKey = /^[-._a-zA-Z0-9]+$/
const dataKeyText =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"

/** The problems of a ConfigMap. */
export function configMapProblems(object: JsonObject, before: JsonObject | undefined): readonly FieldError[] {
  const binary = objectAt(object, 'binaryData')
  const data = Object.keys(objectAt(object, 'data')).flatMap((key) => [
    ...keyProblems('data', key),
    ...(Object.hasOwn(binary, key)
      ? [wrong(`data[${key}]`, key, 'duplicate of key present in binaryData')]
      : []),
  ])
  const size = plainBytes(object) + encodedBytes(binary)
  return [
    ...data,
    ...Object.keys(binary).flatMap((key) => keyProblems('binaryData', key)),
    ...(size > largestData ? [tooLong('')] : []),
    ...changeProblems(object, before, ['data', 'binaryData']),
  ]
}

/** The problems of a Secret. */
export function secretProblems(object: JsonObject, before: JsonObject | undefined): readonly FieldError[] {
  const data = objectAt(object, 'data')
  const type = textAt(object, 'type')
  const former = before === undefined ? type : textAt(before, 'type')
  return [
    ...Object.keys(data).flatMap((key) => keyProblems('data', key)),
    ...(encodedBytes(data) > largestData ? [tooLong('data')] : []),
    ...changeProblems(object, before, ['data']),
    ...(type === former ? [] : [wrong('type', type, 'field is immutable')]),
    ...(needed[type] ?? []).filter((key) => !Object.hasOwn(data, key)).map((key) => required(`data[${key}]`)),
  ]
}

const needed: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
}

function keyProblems(field: string, key: string): readonly FieldError[] {
  const at = `${field}[${key}]`
  if (!dataKey.test(key)) return [wrong(at, key, dataKeyText)]
  return key === '.' || key === '..' ? [wrong(at, key, `must not be '${key}'`)] : []
}

const tooLong = (field: string): FieldError => ({
  type: 'FieldValueTooLong',
  field,
  detail: `may not be more than ${largestData} bytes`,
})

const plainBytes = (object: JsonObject): number =>
  Object.values(textMapAt(object, 'data')).reduce((sum, text) => sum + Buffer.byteLength(text), 0)

const encodedBytes = (data: JsonObject): number =>
  Object.values(data).reduce<number>(
    (sum, text) => sum + (typeof text === 'string' ? Buffer.byteLength(text, 'base64') : 0),
    0,
  )

function changeProblems(
  object: JsonObject,
  before: JsonObject | undefined,
  fields: readonly string[],
): readonly FieldError[] {
  if (before === undefined || own(before, 'immutable') !== true) return []
  const changed = fields.filter((field) => !same(objectAt(object, field), objectAt(before, field)))
  const thawed = own(object, 'immutable') === true ? [] : ['immutable']
  return [...thawed, ...changed].map((field) =>
    forbiddenField(field, 'field is immutable when `immutable` is set'),
  )
}

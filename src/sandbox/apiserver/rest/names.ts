/** Names and labels, with the words of apimachinery's validation. */
import { wrong, type FieldError } from '../errors/field.ts'
import type { JsonObject } from '../json.ts'
import type { Resource } from '../resources/resource.ts'

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const keyWord = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/
const labelWord = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/

const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an " +
  "alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const labelText =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric " +
  "character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const valueText =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an " +
  "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
const keyText =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
  "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
const keyWholeText = `a valid label key ${keyText} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`

// Kinds whose names may hold any path segment, and kinds whose names are labels.
const pathNamed = new Set(['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding'])
const labelNamed = new Set(['Namespace', 'Service'])

/** What is wrong with the name of an object. */
export function nameProblems(resource: Resource, name: string): readonly string[] {
  if (!resource.custom && pathNamed.has(resource.kind)) return pathNameProblems(name)
  if (!resource.custom && labelNamed.has(resource.kind)) return labelNameProblems(name)
  return [...tooLong(name, 253), ...(subdomain.test(name) ? [] : [subdomainText])]
}

const tooLong = (name: string, most: number): readonly string[] =>
  name.length > most ? [`must be no more than ${most} characters`] : []

function pathNameProblems(name: string): readonly string[] {
  if (name === '.' || name === '..') return [`may not be '${name}'`]
  return ['/', '%'].filter((one) => name.includes(one)).map((one) => `may not contain '${one}'`)
}

function labelNameProblems(name: string): readonly string[] {
  if (dnsLabel.test(name)) return tooLong(name, 63)
  return [...tooLong(name, 63), subdomain.test(name) ? 'must not contain dots' : labelText]
}

/** What is wrong with the key of a label or annotation, or with a finalizer. */
export function qualifiedProblems(key: string): readonly string[] {
  const parts = key.split('/')
  if (parts.length > 2) return [keyWholeText]
  const [prefix, name = ''] = parts.length === 2 ? parts : [undefined, key]
  return [
    ...(prefix === undefined ? [] : prefixProblems(prefix)),
    ...(name === '' ? ['name part must be non-empty'] : []),
    ...(name.length > 63 ? ['name part must be no more than 63 bytes'] : []),
    ...(keyWord.test(name) ? [] : [`name part ${keyText}`]),
  ]
}

function prefixProblems(prefix: string): readonly string[] {
  if (prefix === '') return ['prefix part must be non-empty']
  return [...tooLong(prefix, 253), ...(subdomain.test(prefix) ? [] : [subdomainText])].map(
    (one) => `prefix part ${one}`,
  )
}

/** What is wrong with the value of a label. */
export function labelValueProblems(value: string): readonly string[] {
  return [
    ...(value.length > 63 ? ['must be no more than 63 bytes'] : []),
    ...(labelWord.test(value) ? [] : [valueText]),
  ]
}

/** What is wrong with labels. */
export function labelProblems(field: string, labels: JsonObject): readonly FieldError[] {
  return Object.entries(labels).flatMap(([key, value]) => {
    const text = typeof value === 'string' ? value : ''
    return [
      ...qualifiedProblems(key).map((problem) => wrong(field, key, problem)),
      ...labelValueProblems(text).map((problem) => wrong(field, text, problem)),
    ]
  })
}

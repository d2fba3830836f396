/** Names and labels, with the words of apimachinery's validation. */
import { wrong, type FieldError } from '../errors/field.ts'
import type { JsonObject } from '../json.ts'
import type { Resource } from '../resources/resource.ts'

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
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
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
  "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

// Kinds whose names may hold any path segment, and kinds whose names are labels.
const pathNamed = new Set(['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding'])
const labelNamed = new Set(['Namespace', 'Service'])

/** What is wrong with the name of an object. */
export function nameProblem(resource: Resource, name: string): string | undefined {
  if (!resource.custom && pathNamed.has(resource.kind)) {
    if (name === '.' || name === '..') return `may not be '${name}'`
    const bad = ['/', '%'].find((one) => name.includes(one))
    return bad === undefined ? undefined : `may not contain '${bad}'`
  }
  if (!resource.custom && labelNamed.has(resource.kind)) return labelNameProblem(name)
  if (name.length > 253) return 'must be no more than 253 bytes'
  return subdomain.test(name) ? undefined : subdomainText
}

function labelNameProblem(name: string): string | undefined {
  if (name.length > 63) return 'must be no more than 63 bytes'
  return dnsLabel.test(name) ? undefined : labelText
}

/** What is wrong with labels. */
export function labelProblems(field: string, labels: JsonObject): readonly FieldError[] {
  return Object.entries(labels).flatMap(([key, value]) => {
    const text = typeof value === 'string' ? value : ''
    const errors: FieldError[] = []
    const [prefix, ...rest] = key.split('/')
    const name = rest.length === 0 ? (prefix ?? '') : rest.join('/')
    if (name === '' || name.length > 63 || !labelWord.test(name)) errors.push(wrong(field, key, keyText))
    if (text.length > 63) errors.push(wrong(field, text, 'must be no more than 63 bytes'))
    else if (!labelWord.test(text)) errors.push(wrong(field, text, valueText))
    return errors
  })
}

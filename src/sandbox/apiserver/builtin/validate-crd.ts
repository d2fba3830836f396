/** CustomResourceDefinitions (apiextensions-apiserver pkg/apis/apiextensions/validation). */
import { compileError } from '../cel/evaluate.ts'
import { required, unsupported, wrong, type FieldError } from '../errors/field.ts'
import { at, isObject, listAt, objectAt, own, textAt, type Json, type JsonObject } from '../json.ts'
import { patternOf } from '../schema/pattern.ts'

/** The problems of a CRD. */
export function crdProblems(object: JsonObject, before: JsonObject | undefined): readonly FieldError[] {
  const errors: FieldError[] = []
  const [group, plural, kind] = [
    textAt(object, 'spec', 'group'),
    textAt(object, 'spec', 'names', 'plural'),
    textAt(object, 'spec', 'names', 'kind'),
  ]
  const name = textAt(object, 'metadata', 'name')
  if (group === '') errors.push(required('spec.group'))
  if (plural === '') errors.push(required('spec.names.plural'))
  if (kind === '') errors.push(required('spec.names.kind'))
  if (name !== `${plural}.${group}`) {
    errors.push(wrong('metadata.name', name, `must be spec.names.plural+"."+spec.group`))
  }
  const scope = textAt(object, 'spec', 'scope')
  if (!['Namespaced', 'Cluster'].includes(scope)) {
    errors.push(
      scope === '' ? required('spec.scope') : unsupported('spec.scope', scope, ['Cluster', 'Namespaced']),
    )
  }
  if (before !== undefined && textAt(before, 'spec', 'names', 'kind') !== kind)
    errors.push(wrong('spec.names.kind', kind, 'field is immutable'))
  return [...errors, ...versionsProblems(listAt(object, 'spec', 'versions'))]
}

function versionsProblems(versions: readonly Json[]): readonly FieldError[] {
  const errors: FieldError[] = []
  if (versions.length === 0) errors.push(required('spec.versions', 'must have at least one version'))
  const storage = versions.filter((one) => at(one, 'storage') === true).length
  if (storage !== 1)
    errors.push(
      wrong(
        'spec.versions',
        versions.map((one) => textAt(one, 'name')),
        'must have exactly one version marked as storage version',
      ),
    )
  versions.forEach((version, index) => {
    const field = `spec.versions[${index}]`
    if (!/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(textAt(version, 'name')))
      errors.push(
        wrong(
          `${field}.name`,
          textAt(version, 'name'),
          "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
        ),
      )
    const schema = at(version, 'schema', 'openAPIV3Schema')
    if (!isObject(schema)) errors.push(required(`${field}.schema.openAPIV3Schema`, 'schemas are required'))
    else errors.push(...schemaProblems(schema, `${field}.schema.openAPIV3Schema`, true))
  })
  return errors
}

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string']

/** Whether a schema is structural, and its patterns and rules compile. */
function schemaProblems(schema: JsonObject, field: string, root: boolean): readonly FieldError[] {
  const errors = [...typeProblems(schema, field, root)]
  if (own(schema, '$ref') !== undefined)
    errors.push({ type: 'FieldValueForbidden', field: `${field}.$ref`, detail: '$ref is not supported' })
  const pattern = textAt(schema, 'pattern')
  if (pattern !== '' && patternOf(pattern) === undefined) {
    errors.push(
      wrong(
        `${field}.pattern`,
        pattern,
        `must be a valid regular expression, but isn't: error parsing regexp: \`${pattern}\``,
      ),
    )
  }
  return [
    ...errors,
    ...listProblems(schema, field),
    ...ruleProblems(schema, field),
    ...innerProblems(schema, field),
  ]
}

function typeProblems(schema: JsonObject, field: string, root: boolean): readonly FieldError[] {
  const errors: FieldError[] = []
  const type = textAt(schema, 'type')
  const free =
    own(schema, 'x-kubernetes-int-or-string') === true ||
    own(schema, 'x-kubernetes-preserve-unknown-fields') === true
  if (type === '' && (root || !free))
    errors.push(required(`${field}.type`, 'must not be empty for specified object fields'))
  if (type !== '' && !types.includes(type)) errors.push(unsupported(`${field}.type`, type, types))
  if (root && type !== '' && type !== 'object')
    errors.push(wrong(`${field}.type`, type, 'must be object at the root'))
  return errors
}

function listProblems(schema: JsonObject, field: string): readonly FieldError[] {
  const listType = textAt(schema, 'x-kubernetes-list-type')
  const keys = listAt(schema, 'x-kubernetes-list-map-keys')
  if (listType === 'map' && keys.length === 0)
    return [
      required(`${field}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map'),
    ]
  if (listType !== '' && !['atomic', 'set', 'map'].includes(listType)) {
    return [unsupported(`${field}.x-kubernetes-list-type`, listType, ['atomic', 'map', 'set'])]
  }
  return []
}

function ruleProblems(schema: JsonObject, field: string): readonly FieldError[] {
  return listAt(schema, 'x-kubernetes-validations').flatMap((rule, index) => {
    const expression = textAt(rule, 'rule')
    const place = `${field}.x-kubernetes-validations[${index}].rule`
    if (expression.trim() === '') return [required(place, 'rule is not specified')]
    const problem = compileError(expression)
    return problem === undefined ? [] : [wrong(place, expression, `compilation failed: ${problem}`)]
  })
}

function innerProblems(schema: JsonObject, field: string): readonly FieldError[] {
  const properties = Object.entries(objectAt(schema, 'properties')).flatMap(([name, one]) =>
    isObject(one) && !(name === 'metadata' && field.endsWith('openAPIV3Schema'))
      ? schemaProblems(one, `${field}.properties[${name}]`, false)
      : [],
  )
  const items = own(schema, 'items')
  const more = own(schema, 'additionalProperties')
  return [
    ...properties,
    ...(isObject(items) ? schemaProblems(items, `${field}.items`, false) : []),
    ...(isObject(more) ? schemaProblems(more, `${field}.additionalProperties`, false) : []),
    ...(textAt(schema, 'type') === 'array' && items === undefined
      ? [required(`${field}.items`, 'must be specified')]
      : []),
  ]
}

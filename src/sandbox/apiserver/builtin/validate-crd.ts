/** CustomResourceDefinitions (apiextensions-apiserver pkg/apis/apiextensions/validation). */
import { required, unsupported, wrong, type FieldError } from '../errors/field.ts'
import { at, isObject, listAt, same, textAt, type Json, type JsonObject } from '../json.ts'
import { rootProblems } from './validate-schema.ts'

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
    if (!isObject(at(version, 'schema', 'openAPIV3Schema')))
      errors.push(required(`${field}.schema.openAPIV3Schema`, 'schemas are required'))
  })
  return [...errors, ...schemasProblems(versions)]
}

// Where all versions have one schema, it is that of the whole kind, and problems are told once.
function schemasProblems(versions: readonly Json[]): readonly FieldError[] {
  const schemas = versions.map((version) => at(version, 'schema', 'openAPIV3Schema'))
  const [first] = schemas
  if (isObject(first) && schemas.every((one) => same(one, first)))
    return rootProblems(first, 'spec.validation.openAPIV3Schema')
  return schemas.flatMap((schema, index) =>
    isObject(schema) ? rootProblems(schema, `spec.versions[${index}].schema.openAPIV3Schema`) : [],
  )
}

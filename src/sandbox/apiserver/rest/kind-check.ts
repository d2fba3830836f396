/** Whether a body is of the kind that its path is for; built-in kinds and custom ones say it differently. */
import { wrong, type FieldError } from '../errors/field.ts'
import { badRequest, type ApiError } from '../errors/status.ts'
import { isObject, jsonType, own, textAt, type Json, type JsonObject } from '../json.ts'
import { builtinDefinition } from '../resources/definition-names.ts'
import { groupVersion, type Resource } from '../resources/resource.ts'
import { nodeOfDefinition } from '../schema/definitions.ts'

const typeMeta =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'

/** The body with its kind and apiVersion filled in; throws 400 and 422. */
export function ofKind(resource: Resource, value: Json): JsonObject {
  if (!isObject(value)) {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${resource.kind}): couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonType(value)} into Go value of type ${typeMeta}`,
    )
  }
  const problem = resource.custom ? customProblem(resource, value) : builtinProblem(resource, value)
  if (problem !== undefined) throw problem
  const metadata = own(value, 'metadata') ?? {}
  // Another custom kind is found out only when it is validated (kindProblem).
  const kind = resource.custom ? textAt(value, 'kind') : resource.kind
  return { ...value, apiVersion: groupVersion(resource), kind, metadata }
}

const mismatch = (version: string, wanted: string): ApiError =>
  badRequest(`the API version in the data (${version}) does not match the expected API version (${wanted})`)

// apiextensions-apiserver decodes what it does not know, hence needs to be told kind and version.
function customProblem(resource: Resource, value: JsonObject): ApiError | undefined {
  const [version, kind] = [textAt(value, 'apiVersion'), textAt(value, 'kind')]
  if (kind === '') {
    const text = JSON.stringify(value)
    const shown = text.length > 30 ? `${text.slice(0, 30)} ...` : text
    return badRequest(
      `the object provided is unrecognized (must be of type ${resource.kind}): Object 'Kind' is missing in '${text.slice(0, 500)}' (${shown})`,
    )
  }
  return version === groupVersion(resource) ? undefined : mismatch(version, groupVersion(resource))
}

/** What is wrong with the kind of a custom object; nothing else of its own is looked at then. */
export function kindProblem(resource: Resource, object: JsonObject): FieldError | undefined {
  const kind = textAt(object, 'kind')
  return kind === resource.kind ? undefined : wrong('kind', kind, `must be ${resource.kind}`)
}

// The name of the scheme is the place in the source where the real server makes it.
const scheme = 'in scheme "pkg/runtime/scheme.go:111"'

function builtinProblem(resource: Resource, value: JsonObject): ApiError | undefined {
  const wanted = groupVersion(resource)
  const version = textAt(value, 'apiVersion') || wanted
  const kind = textAt(value, 'kind') || resource.kind
  if (version === wanted && kind === resource.kind) return undefined
  const known = nodeOfDefinition(builtinDefinition(version, kind)) !== undefined
  if (known && kind === resource.kind) return mismatch(version, wanted)
  const short = version.slice(version.indexOf('/') + 1)
  const why = known
    ? `converting (${short}.${kind}) to (${packageOf(resource.group)}.${resource.kind}): unknown conversion`
    : `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(version)} ${scheme}`
  return badRequest(
    `${kind} in version ${JSON.stringify(short)} cannot be handled as a ${resource.kind}: ${why}`,
  )
}

const packageOf = (group: string): string => (group === '' ? 'core' : (group.split('.')[0] ?? ''))

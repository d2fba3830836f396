/** PATCH: JSON patch, merge patch, strategic merge patch, and server-side apply. */
import { stamp } from '../clock.ts'
import { wrong } from '../errors/field.ts'
import {
  ApiError,
  badRequest,
  conflict,
  invalid,
  notFound,
  unsupportedMediaType,
  unsupportedPatchType,
} from '../errors/status.ts'
import { applied } from '../fields/apply.ts'
import { typedProblems } from '../fields/typed-problems.ts'
import { at, isObject, jsonType, setAt, textAt, type Json, type JsonObject } from '../json.ts'
import { conversionProblem } from '../patch/from-unstructured.ts'
import { goText } from '../patch/go-text.ts'
import { jsonPatch, undecodable } from '../patch/json-patch.ts'
import { mergePatch } from '../patch/merge-patch.ts'
import { strategicMergePatch } from '../patch/strategic.ts'
import { groupVersion, nameOfResource, type Resource } from '../resources/resource.ts'
import { keyOf } from '../storage/store.ts'
import type { World } from '../world.ts'
import { mediaType, parseJson, parseYaml } from './body.ts'
import { createObject, inNamespace } from './create.ts'
import { decode, DecodeFailed, type Decoding } from './decode.ts'
import { viewOf } from './list.ts'
import { json, type Answer, type Request } from './request.ts'
import { showObject } from './table.ts'
import { changeObject } from './update.ts'
import { writeOptions, type WriteOptions } from './write-options.ts'

const applyType = 'application/apply-patch+yaml'
const patchTypes = ['application/json-patch+json', 'application/merge-patch+json']

/** Answers a PATCH. */
export async function patch(world: World, request: Request, resource: Resource): Promise<Answer> {
  const view = viewOf(world, request)
  const type = mediaType(request.contentType)
  checkPatchType(resource, type)
  const options = writeOptions(request, type === applyType ? 'apply' : 'patch')
  if (type === applyType) {
    const { object, created } = await apply(world, request, { resource, options })
    return json(showObject(resource, object, view), created ? 201 : 200)
  }
  const patcher = patcherOf(resource, type, request.body)
  const { namespace, name, subresource } = request.info
  const how = { options, warn: request.warn }
  const desired = (current: JsonObject): JsonObject => {
    const wanted = decodePatched(resource, patcher(current), how)
    const named = textAt(wanted, 'metadata', 'name')
    if (named !== name)
      throw badRequest(`the name of the object (${named}) does not match the name on the URL (${name})`)
    return wanted
  }
  const object = await changeObject(world, request, {
    resource,
    namespace,
    name,
    subresource,
    options,
    desired,
  })
  return json(showObject(resource, object, view))
}

/** What a patch makes of an object, and what of it is shown if its kind cannot take that. */
type Patched = {
  readonly value: Json
  readonly shown: string
  /** It was made of a map, without JSON in between. */
  readonly unstructured?: true
}
type Patcher = (current: JsonObject) => Patched

const whole = (value: Json): Patched => ({ value, shown: JSON.stringify(value) })

function decodePatched(
  resource: Resource,
  { value, shown, unstructured }: Patched,
  how: Decoding,
): JsonObject {
  const refused = (why: string): ApiError =>
    invalid({ group: '', kind: '' }, '', [
      wrong('patch', shown, unstructured === true ? converted(why) : why),
    ])
  const problem = unstructured === true ? conversionProblem(resource.node, value) : undefined
  if (problem !== undefined) throw refused(problem)
  try {
    return decode(resource, value, how)
  } catch (error) {
    throw error instanceof DecodeFailed ? refused(error.why) : error
  }
}

const strategic = 'application/strategic-merge-patch+json'

function patcherOf(resource: Resource, type: string, sent: Buffer): Patcher {
  if (type === patchTypes[0]) {
    const operations = patchBody(sent)
    const problem = undecodable(operations, {
      list: '[]handlers.jsonPatchOp',
      operation: 'handlers.jsonPatchOp',
    })
    if (problem !== undefined) throw badRequest(`error decoding patch: ${problem}`)
    return (current) => whole(jsonPatch(current, operations))
  }
  if (type === patchTypes[1]) {
    const body = objectPatch(sent)
    return (current) => whole(mergePatch(current, body))
  }
  const body = objectPatch(sent)
  return (current) => ({
    value: strategicMergePatch(resource.node, current, body),
    shown: goText(body),
    unstructured: true,
  })
}

function checkPatchType({ custom }: Resource, type: string): void {
  if ([...patchTypes, applyType].includes(type) || (type === strategic && !custom)) return
  throw custom ? unsupportedMediaType([...patchTypes, applyType]) : unsupportedPatchType()
}

// Without JSON in between only bytes are decoded from it (apimachinery pkg/runtime/converter.go).
const converted = (why: string): string =>
  why.startsWith('illegal base64') ? `error decoding from json: ${why}` : why

const patchBody = (sent: Buffer): Json => parseJson(sent, 'error decoding patch')

function objectPatch(sent: Buffer): JsonObject {
  const body = patchBody(sent)
  if (isObject(body)) return body
  throw badRequest(
    `error decoding patch: json: cannot unmarshal ${jsonType(body)} into Go value of type map[string]interface {}`,
  )
}

type Applying = { readonly resource: Resource; readonly options: WriteOptions }

async function apply(
  world: World,
  request: Request,
  { resource, options }: Applying,
): Promise<{ object: JsonObject; created: boolean }> {
  const { namespace, name, subresource } = request.info
  const parsed = await parseYaml(request.body)
  const key = keyOf(resource.namespaced ? namespace : '', name)
  const isThere = world.store.get(resource.storage, key) !== undefined
  if (!isThere && subresource !== '') throw notFound(nameOfResource(resource), name)
  const config = configOf(resource, parsed, request)
  const how: Decoding = { options, warn: request.warn, keepsNull: true }
  const writer = {
    manager: options.manager,
    apiVersion: groupVersion(resource),
    subresource,
    time: stamp(world.clock.now()),
  }
  if (!isThere) {
    const uid = textAt(config, 'metadata', 'uid')
    if (uid !== '') {
      const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`
      throw conflict(nameOfResource(resource), name, why)
    }
    const fresh = applied(resource, { live: undefined, config, force: options.force }, writer)
    const object = await createObject(world, request, {
      resource,
      object: decodeApplied(resource, { object: fresh, config: parsed }, how),
      options,
      applied: true,
    })
    return { object, created: true }
  }
  const desired = (live: JsonObject): JsonObject =>
    decodeApplied(
      resource,
      { object: applied(resource, { live, config, force: options.force }, writer), config: parsed },
      how,
    )
  const object = await changeObject(world, request, {
    resource,
    namespace,
    name,
    subresource,
    options,
    desired,
    applied: true,
  })
  return { object, created: false }
}

function configOf(resource: Resource, parsed: Json, { info }: Request): JsonObject {
  const { name, namespace } = info
  if (!isObject(parsed)) throw badRequest('the body of an apply must be an object')
  checkType(resource, parsed)
  if (Array.isArray(at(parsed, 'metadata', 'managedFields')))
    throw badRequest('metadata.managedFields must be nil')
  const problems = typedProblems(resource.node, parsed, { twins: 'refused' })
  if (problems.length > 0) throw untyped(resource, parsed, problems)
  const named = textAt(parsed, 'metadata', 'name')
  if (named !== '' && named !== name)
    throw badRequest(`the name of the object (${named}) does not match the name on the URL (${name})`)
  return inNamespace(resource, setAt(parsed, ['metadata', 'name'], name), namespace)
}

function checkType(resource: Resource, parsed: JsonObject): void {
  const [version, kind] = [textAt(parsed, 'apiVersion'), textAt(parsed, 'kind')]
  if (version === '' || kind === '' || (!resource.custom && kind !== resource.kind))
    throw badRequest(`invalid object type: ${version.includes('/') ? version : `/${version}`}, Kind=${kind}`)
}

// Only what comes of it is decoded: defaults are not what the manager said, they must not become its fields.
function decodeApplied(
  resource: Resource,
  { object, config }: { readonly object: JsonObject; readonly config: Json },
  how: Decoding,
): JsonObject {
  const problem = resource.custom ? undefined : conversionProblem(resource.node, object)
  if (problem !== undefined) throw unconverted(resource, config, problem)
  try {
    return decode(resource, object, how)
  } catch (error) {
    throw error instanceof DecodeFailed && !resource.custom
      ? unconverted(resource, config, converted(error.why))
      : error
  }
}

const typeOf = (resource: Resource): string => {
  const version = groupVersion(resource)
  return `${version.includes('/') ? version : `/${version}`}, Kind=${resource.kind}`
}
const placeOf = (parsed: Json): string =>
  `${textAt(parsed, 'metadata', 'namespace')}/${textAt(parsed, 'metadata', 'name')}`

function unconverted(resource: Resource, parsed: Json, why: string): ApiError {
  const type = typeOf(resource)
  const message = `failed to convert new object (${placeOf(parsed)}; ${type}) to proper version: unable to convert unstructured object to ${type}: ${why}`
  return new ApiError({ code: 500, reason: '', message })
}

// structured-merge-diff knows only what the schema declares; unlike other writes, an apply is refused for the rest.
function untyped(resource: Resource, parsed: JsonObject, problems: readonly string[]): ApiError {
  const why = problems.length === 1 ? (problems[0] ?? '') : `errors:\n  ${problems.join('\n  ')}`
  const message = `failed to create typed patch object (${placeOf(parsed)}; ${typeOf(resource)}): ${why}`
  return new ApiError({ code: 500, reason: '', message })
}

/** PATCH: JSON patch, merge patch, strategic merge patch, and server-side apply. */
import { stamp } from '../clock.ts'
import { badRequest, unsupportedMediaType } from '../errors/status.ts'
import { applied } from '../fields/apply.ts'
import { at, isObject, setAt, textAt, type Json, type JsonObject } from '../json.ts'
import { jsonPatch } from '../patch/json-patch.ts'
import { mergePatch } from '../patch/merge-patch.ts'
import { strategicMergePatch } from '../patch/strategic.ts'
import { groupVersion, type Resource } from '../resources/resource.ts'
import { keyOf } from '../storage/store.ts'
import type { World } from '../world.ts'
import { decode, mediaType, parseJson, parseYaml } from './body.ts'
import { createObject, inNamespace } from './create.ts'
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
  const options = writeOptions(request, 'PatchOptions')
  if (type === applyType) {
    const { object, created } = await apply(world, request, { resource, options })
    return json(showObject(resource, object, view), created ? 201 : 200)
  }
  const patched = patcher(resource, type, parseJson(request.body))
  const { namespace, name, subresource } = request.info
  const desired = (current: JsonObject): JsonObject => {
    const wanted = decode(resource, patched(current), { options, warn: request.warn })
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

function patcher(resource: Resource, type: string, body: Json): (current: JsonObject) => Json {
  if (type === patchTypes[0]) return (current) => jsonPatch(current, body)
  if (!isObject(body)) throw badRequest('the patch must be a JSON object')
  if (type === patchTypes[1]) return (current) => mergePatch(current, body)
  if (type === 'application/strategic-merge-patch+json' && !resource.custom) {
    return (current) => strategicMergePatch(resource.node, current, body)
  }
  const spoken = [
    ...patchTypes,
    ...(resource.custom ? [] : ['application/strategic-merge-patch+json']),
    applyType,
  ]
  throw unsupportedMediaType(spoken)
}

type Applying = { readonly resource: Resource; readonly options: WriteOptions }

async function apply(
  world: World,
  request: Request,
  { resource, options }: Applying,
): Promise<{ object: JsonObject; created: boolean }> {
  const { namespace, name, subresource } = request.info
  const config = configOf(resource, await parseYaml(request.body), { request, options })
  const writer = {
    manager: options.manager,
    apiVersion: groupVersion(resource),
    subresource,
    time: stamp(world.clock.now()),
  }
  const key = keyOf(resource.namespaced ? namespace : '', name)
  if (world.store.get(resource.storage, key) === undefined && subresource === '') {
    const fresh = applied(resource.node, { live: undefined, config, force: options.force }, writer)
    const object = await createObject(world, request, {
      resource,
      object: decode(resource, fresh, { options, warn: request.warn }),
      options,
      applied: true,
    })
    return { object, created: true }
  }
  const desired = (live: JsonObject): JsonObject =>
    decode(resource, applied(resource.node, { live, config, force: options.force }, writer), {
      options,
      warn: request.warn,
    })
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

function configOf(
  resource: Resource,
  parsed: Json,
  { request, options }: { readonly request: Request; readonly options: WriteOptions },
): JsonObject {
  const { name, namespace } = request.info
  if (!isObject(parsed)) throw badRequest('the body of an apply must be an object')
  if ((request.query.get('fieldManager') ?? '') === '') {
    throw badRequest(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    )
  }
  if (textAt(parsed, 'apiVersion') === '' || textAt(parsed, 'kind') === '') {
    throw badRequest(`invalid object type: /, Kind=`)
  }
  if (Array.isArray(at(parsed, 'metadata', 'managedFields')))
    throw badRequest('metadata.managedFields must be nil')
  const known = decodeUndefaulted(resource, parsed, { request, options })
  const named = textAt(known, 'metadata', 'name')
  if (named !== '' && named !== name)
    throw badRequest(`the name of the object (${named}) does not match the name on the URL (${name})`)
  return inNamespace(resource, setAt(known, ['metadata', 'name'], name), namespace)
}

// Defaults are not what the manager said: they must not become its fields. So only the type is checked here, and unknown fields reported later.
function decodeUndefaulted(
  resource: Resource,
  parsed: JsonObject,
  how: { readonly request: Request; readonly options: WriteOptions },
): JsonObject {
  decode(resource, parsed, { options: how.options, warn: () => {} })
  return parsed
}

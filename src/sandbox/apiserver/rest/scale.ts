/** The scale subresource: the number of replicas, wherever a kind keeps it. */
import { autoscaleObject } from './scale-object.ts'
import { wrong } from '../errors/field.ts'
import { badRequest, conflict, invalid, methodNotAllowed } from '../errors/status.ts'
import { at, setAt, textAt, type Json, type JsonObject } from '../json.ts'
import { jsonPatch } from '../patch/json-patch.ts'
import { mergePatch } from '../patch/merge-patch.ts'
import type { Resource } from '../resources/resource.ts'
import type { World } from '../world.ts'
import { mediaType, parseBody, parseJson } from './body.ts'
import { getObject } from './list.ts'
import { json, type Answer, type Request } from './request.ts'
import { changeObject } from './update.ts'
import { writeOptions } from './write-options.ts'

/** Answers GET, PUT and PATCH of a scale. */
export async function scale(world: World, request: Request, resource: Resource): Promise<Answer> {
  const { info } = request
  if (info.verb === 'get') return json(autoscaleObject(resource, getObject(world, resource, info)))
  if (info.verb !== 'update' && info.verb !== 'patch') throw methodNotAllowed()
  const body =
    info.verb === 'update' ? await parseBody(request.body, request.contentType) : parseJson(request.body)
  const options = writeOptions(request, info.verb === 'update' ? 'update' : 'patch')
  const desired = (current: JsonObject): JsonObject => {
    const wanted = info.verb === 'update' ? body : patched(request, autoscaleObject(resource, current), body)
    return withReplicas(resource, current, wanted)
  }
  // To the object it is a change of its spec; what admission sees is that change.
  const { namespace, name } = info
  const object = await changeObject(world, request, {
    resource,
    namespace,
    name,
    subresource: '',
    options,
    desired,
  })
  return json(autoscaleObject(resource, object))
}

function patched(request: Request, current: JsonObject, body: Json): Json {
  return mediaType(request.contentType) === 'application/json-patch+json'
    ? jsonPatch(current, body)
    : mergePatch(current, body)
}

function withReplicas(resource: Resource, current: JsonObject, wanted: Json): JsonObject {
  const replicas = at(wanted, 'spec', 'replicas') ?? 0
  if (!Number.isInteger(replicas))
    throw badRequest(`spec.replicas must be a whole number, got ${JSON.stringify(replicas)}`)
  const name = textAt(current, 'metadata', 'name')
  if (Number(replicas) < 0)
    throw invalid({ group: 'autoscaling', kind: 'Scale' }, name, [
      wrong('spec.replicas', replicas, 'must be greater than or equal to 0'),
    ])
  checkUid(resource, current, textAt(wanted, 'metadata', 'uid'))
  const version = at(wanted, 'metadata', 'resourceVersion')
  const scaled = setAt(current, (resource.scale?.spec ?? '').split('.').filter(Boolean), replicas)
  return typeof version === 'string' && version !== ''
    ? setAt(scaled, ['metadata', 'resourceVersion'], version)
    : scaled
}

function checkUid(resource: Resource, current: JsonObject, uid: string): void {
  const is = textAt(current, 'metadata', 'uid')
  if (uid === '' || uid === is) return
  const of = { group: resource.group, resource: `${resource.plural}/scale` }
  const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${is}`
  throw conflict(of, textAt(current, 'metadata', 'name'), why)
}

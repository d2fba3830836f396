/** PUT of a namespace's finalize: its spec.finalizers, which nothing else may change. */
import { at, listAt, setAt, type JsonObject } from '../json.ts'
import type { Resource } from '../resources/resource.ts'
import type { World } from '../world.ts'
import { parseBody } from './body.ts'
import { json, type Answer, type Request } from './request.ts'
import { changeObject } from './update.ts'
import { writeOptions } from './write-options.ts'

/** Answers it. */
export async function finalize(world: World, request: Request, resource: Resource): Promise<Answer> {
  const body = await parseBody(request.body, request.contentType)
  const finalizers = listAt(body, 'spec', 'finalizers')
  const version = at(body, 'metadata', 'resourceVersion')
  const options = writeOptions(request, 'update')
  const desired = (current: JsonObject): JsonObject => {
    const freed = setAt(current, ['spec'], finalizers.length === 0 ? {} : { finalizers })
    return version === undefined ? freed : setAt(freed, ['metadata', 'resourceVersion'], version)
  }
  const { namespace, name } = request.info
  return json(
    await changeObject(world, request, { resource, namespace, name, subresource: '', options, desired }),
  )
}

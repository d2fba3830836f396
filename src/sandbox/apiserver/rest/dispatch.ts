/** From a request to the one function that answers it. */
import { answerReview } from '../authz/reviews.ts'
import { discovery } from '../discovery/discovery.ts'
import { methodNotAllowed, noSuchPath } from '../errors/status.ts'
import { openapi } from '../openapi/v3.ts'
import type { Resource } from '../resources/resource.ts'
import { watch } from '../watch/watch.ts'
import type { World } from '../world.ts'
import { issueToken } from '../authn/issue-token.ts'
import { create } from './create.ts'
import { remove, removeCollection } from './delete.ts'
import { finalize } from './finalize.ts'
import { get, list } from './list.ts'
import { patch } from './patch.ts'
import { json, type Answer, type Request } from './request.ts'
import { scale } from './scale.ts'
import { update } from './update.ts'

type Handler = (world: World, request: Request, resource: Resource) => Answer | Promise<Answer>

const verbs: Readonly<Record<string, Handler>> = {
  get,
  list,
  watch,
  create,
  update,
  patch,
  delete: remove,
  deletecollection: removeCollection,
}
const statusVerbs: Readonly<Record<string, Handler>> = { get, update, patch }

const version = {
  major: '1',
  minor: '36',
  emulationMajor: '1',
  emulationMinor: '36',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '35',
  gitVersion: 'v1.36.3',
  gitCommit: 'sandbox',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'none',
  platform: 'linux/amd64',
}

/** Answers a request that was let in. */
export function dispatch(world: World, request: Request): Answer | Promise<Answer> {
  const { info } = request
  if (info.resource === '') return plainPath(world, request)
  const resource = world.catalog.find(info.group, info.version, info.resource)
  if (resource === undefined) return unserved(world, request)
  // Of resources there is no HEAD.
  if (request.method === 'HEAD') throw methodNotAllowed()
  if (resource.namespaced && info.namespace === '' && info.name !== '') throw noSuchPath()
  if (info.subresource !== '') return subresource(world, request, resource)
  return handlerOf(request, resource)(world, request, resource)
}

// Under a group that is served the answer is a Status, elsewhere text.
function unserved({ catalog }: World, { info }: Request): Answer {
  if (info.path.startsWith('/api/') || catalog.groups().has(info.group)) throw noSuchPath()
  return notFoundText
}

function handlerOf({ info }: Request, resource: Resource): Handler {
  // Reviews can be created only, and are answered instead of stored.
  if (resource.verbs.length === 1 && info.verb === 'create') return answerReview
  const handler = resource.verbs.some((verb) => verb === info.verb) ? verbs[info.verb] : undefined
  if (handler === undefined || (info.verb === 'create' && info.name !== '')) throw methodNotAllowed()
  return handler
}

function subresource(world: World, request: Request, resource: Resource): Answer | Promise<Answer> {
  const { subresource: name, verb } = request.info
  if (name === 'status' && resource.status) {
    const handler = statusVerbs[verb]
    if (handler === undefined) throw methodNotAllowed()
    return handler(world, request, resource)
  }
  if (name === 'scale' && resource.scale !== undefined) return scale(world, request, resource)
  const handler = resource.custom
    ? undefined
    : special[`${verb} ${resource.group}/${resource.plural}/${name}`]
  if (handler === undefined) throw noSuchPath()
  return handler(world, request, resource)
}

const special: Readonly<Record<string, Handler>> = {
  'update /namespaces/finalize': finalize,
  'create /serviceaccounts/token': issueToken,
}

const plain = 'text/plain; charset=utf-8'
const notFoundText: Answer = { as: 'text', code: 404, text: '404 page not found\n', contentType: plain }
const paths = ['/api', '/apis', '/livez', '/openapi/v3', '/readyz', '/version']

function plainPath(world: World, request: Request): Answer {
  const path = request.info.path.replace(/(?<=.)\/$/, '')
  if (request.method !== 'GET' && request.method !== 'HEAD') return notFoundText
  if (path === '/version') return json(version)
  if (/^\/(readyz|livez|healthz)(\/[\w-]+)?$/.test(path))
    return { as: 'text', code: 200, text: 'ok', contentType: plain }
  if (path === '/') return json({ paths })
  const found = path.startsWith('/openapi/v3')
    ? openapi(world.catalog, path)
    : discovery(world.catalog, path, request)
  if (found === undefined && path.startsWith('/api/')) throw noSuchPath()
  return found ?? notFoundText
}

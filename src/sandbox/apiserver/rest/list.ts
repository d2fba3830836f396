/** get and list: what is there, consistent over pages. */
import { ApiError, badRequest, expired, notFound } from '../errors/status.ts'
import type { JsonObject } from '../json.ts'
import { nameOfResource, type Resource } from '../resources/resource.ts'
import { asOf } from '../storage/past.ts'
import { keyOf, type Store } from '../storage/store.ts'
import type { World } from '../world.ts'
import { checkReadVersion, listOptions, type ListOptions } from './list-options.ts'
import { negotiate } from './negotiate.ts'
import { json, type Answer, type Request } from './request.ts'
import { showList, showObject, type View } from './table.ts'

/** How this request wants its answer. */
export function viewOf(world: World, request: Request): View {
  return {
    wanted: negotiate(request.accept),
    includeObject: request.query.get('includeObject') ?? 'Metadata',
    now: world.clock.now(),
  }
}

/** One object; throws 404. */
export function getObject(
  world: World,
  resource: Resource,
  key: { readonly namespace: string; readonly name: string },
): JsonObject {
  const stored = world.store.get(resource.storage, keyOf(resource.namespaced ? key.namespace : '', key.name))
  if (stored === undefined) throw notFound(nameOfResource(resource), key.name)
  return resource.shown(stored)
}

/** GET of one object. */
export function get(world: World, request: Request, resource: Resource): Answer {
  const view = viewOf(world, request)
  checkReadVersion(request.query)
  return json(showObject(resource, getObject(world, resource, request.info), view))
}

/** GET of a collection. */
export function list(world: World, request: Request, resource: Resource): Answer {
  const view = viewOf(world, request)
  const options = listOptions(request.query, resource, false)
  const page = pageOf(world.store, {
    resource,
    namespace: resource.namespaced ? request.info.namespace : '',
    options,
  })
  return json(showList(resource, page, view))
}

type What = { readonly resource: Resource; readonly namespace: string; readonly options: ListOptions }
type Page = { readonly items: readonly JsonObject[]; readonly metadata: JsonObject }

/** The objects of one page. */
export function pageOf(store: Store, { resource, namespace, options }: What): Page {
  const start = startOf(store, resource, options)
  const past = asOf(store, resource.storage, start.revision)
  if (past === undefined) throw tooOld(store, start, options)
  const prefix = namespace === '' ? '' : `${namespace}\0`
  const items: JsonObject[] = []
  const limit = limitOf(options)
  let [remaining, last] = [0, '']
  for (const key of past.keys) {
    const stored = key.startsWith(prefix) && key >= start.from ? past.get(key) : undefined
    if (stored === undefined || !options.selects(stored)) continue
    if (items.length < limit) {
      items.push(resource.shown(stored))
      last = key
    } else remaining += 1
  }
  return { items, metadata: listMetadata({ start, last, remaining, selective: options.selective }) }
}

// What the cache has at once is told at once (storage/cacher).
function limitOf({ limit, resourceVersion, continueToken }: ListOptions): number {
  const cached = resourceVersion === '0' && continueToken === ''
  return limit === 0 || cached ? Number.POSITIVE_INFINITY : limit
}

type Start = { readonly revision: number; readonly from: string }

function listMetadata(what: {
  readonly start: Start
  readonly last: string
  readonly remaining: number
  readonly selective: boolean
}): JsonObject {
  const resourceVersion = String(what.start.revision)
  if (what.remaining <= 0) return { resourceVersion }
  const token = tokenOf({ revision: what.start.revision, from: `${what.last}\0` })
  return {
    resourceVersion,
    continue: token,
    ...(what.selective ? {} : { remainingItemCount: what.remaining }),
  }
}

function startOf(store: Store, resource: Resource, options: ListOptions): Start {
  if (options.continueToken !== '') return continued(store, options)
  const wanted = Number(options.resourceVersion)
  if (options.resourceVersion === '' || wanted === 0) return { revision: store.revision, from: '' }
  if (wanted > store.revision) throw tooLargeVersion(options.resourceVersion, store.revision)
  // Without a match, a limit with a version means exactly that version.
  const exact = options.match === 'Exact' || (options.match === '' && options.limit > 0)
  if (exact && wanted < store.knownAfter(resource.storage)) {
    throw expired('The resourceVersion for the provided list is too old.')
  }
  return { revision: exact ? wanted : store.revision, from: '' }
}

function continued(store: Store, { continueToken, resourceVersion }: ListOptions): Start {
  if (resourceVersion !== '' && resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue')
  }
  const start = parseToken(continueToken)
  return start.revision < 0 ? { revision: store.revision, from: start.from } : start
}

/** 504: a version that does not exist yet. */
export function tooLargeVersion(wanted: string, current: number): ApiError {
  return new ApiError({
    code: 504,
    reason: 'Timeout',
    message: `Timeout: Too large resource version: ${wanted}, current: ${current}`,
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
    headers: { 'retry-after': '1' },
  })
}

const tooOldToken =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
  'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
  'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted ' +
  'between the time the first chunk was returned and now may show up in the list.'

function tooOld(store: Store, start: Start, options: ListOptions): ApiError {
  if (options.continueToken === '') return expired('The resourceVersion for the provided list is too old.')
  const token = tokenOf({ revision: -1, from: start.from })
  return new ApiError({
    code: 410,
    reason: 'Expired',
    message: tooOldToken,
    metadata: { resourceVersion: String(store.revision), continue: token },
  })
}

function tokenOf({ revision, from }: Start): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start: from })).toString('base64url')
}

function parseToken(token: string): Start {
  try {
    // From a client: only a whole number and a text are taken out of it.
    const parsed: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'))
    if (typeof parsed === 'object' && parsed !== null && 'rv' in parsed && 'start' in parsed) {
      const { rv, start } = parsed
      if (Number.isSafeInteger(rv) && typeof rv === 'number' && typeof start === 'string')
        return { revision: rv, from: start }
    }
  } catch {
    // Not a token of ours: the same answer as for one with wrong content.
  }
  throw badRequest('invalid continue token: continue key is not valid: it is none that was given out here')
}

/** What a path means (apiserver pkg/endpoints/request/requestinfo.go). */
import type { Attributes } from '../authz/attributes.ts'

/** A path taken apart. `resource` is empty for requests that are not about resources. */
export type RequestInfo = {
  readonly path: string
  readonly verb: string
  readonly group: string
  readonly version: string
  readonly namespace: string
  readonly resource: string
  readonly subresource: string
  readonly name: string
  /** The one object that a field selector of a list or watch names: RBAC judges such a request by it. */
  readonly selected: string
}

const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}
const namespaceSubresources = new Set(['status', 'finalize'])

const nowhere = {
  group: '',
  version: '',
  namespace: '',
  resource: '',
  subresource: '',
  name: '',
  selected: '',
} as const

/** Takes a path apart. A percent-encoding that is none makes a path that nothing answers. */
export function requestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const blank = { ...nowhere, path, verb: method.toLowerCase() }
  const [root, ...parts] = segments(path)
  if (root !== 'api' && root !== 'apis') return blank
  const [group = '', version = '', ...rest] = root === 'api' ? ['', ...parts] : parts
  const isOld = isOldWatch(method, rest)
  const place = placeOf(isOld ? rest.slice(1) : rest)
  if (place === undefined) return blank
  const verb = isOld ? 'watch' : verbOf(method, place.name, query)
  const selected = place.name === '' ? selectedBy(query) : ''
  return { path, verb, group, version, ...place, selected }
}

// The old way to watch: /watch/ after the version; it alone watches one object by its path.
const isOldWatch = (method: string, [first, second]: readonly string[]): boolean =>
  first === 'watch' && second !== undefined && verbs[method] === 'get'

const selectedBy = (query: URLSearchParams): string =>
  /^metadata\.name==?([^,=!\\/]+)$/.exec(query.get('fieldSelector') ?? '')?.[1] ?? ''

type Place = Pick<RequestInfo, 'namespace' | 'resource' | 'subresource' | 'name'>

function placeOf(rest: readonly string[]): Place | undefined {
  if (rest.length === 0) return undefined
  const [first, second = '', third = ''] = rest
  const isInside =
    first === 'namespaces' && rest.length > 2 && !(rest.length === 3 && namespaceSubresources.has(third))
  const inner = isInside ? rest.slice(2) : rest
  if (inner.length > 3) return undefined
  return named(first === 'namespaces' ? second : '', inner)
}

function named(namespace: string, [resource = '', name = '', subresource = '']: readonly string[]): Place {
  return { namespace, resource, name, subresource }
}

function segments(path: string): readonly string[] {
  try {
    return path.split('/').filter(Boolean).map(decodeURIComponent)
  } catch {
    return []
  }
}

function verbOf(method: string, name: string, query: URLSearchParams): string {
  const verb = verbs[method] ?? ''
  if (verb === 'delete') return name === '' ? 'deletecollection' : 'delete'
  if (verb !== 'get' || name !== '') return verb
  return isTrue(query.get('watch')) ? 'watch' : 'list'
}

/** Whether a query parameter says yes. */
export function isTrue(value: string | null): boolean {
  return value !== null && !['0', 'false', 'f', 'F', 'False', 'FALSE', ''].includes(value)
}

/** The request as authorizers see it. */
export function attributesOf(info: RequestInfo): Attributes {
  const { verb, group, version, resource, subresource, namespace } = info
  const name = info.name || info.selected
  return {
    verb,
    group,
    version,
    resource,
    subresource,
    namespace,
    name,
    path: resource === '' ? info.path : '',
  }
}

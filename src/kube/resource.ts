/** One kind of resource: typed get, list, create, replace, patch, apply and delete. */
import type { Call, KubeClient, Query } from './client.ts'
import { isKubeError, KubeError } from './errors.ts'
import { listAll } from './list-all.ts'
import type { Listed, ListOptions } from './list-all.ts'

/** Which resource. */
export type ResourceOf<T> = {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  readonly plural: string
  /** Absent: cluster-scoped, or, for `list`, of all namespaces. */
  readonly namespace?: string | undefined
  /** Checks and types what the API server gives; without it the caller's type is believed. */
  readonly parse?: (raw: unknown) => T
}

/** What every call may be given. */
export type CallOptions = { readonly signal?: AbortSignal; readonly timeoutMs?: number }
/** What every write may be given. */
export type WriteOptions = CallOptions & {
  readonly dryRun?: boolean
  readonly fieldManager?: string
  /** Told what the API server warns of. */
  readonly onWarnings?: Call['onWarnings']
}
/** What a patch may be given. */
export type PatchOptions = WriteOptions & { readonly subresource?: string }
/** What server-side apply must be given. */
export type ApplyOptions = PatchOptions & { readonly fieldManager: string; readonly force?: boolean }
/** What a deletion may be given. */
export type DeleteOptions = CallOptions & {
  readonly dryRun?: boolean
  readonly uid?: string
  readonly resourceVersion?: string
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
  readonly gracePeriodSeconds?: number
}
/** The calls for one kind of resource. */
export type Resource<T> = {
  readonly get: (name: string, options?: CallOptions) => Promise<T>
  /** Undefined if there is none of that name. */
  readonly find: (name: string, options?: CallOptions) => Promise<T | undefined>
  readonly list: (options?: ListOptions) => Promise<Listed<T>>
  readonly create: (object: unknown, options?: WriteOptions) => Promise<T>
  readonly replace: (name: string, object: unknown, options?: WriteOptions) => Promise<T>
  readonly replaceStatus: (name: string, object: unknown, options?: WriteOptions) => Promise<T>
  readonly mergePatch: (name: string, patch: unknown, options?: PatchOptions) => Promise<T>
  readonly jsonPatch: (name: string, operations: readonly unknown[], options?: PatchOptions) => Promise<T>
  readonly apply: (name: string, object: unknown, options: ApplyOptions) => Promise<T>
  /** Resolves with what the API server gives: the object while finalizers hold it, or a Status. */
  readonly delete: (name: string, options?: DeleteOptions) => Promise<unknown>
}

/** The path of a collection. */
export function collectionPath(
  of: Pick<ResourceOf<unknown>, 'group' | 'version' | 'plural' | 'namespace'>,
): string {
  const api = of.group === '' ? `/api/${of.version}` : `/apis/${of.group}/${of.version}`
  return of.namespace === undefined
    ? `${api}/${of.plural}`
    : `${api}/namespaces/${segment(of.namespace)}/${of.plural}`
}

/** The path of one object, or of a part of it. */
export function objectPath(
  of: Pick<ResourceOf<unknown>, 'group' | 'version' | 'plural' | 'namespace'>,
  name: string,
  subresource?: string,
): string {
  const object = `${collectionPath(of)}/${segment(name)}`
  return subresource === undefined ? object : `${object}/${segment(subresource)}`
}

/** A name as one segment of a path. An empty one would turn a get into a list and a delete into a delete of all. */
function segment(name: string): string {
  // apimachinery/pkg/api/validation/path/name.go: IsValidPathSegmentName.
  if (name !== '' && name !== '.' && name !== '..' && !/[/%]/.test(name)) return encodeURIComponent(name)
  throw new KubeError(
    'INVALID',
    `a name must be one segment of a path, got ${JSON.stringify(name.slice(0, 100))}`,
    { sent: false },
  )
}

/** The calls for one kind of resource, by one client. */
export function resource<T>(client: KubeClient, of: ResourceOf<T>): Resource<T> {
  const collection = collectionPath(of)
  // Without a parser the caller's type is a promise about the API server, which checks what it stores.
  const parse = of.parse ?? ((raw: unknown) => raw as T)
  const call = async (one: Call) => parse(await client.request<unknown>(one))
  const at = (name: string, subresource?: string) => objectPath(of, name, subresource)
  const get: Resource<T>['get'] = async (name, options) =>
    call({ method: 'GET', path: at(name), ...timing(options) })
  const put = (path: string, body: unknown, options?: WriteOptions) =>
    call({ method: 'PUT', path, body, ...written(options) })
  return {
    get,
    find: (name, options) => orUndefined(get(name, options)),
    list: (options) => listAll(client, { path: collection, parse, options: options ?? {} }),
    create: (body, options) => call({ method: 'POST', path: collection, body, ...written(options) }),
    replace: async (name, body, options) => put(at(name), body, options),
    replaceStatus: async (name, body, options) => put(at(name, 'status'), body, options),
    ...patches(call, at),
    delete: async (name, options) =>
      client.request({ method: 'DELETE', path: at(name), ...deletion(options ?? {}) }),
  }
}

type Patches<T> = Pick<Resource<T>, 'mergePatch' | 'jsonPatch' | 'apply'>

function patches<T>(
  call: (one: Call) => Promise<T>,
  at: (name: string, subresource?: string) => string,
): Patches<T> {
  const patch = (contentType: string, path: string) => ({ method: 'PATCH', path, contentType }) as const
  return {
    mergePatch: async (name, body, options) =>
      call({
        ...patch('application/merge-patch+json', at(name, options?.subresource)),
        body,
        ...written(options),
      }),
    jsonPatch: async (name, body, options) =>
      call({
        ...patch('application/json-patch+json', at(name, options?.subresource)),
        body,
        ...written(options),
      }),
    apply: async (name, body, options) => {
      // JSON is YAML; application/apply-patch+json does not exist before 1.31.
      const path = at(name, options.subresource)
      return call({
        ...patch('application/apply-patch+yaml', path),
        body,
        ...written(options, { force: options.force }),
        // Applying the same once more changes nothing.
        safe: true,
      })
    },
  }
}

function timing(options: CallOptions | undefined): Pick<Call, 'signal' | 'timeoutMs'> {
  const { signal, timeoutMs } = options ?? {}
  return { ...(signal === undefined ? {} : { signal }), ...(timeoutMs === undefined ? {} : { timeoutMs }) }
}

function written(
  options: WriteOptions = {},
  more: Query = {},
): Pick<Call, 'signal' | 'timeoutMs' | 'query' | 'safe' | 'onWarnings'> {
  const dryRun = options.dryRun === true
  return {
    ...timing(options),
    query: { ...more, dryRun: dryRun ? 'All' : undefined, fieldManager: options.fieldManager },
    ...(dryRun ? { safe: true } : {}),
    ...(options.onWarnings === undefined ? {} : { onWarnings: options.onWarnings }),
  }
}

function deletion(options: DeleteOptions): Pick<Call, 'body' | 'signal' | 'timeoutMs'> {
  const { uid, resourceVersion, propagationPolicy, gracePeriodSeconds, dryRun } = options
  return {
    ...timing(options),
    body: {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions: { uid, resourceVersion },
      propagationPolicy,
      gracePeriodSeconds,
      ...(dryRun === true ? { dryRun: ['All'] } : {}),
    },
  }
}

async function orUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (isKubeError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

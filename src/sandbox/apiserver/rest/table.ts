/** Objects as the server shows them to `kubectl get`: as a Table, or as metadata only. */
import { ApiError } from '../errors/status.ts'
import { objectAt, textAt, type Json, type JsonObject } from '../json.ts'
import type { Resource } from '../resources/resource.ts'
import type { Wanted } from './negotiate.ts'

/** How answers are shown. */
export type View = { readonly wanted: Wanted; readonly includeObject: string; readonly now: number }

/** One object as it is wanted. */
export function showObject(resource: Resource, object: JsonObject, view: View): JsonObject {
  if (view.wanted === 'table') return table(resource, { items: [object], metadata: versionOf(object), view })
  if (view.wanted === 'metadata-list') throw noList(resource)
  return view.wanted === 'metadata' ? metadataOnly(object) : object
}

// apiserver pkg/endpoints/handlers/response.go; what was asked for is done all the same.
const notOfShape = (wanted: string, what: string): ApiError =>
  new ApiError({
    code: 406,
    reason: 'NotAcceptable',
    message: `you requested ${wanted}, but the requested object ${what}`,
  })

// An unstructured object looks like a list, and only then is found to be none.
const noList = (resource: Resource): ApiError =>
  resource.custom
    ? new ApiError({ code: 500, reason: '', message: 'content is not a list' })
    : notOfShape('PartialObjectMetadataList', `is not a list (${goType(resource, resource.kind)})`)

function goType({ custom, group }: Resource, kind: string): string {
  if (custom) return `*unstructured.Unstructured${kind.endsWith('List') ? 'List' : ''}`
  return `*${group.split('.')[0] || 'core'}.${kind}`
}

function versionOf(object: JsonObject): JsonObject {
  return { resourceVersion: textAt(object, 'metadata', 'resourceVersion') }
}

/** A list as it is wanted. */
export function showList(
  resource: Resource,
  { items, metadata }: { readonly items: readonly JsonObject[]; readonly metadata: JsonObject },
  view: View,
): JsonObject {
  if (view.wanted === 'table') return table(resource, { items, metadata, view })
  if (view.wanted === 'metadata')
    throw notOfShape('PartialObjectMetadata', `is a list (${goType(resource, resource.listKind)})`)
  if (view.wanted === 'metadata-list') {
    const kind = 'PartialObjectMetadataList'
    // Go's nil: the list is made by appending.
    const shown = items.length === 0 ? null : items.map(metadataOnly)
    return { kind, apiVersion: 'meta.k8s.io/v1', metadata, items: shown }
  }
  const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`
  return {
    kind: resource.listKind,
    apiVersion,
    metadata,
    items: resource.custom ? items : items.map(untyped),
  }
}

// Lists of built-in kinds do not repeat kind and apiVersion in each item.
function untyped(object: JsonObject): JsonObject {
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = object
  return rest
}

function metadataOnly(object: JsonObject): JsonObject {
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: 'meta.k8s.io/v1',
    metadata: objectAt(object, 'metadata'),
  }
}

/** A Table; `columns: false` leaves the definitions out, as watches do after their first event. */
export function table(
  resource: Resource,
  what: {
    readonly items: readonly JsonObject[]
    readonly metadata: JsonObject
    readonly view: View
    readonly columns?: boolean
  },
): JsonObject {
  const columnDefinitions: Json = resource.columns.map(
    ({ name, type, format = '', description = '', priority }) => ({
      name,
      type,
      format,
      description,
      priority,
    }),
  )
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: what.metadata,
    columnDefinitions: what.columns === false ? null : columnDefinitions,
    rows: what.items.map((object) => row(resource, object, what.view)),
  }
}

function row(resource: Resource, object: JsonObject, view: View): JsonObject {
  const cells = resource.columns.map((column) => column.cell(object, view.now))
  if (view.includeObject === 'None') return { cells, object: null }
  return { cells, object: view.includeObject === 'Object' ? object : metadataOnly(object) }
}

/** What this server knows of one resource: its names, its schema, and where its objects are stored. */
import { set, textAt, type JsonObject } from '../json.ts'
import type { Node } from '../schema/node.ts'

/** The verbs of a resource. */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection'

/** One column of `kubectl get`. */
export type Column = {
  readonly name: string
  readonly type: string
  readonly format?: string
  readonly description?: string
  /** 0 is always shown, more only with -o wide. */
  readonly priority: number
  /** The cell of an object. */
  readonly cell: (object: JsonObject, now: number) => string | number | boolean | null
}

/** Where the scale subresource finds what it shows. */
export type ScalePaths = { readonly spec: string; readonly status: string; readonly selector: string }

/** One resource in one version. */
export type Resource = {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly singular: string
  readonly kind: string
  readonly listKind: string
  readonly namespaced: boolean
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly verbs: readonly Verb[]
  /** Under which name its objects are stored; versions of one kind share it. */
  readonly storage: string
  readonly node: Node
  /** The name of its definition in OpenAPI. */
  readonly definition: string
  /** Whether it comes from a CRD. */
  readonly custom: boolean
  readonly status: boolean
  /** A PUT must name the version that it replaces. */
  readonly needsVersion: boolean
  /** A PUT of what is not there makes it. */
  readonly putCreates: boolean
  readonly scale: ScalePaths | undefined
  readonly columns: readonly Column[]
  /** Fields beside metadata.name and metadata.namespace that field selectors may name, and their values. */
  readonly selectable: Readonly<Record<string, (object: JsonObject) => string>>
  /** From the stored form to this version's, and back. */
  readonly shown: (stored: JsonObject) => JsonObject
  readonly stored: (object: JsonObject) => JsonObject
}

/** `apps/v1`, or `v1` for the core group. */
export function groupVersion({
  group,
  version,
}: {
  readonly group: string
  readonly version: string
}): string {
  return group === '' ? version : `${group}/${version}`
}

/** How a resource is named in errors. */
export function nameOfResource(resource: Resource): { readonly group: string; readonly resource: string } {
  return { group: resource.group, resource: resource.plural }
}

/** The object with the version of the resource that it is read through. */
export function inVersion(resource: {
  readonly group: string
  readonly version: string
}): (stored: JsonObject) => JsonObject {
  const wanted = groupVersion(resource)
  return (stored) => (textAt(stored, 'apiVersion') === wanted ? stored : set(stored, 'apiVersion', wanted))
}

/** An object as it stands. */
export const asItIs = (object: JsonObject): JsonObject => object

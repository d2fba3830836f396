/** One place in a schema, whether it comes from a CRD or from the OpenAPI definitions of built-in kinds. */
import { at, isObject, listAt, objectAt, own, textAt, textsAt, type Json, type JsonObject } from '../json.ts'

/** A schema as JSON. */
export type Schema = JsonObject

/** The sort of value that a place holds. */
export type Sort =
  'object' | 'map' | 'list' | 'string' | 'integer' | 'number' | 'boolean' | 'int-or-string' | 'any'

/** A place in a schema with its references followed. */
export type Node = {
  readonly schema: Schema
  readonly sort: Sort
  /** Fields that the schema does not name are kept. */
  readonly open: boolean
  /** The value is a whole object of its own, with kind and metadata. */
  readonly embedded: boolean
  readonly nullable: boolean
  readonly field: (name: string) => Node | undefined
  readonly fieldNames: readonly string[]
  /** Of a list's items, or of a map's values. */
  readonly inner: Node | undefined
  readonly listType: 'atomic' | 'set' | 'map'
  readonly listKeys: readonly string[]
  readonly atomicMap: boolean
  /** Strategic merge patch: the key by which items are matched. */
  readonly mergeKey: string
  readonly strategies: readonly string[]
  readonly fallback: Json | undefined
  /** A struct in Go, which is there even when it is empty. */
  readonly always: boolean
  /** The definition that it refers to, as Go names the type: `v1.LeaseSpec`; '' if it refers to none. */
  readonly definition: string
}

/** Finds a definition by the name at the end of its reference. */
export type Definitions = (name: string) => Schema | undefined

const noDefinitions: Definitions = () => undefined

/** Makes nodes from schemas; each schema is looked at once, and only when it is asked for, since some contain themselves. */
export class Nodes {
  readonly #known = new WeakMap<Schema, Node>()
  readonly #definitions: Definitions

  constructor(definitions: Definitions = noDefinitions) {
    this.#definitions = definitions
  }

  /** The node of a schema. */
  of(schema: Schema): Node {
    const known = this.#known.get(schema)
    if (known !== undefined) return known
    const node = this.#make(this.#followed(schema), {
      always: isStruct(schema),
      definition: referenceOf(schema).split('.').slice(-2).join('.'),
    })
    this.#known.set(schema, node)
    return node
  }

  #followed(schema: Schema): Schema {
    const reference = referenceOf(schema)
    if (reference === '') return schema
    const target = this.#definitions(reference.slice(reference.lastIndexOf('/') + 1)) ?? {}
    const { $ref: _ref, allOf: _all, ...beside } = schema
    return { ...this.#followed(target), ...beside }
  }

  #make(schema: Schema, named: Pick<Node, 'always' | 'definition'>): Node {
    const properties = objectAt(schema, 'properties')
    const inner = isObject(own(schema, 'items'))
      ? objectAt(schema, 'items')
      : own(schema, 'additionalProperties')
    const child = (one: Schema): Node => this.of(one)
    return {
      schema,
      sort: sortOf(schema),
      open: own(schema, 'x-kubernetes-preserve-unknown-fields') === true,
      embedded: own(schema, 'x-kubernetes-embedded-resource') === true,
      nullable: own(schema, 'nullable') === true,
      field: (name) => {
        const found = own(properties, name)
        return isObject(found) ? child(found) : undefined
      },
      fieldNames: Object.keys(properties),
      get inner() {
        return isObject(inner) ? child(inner) : undefined
      },
      ...topologyOf(schema),
      fallback: own(schema, 'default'),
      ...named,
    }
  }
}

const referenceOf = (schema: Schema): string => textAt(schema, '$ref') || onlyReference(schema)

// Only the definitions of built-in kinds have references.
function isStruct(schema: Schema): boolean {
  const fallback = own(schema, 'default')
  return referenceOf(schema) !== '' && isObject(fallback) && Object.keys(fallback).length === 0
}

function onlyReference(schema: Schema): string {
  const all = listAt(schema, 'allOf')
  return all.length === 1 ? textAt(all[0], '$ref') : ''
}

function topologyOf(
  schema: Schema,
): Pick<Node, 'listType' | 'listKeys' | 'atomicMap' | 'mergeKey' | 'strategies'> {
  const listType = textAt(schema, 'x-kubernetes-list-type')
  return {
    listType: listType === 'set' || listType === 'map' ? listType : 'atomic',
    listKeys: textsAt(schema, 'x-kubernetes-list-map-keys'),
    atomicMap: textAt(schema, 'x-kubernetes-map-type') === 'atomic',
    mergeKey: textAt(schema, 'x-kubernetes-patch-merge-key'),
    strategies: textAt(schema, 'x-kubernetes-patch-strategy').split(',').filter(Boolean),
  }
}

function sortOf(schema: Schema): Sort {
  if (own(schema, 'x-kubernetes-int-or-string') === true || textAt(schema, 'format') === 'int-or-string') {
    return 'int-or-string'
  }
  const type = textAt(schema, 'type')
  if (type === 'object') return objectSort(schema)
  if (type === 'array') return 'list'
  if (type === 'string' || type === 'integer' || type === 'number' || type === 'boolean') return type
  return Object.hasOwn(schema, 'properties') ? 'object' : 'any'
}

function objectSort(schema: Schema): Sort {
  if (Object.hasOwn(schema, 'properties')) return 'object'
  const more = at(schema, 'additionalProperties')
  return more !== undefined && more !== false ? 'map' : 'object'
}

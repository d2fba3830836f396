/** The OpenAPI definitions of the built-in kinds, as a real API server of 1.36 gave them (see test/sandbox/apiserver/collect-definitions.mjs). */
import { readFileSync } from 'node:fs'
import { isObject, textAt, type Json, type JsonObject } from '../json.ts'
import { Nodes, type Node, type Schema } from './node.ts'

const prefix = 'io.k8s.apimachinery.pkg.apis.meta.v1.'

/** Where a schema names its Go type: OpenAPI does not tell a time with microseconds from one without. */
export const goType = 'x-go-type'

let loaded: ReadonlyMap<string, Schema> | undefined

/** All definitions by name; read at the first use, so that an import costs nothing. */
export function definitions(): ReadonlyMap<string, Schema> {
  loaded ??= read()
  return loaded
}

function read(): ReadonlyMap<string, Schema> {
  const text = readFileSync(new URL('definitions.ndjson', import.meta.url), 'utf8')
  const entries = text.split('\n').flatMap((line) => {
    // Our own file: one {name, schema} a line.
    const parsed: Json = line === '' ? null : (JSON.parse(line) as Json)
    return isObject(parsed)
      ? [[textAt(parsed, 'name'), opened(textAt(parsed, 'name'), parsed['schema'])] as const]
      : []
  })
  return new Map(entries)
}

// `type: object` and no more is any object in a built-in kind (RawExtension, FieldsV1), while it is an empty one in a CRD.
function opened(name: string, schema: Json | undefined): JsonObject {
  if (!isObject(schema)) return {}
  if (name === `${prefix}MicroTime`) return { ...schema, [goType]: 'MicroTime' }
  const bare =
    schema['type'] === 'object' &&
    schema['properties'] === undefined &&
    schema['additionalProperties'] === undefined
  return bare ? { ...schema, 'x-kubernetes-preserve-unknown-fields': true } : schema
}

/** The nodes over the definitions, and over schemas that refer to them. */
export const nodes: Nodes = new Nodes((name) => definitions().get(name))

/** The node of a definition. */
export function nodeOfDefinition(name: string): Node | undefined {
  const schema = definitions().get(name)
  return schema === undefined ? undefined : nodes.of(schema)
}

/** A reference to a definition of apimachinery's meta/v1. */
export function metaReference(kind: string): Schema {
  return { $ref: `#/components/schemas/${prefix}${kind}` }
}

/** The node of ObjectMeta. */
export function objectMetaNode(): Node {
  return nodes.of(metaReference('ObjectMeta'))
}

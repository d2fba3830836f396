/** OpenAPI v3: one document for each group version, enough for kubectl's explain, apply and diff. */
import { createHash } from 'node:crypto'
import { definitions } from '../schema/definitions.ts'
import { isObject, without, type Json, type JsonObject } from '../json.ts'
import { groupVersion, type Resource } from '../resources/resource.ts'
import type { Catalog } from '../resources/catalog.ts'
import { json, type Answer } from '../rest/request.ts'

const root = '/openapi/v3'

/** Answers a path under /openapi/v3; undefined if there is no such document. */
export function openapi(catalog: Catalog, path: string): Answer | undefined {
  if (path === root || path === `${root}/`) return json({ paths: index(catalog) })
  const wanted = path.slice(root.length + 1)
  const [, group = '', version = ''] = /^(?:api|apis\/([^/]+))\/([^/]+)$/.exec(wanted) ?? []
  const resources = catalog.all().filter((one) => one.group === group && one.version === version)
  return resources.length === 0 ? undefined : json(document(resources))
}

const apiPath = (resource: { readonly group: string; readonly version: string }): string =>
  resource.group === '' ? `api/${resource.version}` : `apis/${groupVersion(resource)}`

function index(catalog: Catalog): JsonObject {
  const versions = [...catalog.groups()].flatMap(([group, all]) => all.map((version) => ({ group, version })))
  return Object.fromEntries(
    versions.map((one) => {
      const path = apiPath(one)
      // Clients cache a document by its hash; it changes when the resources do.
      const hash = createHash('sha256').update(`${path} ${catalog.revision}`).digest('hex').toUpperCase()
      return [path, { serverRelativeURL: `${root}/${path}?hash=${hash}` }]
    }),
  )
}

function document(resources: readonly Resource[]): JsonObject {
  const schemas = new Map<string, Json>()
  for (const resource of resources) collect(resource, schemas)
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.36.3' },
    paths: Object.fromEntries(resources.flatMap(pathsOf)),
    components: { schemas: Object.fromEntries([...schemas].toSorted(([a], [b]) => (a < b ? -1 : 1))) },
  }
}

function collect(resource: Resource, schemas: Map<string, Json>): void {
  const kinds: Json = [{ group: resource.group, version: resource.version, kind: resource.kind }]
  schemas.set(resource.definition, {
    ...stated(resource.node.schema),
    'x-kubernetes-group-version-kind': kinds,
  })
  follow(resource.node.schema, schemas)
  follow({ $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions' }, schemas)
}

// The mark that this server puts on open objects of built-in kinds is not part of what they publish.
const stated = (schema: JsonObject): JsonObject =>
  schema['properties'] === undefined ? without(schema, 'x-kubernetes-preserve-unknown-fields') : schema

function follow(value: Json, schemas: Map<string, Json>): void {
  if (Array.isArray(value)) {
    for (const one of value) follow(one as Json, schemas)
    return
  }
  if (!isObject(value)) return
  for (const [key, one] of Object.entries(value)) {
    if (key !== '$ref' || typeof one !== 'string') {
      follow(one, schemas)
      continue
    }
    const name = one.slice(one.lastIndexOf('/') + 1)
    const found = definitions().get(name)
    if (schemas.has(name) || found === undefined) continue
    schemas.set(name, stated(found))
    follow(found, schemas)
  }
}

function pathsOf(resource: Resource): readonly (readonly [string, JsonObject])[] {
  const kind = { group: resource.group, version: resource.version, kind: resource.kind }
  const base = `/${apiPath(resource)}${resource.namespaced ? '/namespaces/{namespace}' : ''}/${resource.plural}`
  const ref = { $ref: `#/components/schemas/${resource.definition}` }
  const content = { 'application/json': { schema: ref } }
  const operation = (action: string, more: JsonObject = {}): JsonObject => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': kind,
    parameters: queryParameters,
    responses: { 200: { description: 'OK', content } },
    ...more,
  })
  const requestBody = { requestBody: { content } }
  const patch = {
    requestBody: { content: Object.fromEntries(patchTypes(resource).map((type) => [type, { schema: {} }])) },
  }
  return [
    [base, { get: operation('list'), post: operation('post', requestBody) }],
    [
      `${base}/{name}`,
      {
        get: operation('get'),
        put: operation('put', requestBody),
        patch: operation('patch', patch),
        delete: operation('delete'),
      },
    ],
  ]
}

const queryParameters: Json = ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => ({
  name,
  in: 'query',
  schema: { type: 'string', uniqueItems: true },
}))

const patchTypes = (resource: Resource): readonly string[] => [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
  ...(resource.custom ? [] : ['application/strategic-merge-patch+json']),
]

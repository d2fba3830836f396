/** Discovery: which groups, versions and resources there are, in the legacy form and in the aggregated one. */
import { createHash } from 'node:crypto'
import type { Json, JsonObject } from '../json.ts'
import { groupVersion, type Resource } from '../resources/resource.ts'
import type { Catalog } from '../resources/catalog.ts'
import { json, type Answer, type Request } from '../rest/request.ts'

const subVerbs = ['get', 'patch', 'update']

/** Answers a discovery path; undefined if there is no such group or version. */
export function discovery(
  catalog: Catalog,
  path: string,
  { accept, ifNoneMatch }: Pick<Request, 'accept' | 'ifNoneMatch'>,
): Answer | undefined {
  const [root, ...parts] = path.split('/').filter(Boolean)
  if (parts.length === 0 && (root === 'api' || root === 'apis'))
    return wantsAggregated(accept)
      ? unlessKnown(aggregate(catalog, root === 'api'), ifNoneMatch)
      : json(root === 'api' ? apiVersions : groupList(catalog))
  if (root === 'api') return parts.length === 1 ? resources(catalog, '', parts[0] ?? '') : undefined
  return root === 'apis' ? groupOrVersion(catalog, parts) : undefined
}

function groupOrVersion(
  catalog: Catalog,
  [name = '', version, ...more]: readonly string[],
): Answer | undefined {
  if (more.length > 0) return undefined
  if (version !== undefined) return resources(catalog, name, version)
  const group = groupOf(catalog, name)
  return group === undefined ? undefined : json({ kind: 'APIGroup', apiVersion: 'v1', ...group })
}

const apiVersions: JsonObject = {
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '127.0.0.1' }],
}

// Only the stable form: clients that know it prefer it.
const aggregatedType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

function wantsAggregated(accept: string): boolean {
  return accept.split(',').some((one) => {
    const parameters = one.split(';').map((part) => part.trim())
    return ['g=apidiscovery.k8s.io', 'v=v2', 'as=APIGroupDiscoveryList'].every((part) =>
      parameters.includes(part),
    )
  })
}

function groupOf(catalog: Catalog, name: string): JsonObject | undefined {
  const versions = catalog.groups().get(name)
  if (versions === undefined || name === '') return undefined
  const all: Json[] = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }))
  return { name, versions: all, preferredVersion: all[0] ?? {} }
}

function groupList(catalog: Catalog): JsonObject {
  const groups = [...catalog.groups().keys()].flatMap((name) => groupOf(catalog, name) ?? [])
  return { kind: 'APIGroupList', apiVersion: 'v1', groups }
}

function resources(catalog: Catalog, group: string, version: string): Answer | undefined {
  const found = catalog.all().filter((one) => one.group === group && one.version === version)
  if (found.length === 0) return undefined
  const list: Json = found.toSorted(byPlural).flatMap(rows)
  return json({
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: groupVersion({ group, version }),
    resources: list,
  })
}

const byPlural = (a: Resource, b: Resource): number => (a.plural < b.plural ? -1 : 1)

function rows(resource: Resource): readonly JsonObject[] {
  const { plural, namespaced, kind, singular } = resource
  const main: JsonObject = {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs: resource.verbs,
    ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
    ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
    ...(resource.verbs.includes('list') ? { storageVersionHash: hashOf(resource) } : {}),
  }
  return [
    main,
    ...subresources(resource).map(({ name, of, verbs }): JsonObject => ({
      name: `${plural}/${name}`,
      singularName: '',
      namespaced,
      ...(of.group === resource.group ? {} : { group: of.group, version: of.version }),
      kind: of.kind,
      verbs,
    })),
  ]
}

type Sub = {
  readonly name: string
  readonly of: { readonly group: string; readonly version: string; readonly kind: string }
  readonly verbs: readonly string[]
}

function subresources(resource: Resource): readonly Sub[] {
  const scale: Sub = {
    name: 'scale',
    of: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
    verbs: subVerbs,
  }
  const token: Sub = {
    name: 'token',
    of: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
    verbs: ['create'],
  }
  const finalize: Sub = { name: 'finalize', of: resource, verbs: ['update'] }
  const core = resource.group === '' && !resource.custom
  return [
    ...(core && resource.plural === 'namespaces' ? [finalize] : []),
    ...(resource.scale === undefined ? [] : [scale]),
    ...(resource.status ? [{ name: 'status', of: resource, verbs: subVerbs }] : []),
    ...(core && resource.plural === 'serviceaccounts' ? [token] : []),
  ]
}

function hashOf({ group, version, kind }: Resource): string {
  return Buffer.from(`${group}/${version}/${kind}`).toString('base64').slice(0, 12)
}

// Clients ask again and again; one that names the tag of what it has gets nothing.
function unlessKnown(body: JsonObject, ifNoneMatch: string): Answer {
  const tag = `"${createHash('sha512').update(JSON.stringify(body)).digest('hex').toUpperCase()}"`
  const headers = { etag: tag, vary: 'Accept', 'cache-control': 'public' }
  return ifNoneMatch === tag
    ? { as: 'text', code: 304, text: '', contentType: aggregatedType, headers }
    : { as: 'json', code: 200, body, contentType: aggregatedType, headers }
}

function aggregate(catalog: Catalog, core: boolean): JsonObject {
  const groups = [...catalog.groups()].filter(([group]) => (group === '') === core)
  const items = groups.map(([group, versions]): JsonObject => ({
    metadata: core ? {} : { name: group, creationTimestamp: null },
    versions: versions.map((version) => ({
      version,
      resources: aggregatedResources(catalog, group, version),
      freshness: 'Current',
    })),
  }))
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items }
}

function aggregatedResources(catalog: Catalog, group: string, version: string): Json {
  const found = catalog.all().filter((one) => one.group === group && one.version === version)
  return found.toSorted(byPlural).map((resource): JsonObject => {
    const subs = subresources(resource).map(({ name, of, verbs }): JsonObject => ({
      subresource: name,
      responseKind: kindOf(of),
      verbs,
    }))
    return {
      resource: resource.plural,
      responseKind: kindOf(resource),
      scope: resource.namespaced ? 'Namespaced' : 'Cluster',
      singularResource: resource.singular,
      verbs: resource.verbs,
      ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
      ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
      ...(subs.length === 0 ? {} : { subresources: subs }),
    }
  })
}

const kindOf = ({ group, version, kind }: Sub['of']): JsonObject => ({ group, version, kind })

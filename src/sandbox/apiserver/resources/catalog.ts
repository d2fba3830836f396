/** All resources there are at this moment: the built-in ones, and those of the stored CRDs. */
import { textAt } from '../json.ts'
import type { Store } from '../storage/store.ts'
import { builtinResources } from './builtin.ts'
import { resourcesOf } from './custom.ts'
import { groupVersion, type Resource } from './resource.ts'

/** Where CRDs are stored. */
export const crdStorage = 'apiextensions.k8s.io/customresourcedefinitions'

/** Finds resources by name; follows the CRDs as they come and go. */
export class Catalog {
  readonly #builtin = builtinResources()
  readonly #custom = new Map<string, readonly Resource[]>()
  #byPath = new Map<string, Resource>()
  #revision = 1

  constructor(store: Store) {
    for (const [key, crd] of store.objects(crdStorage)) this.#custom.set(key, resourcesOf(crd))
    this.#index()
    store.listen((resource, change) => {
      if (resource !== crdStorage) return
      if (change.type === 'DELETED') this.#custom.delete(textAt(change.object, 'metadata', 'name'))
      else this.#custom.set(textAt(change.object, 'metadata', 'name'), resourcesOf(change.object))
      this.#index()
    })
  }

  /** Rises whenever resources come, go or change. */
  get revision(): number {
    return this.#revision
  }

  /** The resource of a path. */
  find(group: string, version: string, plural: string): Resource | undefined {
    return this.#byPath.get(`${group}/${version}/${plural}`)
  }

  /** The resource of a kind. */
  ofKind(apiVersion: string, kind: string): Resource | undefined {
    return this.all().find((one) => groupVersion(one) === apiVersion && one.kind === kind)
  }

  /** The resources of a storage: more than one where a kind has several versions. */
  ofStorage(storage: string): readonly Resource[] {
    return this.all().filter((one) => one.storage === storage)
  }

  /** All resources, built-in ones first. */
  all(): readonly Resource[] {
    return [...this.#byPath.values()]
  }

  /** The groups with their versions in order; the core group is ''. */
  groups(): ReadonlyMap<string, readonly string[]> {
    const groups = new Map<string, Set<string>>()
    for (const one of this.all()) {
      const versions = groups.get(one.group) ?? new Set()
      groups.set(one.group, versions.add(one.version))
    }
    return new Map([...groups].map(([group, versions]) => [group, [...versions].toSorted(newestFirst)]))
  }

  #index(): void {
    this.#revision += 1
    const all = [...this.#builtin, ...[...this.#custom.values()].flat()]
    this.#byPath = new Map(
      all
        .toReversed()
        .map((one) => [`${one.group}/${one.version}/${one.plural}`, one] as const)
        .toReversed(),
    )
  }
}

// apimachinery pkg/version: v2 before v1 before v1beta2 before v1beta1 before v1alpha1.
function newestFirst(a: string, b: string): number {
  const rank = (version: string): readonly number[] => {
    const [, major = '0', level = '', minor = '0'] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version) ?? []
    return [level === '' ? 2 : Number(level === 'beta'), Number(major), Number(minor)]
  }
  const [x, y] = [rank(a), rank(b)]
  return (
    (y[0] ?? 0) - (x[0] ?? 0) || (y[1] ?? 0) - (x[1] ?? 0) || (y[2] ?? 0) - (x[2] ?? 0) || a.localeCompare(b)
  )
}

/** The plugins as values of the Velero chart. Its pods have the volume and its mounts always, so no value is needed for them. */
import { at, objectAt, textAt, type Json } from '../velero.ts'
import type { DeclaredPlugin } from './declared.ts'
import type { Hash } from './names.ts'
import { initContainerOf } from './patch.ts'
import { isSameImage, placed, type Placement } from './placement.ts'
import { imageThroughProxy } from './proxy.ts'

/** What the values are made of. */
export type HelmInput = {
  readonly plugins: readonly DeclaredPlugin[]
  /** The values that the chart gets before ours: their lists would be lost if ours did not repeat them. */
  readonly base: unknown
  /** Merged over ours, in order. */
  readonly overrides: readonly { readonly label: string; readonly value: unknown }[]
  readonly proxyDomain: string | undefined
  readonly hash: Hash
}

/** The values, and what must be told with them. */
export type HelmValues = { readonly values: Json; readonly warnings: readonly string[] }

/** What is wrong with the values that the chart gets before ours; undefined if ours can follow. */
export function baseFault(base: unknown): { readonly path: string; readonly want: string } | undefined {
  if (!isObject(base)) return { path: 'the document', want: 'be a map of chart values' }
  const initContainers = at(base, 'initContainers') ?? []
  if (typeof initContainers === 'string')
    return { path: 'initContainers', want: 'be a list: a template in a text cannot be added to' }
  if (!Array.isArray(initContainers)) return { path: 'initContainers', want: 'be a list' }
  if (!Array.isArray(at(base, 'image', 'imagePullSecrets') ?? []))
    return { path: 'image.imagePullSecrets', want: 'be a list of names' }
  return undefined
}

/** The values for `helm upgrade -f`, after the ones given as base. */
export function helmValues({ plugins, base, overrides, proxyDomain, hash }: HelmInput): HelmValues {
  const there = listAt(base, 'initContainers').map((one) => proxied(one, proxyDomain))
  const present = there.map((one) => ({
    name: textAt(one, 'name'),
    image: textAt(one, 'image'),
    isOurs: false,
  }))
  // The chart's pod has one container.
  const { placements, warnings } = placed({ present, otherNames: ['velero'] }, plugins, hash)
  const ours: Json = {
    ...(plugins.length === 0 ? {} : { initContainers: initContainersOf(there, placements) }),
    ...pullSecrets(base, placements),
  }
  const values = overrides.reduce<unknown>((before, { value }) => mergedValues(before, value), ours)
  return { values: objectAt({ values }, 'values'), warnings: [...warnings, ...lost(values, placements)] }
}

const listAt = (object: unknown, ...path: readonly string[]): readonly unknown[] => {
  const value = at(object, ...path)
  return Array.isArray(value) ? value : []
}

function proxied(initContainer: unknown, domain: string | undefined): unknown {
  const image = textAt(initContainer, 'image')
  const through = imageThroughProxy(image, domain)
  return through === image
    ? initContainer
    : { ...objectAt({ initContainer }, 'initContainer'), image: through }
}

function initContainersOf(there: readonly unknown[], placements: readonly Placement[]): readonly unknown[] {
  const updated = there.map((one, index) => {
    const kept = placements.find((placement) => placement.do === 'keep' && placement.index === index)
    return kept === undefined || isSameImage(textAt(one, 'image'), kept.plugin)
      ? one
      : { ...objectAt({ one }, 'one'), image: kept.plugin.image }
  })
  const added = placements.flatMap((one) =>
    one.do === 'append' ? [initContainerOf(one.plugin, one.name)] : [],
  )
  return [...updated, ...added]
}

function pullSecrets(base: unknown, placements: readonly Placement[]): Json {
  const needed = placements.flatMap((one) => (one.do === 'leave' ? [] : (one.plugin.imagePullSecret ?? [])))
  const own = listAt(base, 'image', 'imagePullSecrets')
  // A pod with one of its own gets none of its account (pod-credentials.ts): what the chart gives that is given to the pod too.
  const before = own.length > 0 ? own : accountSecretsIn(base)
  const imagePullSecrets = [...new Set([...before, ...needed])]
  return needed.length === 0 ? {} : { image: { imagePullSecrets } }
}

const accountSecretsIn = (base: unknown): readonly string[] =>
  listAt(base, 'serviceAccount', 'server', 'imagePullSecrets').map((one) =>
    typeof one === 'string' ? one : textAt(one, 'name'),
  )

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** RFC 7396, as Helm merges values and Embedded Cluster overrides: a list replaces a list, null takes away. */
export function mergedValues(before: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const entries = new Map(Object.entries(isObject(before) ? before : {}))
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) entries.delete(key)
    else entries.set(key, mergedValues(entries.get(key), value))
  }
  return Object.fromEntries(entries)
}

function lost(values: unknown, placements: readonly Placement[]): readonly string[] {
  const names = listAt(values, 'initContainers').map((one) => textAt(one, 'name'))
  return placements.flatMap(({ plugin, name }) =>
    names.includes(name)
      ? []
      : [
          `plugin ${plugin.name}: an override replaces initContainers, and its list has no ${name}: overrides win`,
        ],
  )
}

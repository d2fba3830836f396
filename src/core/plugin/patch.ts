/**
 * The JSON patch that makes a Velero Deployment carry the declared plugins. Built by hand, never by diffing: every operation is one
 * that we mean, and what nobody declared is never touched. A Deployment that carries them already gets none.
 */
import type { CarriedPlugin, DeclaredPlugin } from './declared.ts'
import {
  isSameFolder,
  pluginFolder,
  targetFolder,
  type InitContainer,
  type Mount,
  type PodTemplate,
} from './deployment.ts'
import { imageBefore, imageMarks, pluginImagesAnnotation, replacedIn, type Replaced } from './images-mark.ts'
import type { Hash } from './names.ts'
import { isSameImage, placed, type Placement } from './placement.ts'

/** One operation of a JSON patch (RFC 6902). */
export type Operation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }

/** What became of one plugin: the initContainer that brings it, and whether it is the declared one. */
export type Injection = {
  readonly plugin: string
  readonly initContainer: string
  readonly isInjected: boolean
}

/** The patch, what must be told with it, and what it comes to. */
export type PluginPatch = {
  readonly operations: readonly Operation[]
  readonly warnings: readonly string[]
  readonly injections: readonly Injection[]
}

/** On the pod template: the initContainers that we added, with commas between them. */
export const pluginsAnnotation = 'tidewaiter.io/plugins'
/** On the pod template: the pull secrets that we added, with commas between them. */
export const pullSecretsAnnotation = 'tidewaiter.io/plugin-pull-secrets'

const pod = '/spec/template/spec'
const metadata = '/spec/template/metadata'
const defaultVolume = 'plugins'

/** The patch for a Deployment; `plugins` are the ones that it must carry, and no others of ours. */
export function pluginPatch(
  template: PodTemplate,
  plugins: readonly CarriedPlugin[],
  hash: Hash,
): PluginPatch {
  const ours = marked(template, pluginsAnnotation)
  const there = template.initContainers ?? []
  const present = there.map(({ name, image }) => ({ name, image, isOurs: ours.includes(name) }))
  const { placements, removed, warnings } = placed(
    { present, otherNames: template.containerNames },
    plugins,
    hash,
  )
  const carried = placements.filter((one) => one.do !== 'leave')
  const volume = volumeOf(template)
  const images = othersImages(template, carried)
  const secrets = secretsOf(template, carried)
  const operations = [
    ...carried.flatMap((one) => (one.do === 'keep' ? updates(one, there[one.index], volume) : [])),
    ...images.operations,
    ...removed
      .toReversed()
      .map((index): Operation => ({ op: 'remove', path: `${pod}/initContainers/${index}` })),
    ...appended(template, placements, volume),
    ...(carried.length === 0 ? [] : volumeOperations(template, volume)),
    ...secrets.operations,
    ...marks(template, {
      [pluginsAnnotation]: oursAfter(placements),
      [pluginImagesAnnotation]: imageMarks(images.replaced),
      [pullSecretsAnnotation]: secrets.ours,
    }),
  ]
  return { operations, warnings, injections: placements.map(injectionOf) }
}

const injectionOf = (placement: Placement): Injection => ({
  plugin: placement.plugin.name,
  initContainer: placement.name,
  isInjected: placement.do !== 'leave',
})

const oursAfter = (placements: readonly Placement[]): readonly string[] =>
  placements.flatMap((one) => (one.do === 'append' || (one.do === 'keep' && one.isOurs) ? [one.name] : []))

/** The initContainer of a plugin, as `velero plugin add` makes one. */
export const initContainerOf = (plugin: DeclaredPlugin, name: string, volume = defaultVolume) => ({
  name,
  image: plugin.image,
  imagePullPolicy: plugin.imagePullPolicy,
  volumeMounts: [{ name: volume, mountPath: targetFolder }],
})

// --- initContainers ---

function updates(
  { plugin, index, isOurs }: Extract<Placement, { readonly do: 'keep' }>,
  there: InitContainer | undefined,
  volume: string,
): readonly Operation[] {
  const path = `${pod}/initContainers/${index}`
  const image: readonly Operation[] = isSameImage(there?.image ?? '', plugin)
    ? []
    : [{ op: 'replace', path: `${path}/image`, value: plugin.image }]
  // Of an initContainer that another wrote only the image is brought up to date.
  if (!isOurs) return image
  const policy: readonly Operation[] =
    there?.imagePullPolicy === plugin.imagePullPolicy
      ? []
      : [{ op: 'add', path: `${path}/imagePullPolicy`, value: plugin.imagePullPolicy }]
  return [...image, ...policy, ...mounted(there?.mounts, path, { name: volume, mountPath: targetFolder })]
}

/** What becomes of images of others: those of plugins are noted with what they were, those of plugins no more are put back. */
function othersImages(
  template: PodTemplate,
  carried: readonly Placement[],
): { readonly operations: readonly Operation[]; readonly replaced: ReadonlyMap<string, Replaced> } {
  const before = replacedIn(template)
  const ours = marked(template, pluginsAnnotation)
  const plugins = new Map(carried.map(({ name, plugin }) => [name, plugin]))
  const operations: Operation[] = []
  const replaced = new Map<string, Replaced>()
  for (const [index, there] of (template.initContainers ?? []).entries()) {
    if (ours.includes(there.name)) continue
    const plugin = plugins.get(there.name)
    const was = imageBefore(before, there)
    if (plugin === undefined) {
      if (was !== undefined)
        operations.push({ op: 'replace', path: `${pod}/initContainers/${index}/image`, value: was })
      continue
    }
    const isDeclared = isSameImage(there.image, plugin)
    const [first, is] = [was ?? there.image, isDeclared ? there.image : plugin.image]
    if (first !== is) replaced.set(there.name, { was: first, is })
  }
  return { operations, replaced }
}

function appended(
  { initContainers }: PodTemplate,
  placements: readonly Placement[],
  volume: string,
): readonly Operation[] {
  const added = placements.flatMap((one) =>
    one.do === 'append' ? [initContainerOf(one.plugin, one.name, volume)] : [],
  )
  return listed(initContainers, `${pod}/initContainers`, added)
}

/** Adds items to a list, or makes the list. */
function listed(
  list: readonly unknown[] | undefined,
  path: string,
  items: readonly unknown[],
): readonly Operation[] {
  if (items.length === 0) return []
  if (list === undefined) return [{ op: 'add', path, value: items }]
  return items.map((value) => ({ op: 'add', path: `${path}/-`, value }))
}

// --- the volume between them and the server ---

/**
 * The volume between them and the server. Whoever mounted another one at /plugins means that one: a second mount at one path is
 * refused by the API server.
 */
export const volumeOf = ({ serverMounts = [] }: PodTemplate): string =>
  serverMounts.find(({ mountPath }) => isSameFolder(mountPath, pluginFolder))?.name ?? defaultVolume

function volumeOperations(template: PodTemplate, volume: string): readonly Operation[] {
  const { volumes, serverIndex, serverMounts } = template
  const missing = volumes?.includes(volume) === true ? [] : [{ name: volume, emptyDir: {} }]
  return [
    ...listed(volumes, `${pod}/volumes`, missing),
    ...mounted(serverMounts, `${pod}/containers/${serverIndex}`, { name: volume, mountPath: pluginFolder }),
  ]
}

/** Adds a mount unless its folder is mounted. */
const mounted = (
  mounts: readonly Mount[] | undefined,
  container: string,
  wanted: Mount,
): readonly Operation[] =>
  mounts?.some(({ mountPath }) => isSameFolder(mountPath, wanted.mountPath)) === true
    ? []
    : listed(mounts, `${container}/volumeMounts`, [wanted])

// --- pull secrets ---

const pullSecretsFor = ({ imagePullSecret, morePullSecrets = [] }: CarriedPlugin): readonly string[] => [
  ...(imagePullSecret === undefined ? [] : [imagePullSecret]),
  ...morePullSecrets,
]

function secretsOf(
  template: PodTemplate,
  carried: readonly Placement[],
): { readonly operations: readonly Operation[]; readonly ours: readonly string[] } {
  const before = marked(template, pullSecretsAnnotation)
  const there = template.imagePullSecrets ?? []
  const needed = [...new Set(carried.flatMap(({ plugin }) => pullSecretsFor(plugin)))]
  const gone = there.flatMap((name, index) =>
    before.includes(name) && !needed.includes(name) ? [index] : [],
  )
  const missing = needed.filter((name) => !there.includes(name))
  const path = `${pod}/imagePullSecrets`
  return {
    operations: [
      ...gone.toReversed().map((index): Operation => ({ op: 'remove', path: `${path}/${index}` })),
      ...listed(
        template.imagePullSecrets,
        path,
        missing.map((name) => ({ name })),
      ),
    ],
    ours: needed.filter((name) => missing.includes(name) || before.includes(name)),
  }
}

// --- marks ---

/** The names in one of the annotations that hold names. */
export const marked = ({ annotations = {} }: PodTemplate, annotation: string): readonly string[] =>
  (annotations[annotation] ?? '').split(',').filter((name) => name !== '')

/** Whether an initContainer has its image from us. */
export const isByUs = (template: PodTemplate, one: InitContainer): boolean =>
  marked(template, pluginsAnnotation).includes(one.name) ||
  imageBefore(replacedIn(template), one) !== undefined

/**
 * Writes the marks that changed; an empty one is taken away. Sorted: plugins that are declared in another order change nothing, and a
 * template that did not change restarts no Velero.
 */
function marks(
  { hasMetadata, annotations }: PodTemplate,
  wanted: Readonly<Record<string, readonly string[]>>,
): readonly Operation[] {
  const filled = Object.entries(wanted).flatMap(([key, names]) =>
    names.length === 0 ? [] : [[key, asMark(names)] as const],
  )
  if (annotations === undefined) return made(hasMetadata, Object.fromEntries(filled))
  return Object.entries(wanted).flatMap(([key, names]): readonly Operation[] => {
    const path = `${metadata}/annotations/${key.replaceAll('/', '~1')}`
    const value = asMark(names)
    if (value === (annotations[key] ?? '')) return []
    return names.length === 0 ? [{ op: 'remove', path }] : [{ op: 'add', path, value }]
  })
}

const asMark = (names: readonly string[]): string => [...names].sort().join(',')

function made(hasMetadata: boolean, annotations: Readonly<Record<string, string>>): readonly Operation[] {
  if (Object.keys(annotations).length === 0) return []
  return hasMetadata
    ? [{ op: 'add', path: `${metadata}/annotations`, value: annotations }]
    : [{ op: 'add', path: metadata, value: { annotations } }]
}

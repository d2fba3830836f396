/** Finds out what a reference leads to, as far as the checks need it: digest, platforms, and how its containers start. */
import type { ImageConfig, InspectedImage, Inspection } from '../core/plugin-check/image-config.ts'
import { bestFor } from '../core/plugin-check/platform.ts'
import type { Platform } from '../core/plugin-check/platform.ts'
import { isConfig, readConfig } from './config-blob.ts'
import type { Descriptor } from './fields.ts'
import { longestConfig, mostManifests } from './limits.ts'
import { isImage, isIndex } from './manifest.ts'
import type { Manifest } from './manifest.ts'
import type { Access, Image, Outcome } from './ports.ts'
import { nameOf } from './names.ts'
import type { Registry } from './registry.ts'

type Visit = {
  readonly registry: Registry
  readonly image: Image
  readonly nodes: readonly Platform[]
  readonly access: Access
}

/**
 * Looks at an image. Of an index only the images for the platforms of the nodes are fetched. Everything after the first
 * manifest is asked for by digest.
 */
export async function inspect(visit: Visit): Promise<Outcome<Inspection>> {
  const root = await visit.registry.manifest(visit.image, visit.access)
  if (!('ok' in root)) return root
  const { digest, mediaType } = root.ok
  if (root.ok.kind === 'image') {
    const only = await lookAt(root.ok, visit)
    if (!('ok' in only)) return only
    const platforms = only.ok.config === undefined ? [] : [only.ok.config.platform]
    return { ok: { digest, mediaType, platforms, images: [only.ok] } }
  }
  const leaves = await leavesOf(root.ok, visit)
  if (!('ok' in leaves)) return leaves
  const images = await chosen(leaves.ok, visit)
  if (!('ok' in images)) return images
  return {
    ok: { digest, mediaType, platforms: leaves.ok.map(({ platform }) => platform), images: images.ok },
  }
}

type Leaf = { readonly platform: Platform; readonly digest: string; readonly image?: InspectedImage }

/** The images of an index, and of the indexes in it. An entry without a platform has to be fetched to learn it. */
async function leavesOf(root: Manifest, visit: Visit): Promise<Outcome<readonly Leaf[]>> {
  const leaves: Leaf[] = []
  const waiting = entriesOf(root)
  let fetched = 0
  for (let entry = waiting.shift(); entry !== undefined; entry = waiting.shift()) {
    if (isLeaf(entry, leaves)) continue
    fetched += 1
    if (fetched > mostManifests) return tooMany(visit.image)
    const inner = await visit.registry.manifest(byDigest(visit.image, entry), visit.access)
    if (!('ok' in inner)) return inner
    waiting.push(...entriesOf(inner.ok))
    const leaf = await leafOf(inner.ok, visit)
    if (!('ok' in leaf)) return leaf
    leaves.push(...leaf.ok)
  }
  return { ok: leaves }
}

async function leafOf(manifest: Manifest, visit: Visit): Promise<Outcome<readonly Leaf[]>> {
  if (manifest.kind === 'index') return { ok: [] }
  const image = await lookAt(manifest, visit)
  if (!('ok' in image)) return image
  const { config, digest } = image.ok
  return { ok: config === undefined ? [] : [{ platform: config.platform, digest, image: image.ok }] }
}

/** What of an index may be or lead to an image. */
const entriesOf = (manifest: Manifest): Descriptor[] =>
  manifest.kind === 'image'
    ? []
    : manifest.manifests.filter(({ mediaType }) => isIndex(mediaType) || isImage(mediaType))

/** Notes an entry that says what it is for. Attestations of the builder are listed beside the images, for no platform. */
function isLeaf({ platform, mediaType, digest }: Descriptor, leaves: Leaf[]): boolean {
  if (platform === undefined || !isImage(mediaType)) return false
  if (platform.os !== 'unknown') leaves.push({ platform, digest })
  return true
}

/** The image that each node would take; several nodes may take the same. */
async function chosen(leaves: readonly Leaf[], visit: Visit): Promise<Outcome<readonly InspectedImage[]>> {
  const wanted = new Set(visit.nodes.map((node) => bestFor(node, leaves)))
  const images: InspectedImage[] = []
  for (const leaf of wanted) {
    if (leaf === undefined) continue
    if (images.length === mostManifests) return tooMany(visit.image)
    const looked = leaf.image === undefined ? await fetched(leaf, visit) : { ok: leaf.image }
    if (!('ok' in looked)) return looked
    images.push(looked.ok)
  }
  return { ok: images }
}

async function fetched(leaf: Leaf, visit: Visit): Promise<Outcome<InspectedImage>> {
  const manifest = await visit.registry.manifest(byDigest(visit.image, leaf), visit.access)
  return 'ok' in manifest ? lookAt(manifest.ok, visit) : manifest
}

async function lookAt(manifest: Manifest, visit: Visit): Promise<Outcome<InspectedImage>> {
  const { digest } = manifest
  const artifactType =
    manifest.artifactType ?? (manifest.kind === 'index' ? manifest.mediaType : manifest.config.mediaType)
  if (manifest.kind === 'index' || !isConfig(manifest.config.mediaType))
    return { ok: { digest, config: undefined, artifactType: artifactType.slice(0, 120) } }
  const config = await configOf(manifest.config, visit)
  return 'ok' in config ? { ok: { digest, config: config.ok } } : config
}

async function configOf(descriptor: Descriptor, visit: Visit): Promise<Outcome<ImageConfig>> {
  const what = `the config of ${nameOf(visit.image)}`
  if (descriptor.size > longestConfig) {
    const message = `wanted ${what}, got one of ${descriptor.size} bytes. At most ${longestConfig} are read: use a smaller one`
    return { failed: { code: 'TOO_LARGE', message } }
  }
  const blob = await visit.registry.blob(visit.image, descriptor, visit.access)
  if (!('ok' in blob)) return blob
  const config = readConfig(blob.ok)
  if ('ok' in config) return config
  const message = `wanted ${what}, got ${config.problem}. Build and push the image again`
  return { failed: { code: 'BAD_ANSWER', message } }
}

function tooMany(image: Image): Outcome<never> {
  const message = `wanted the images of ${nameOf(image)}, got an index that leads to more than ${mostManifests} others. Push a plain index`
  return { failed: { code: 'TOO_LARGE', message } }
}

const byDigest = ({ registry, repository }: Image, { digest }: { readonly digest: string }): Image => ({
  registry,
  repository,
  digest,
})

/** Reads manifests and indexes, of OCI and of Docker. */
import type { Json } from '../core/velero.ts'
import { digestOf } from './digest.ts'
import { readDescriptor, readDescriptors } from './fields.ts'
import type { Descriptor } from './fields.ts'
import { misspelt, readObject } from './json.ts'
import type { Read } from './json.ts'
import { shown } from './names.ts'

const images: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
])
const indexes: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
])

/** What we accept, for the header Accept: everything that we can read, in one, as registries convert what is not accepted. */
export const acceptedManifests = [...images, ...indexes].join(', ')

/** What a manifest says, and which bytes said it. */
export type Manifest = {
  readonly mediaType: string
  /** Of exactly the bytes that came. */
  readonly digest: string
  readonly size: number
  readonly artifactType?: string
} & (
  | { readonly kind: 'image'; readonly config: Descriptor; readonly layers: readonly Descriptor[] }
  | { readonly kind: 'index'; readonly manifests: readonly Descriptor[] }
)

/** Whether content of this type is an index. */
export const isIndex = (mediaType: string): boolean => indexes.has(mediaType)

/** Whether content of this type is an image's manifest. */
export const isImage = (mediaType: string): boolean => images.has(mediaType)

const keys = ['schemaVersion', 'mediaType', 'artifactType', 'config', 'layers', 'manifests', 'subject']

/** Reads a manifest; `contentType` is the header it came with, `wanted` the digest it was asked for by. */
export function readManifest(
  bytes: Uint8Array,
  { contentType, wanted }: { readonly contentType: string | undefined; readonly wanted?: string | undefined },
): Read<Manifest> {
  const read = readObject(bytes)
  if ('problem' in read) return read
  const fields = read.ok
  const mediaType = typeOf(fields, contentType)
  if ('problem' in mediaType) return mediaType
  const twice = misspelt(fields, keys)
  if (twice !== undefined) return { problem: `a manifest with the misspelt key ${shown(twice)}` }
  const { artifactType } = fields
  const common = {
    mediaType: mediaType.ok,
    digest: digestOf(bytes, wanted),
    size: bytes.byteLength,
    ...(typeof artifactType === 'string' && artifactType !== '' ? { artifactType } : {}),
  }
  return isIndex(mediaType.ok) ? readIndex(fields, common) : readImage(fields, common)
}

type Common = Pick<Manifest, 'mediaType' | 'digest' | 'size' | 'artifactType'>

function readIndex(fields: Json, common: Common): Read<Manifest> {
  // A document that is both was shown as one thing to a scanner and run as another (CVE-2021-41190).
  if ('layers' in fields || 'config' in fields) return { problem: 'an index that has config or layers too' }
  const manifests = readDescriptors(fields['manifests'], 'manifests')
  return 'problem' in manifests ? manifests : { ok: { ...common, kind: 'index', manifests: manifests.ok } }
}

function readImage(fields: Json, common: Common): Read<Manifest> {
  if ('manifests' in fields) return { problem: 'a manifest that has a list of manifests too' }
  const config = readDescriptor(fields['config'], 'config')
  if ('problem' in config) return config
  const layers = readDescriptors(fields['layers'], 'layers')
  return 'problem' in layers
    ? layers
    : { ok: { ...common, kind: 'image', config: config.ok, layers: layers.ok } }
}

/** The media type: the header's, which must agree with the document if that has one. */
function typeOf(fields: Json, contentType: string | undefined): Read<string> {
  const said = (contentType ?? '').replace(/;.*/s, '').trim().toLowerCase()
  const { mediaType, schemaVersion } = fields
  if (schemaVersion === 1)
    return { problem: 'a manifest of the old schema 1, which container runtimes take no more' }
  if (schemaVersion !== 2) return { problem: 'a manifest whose schemaVersion is not 2' }
  if (!isKnown(said))
    return isKnown(mediaType)
      ? { ok: mediaType }
      : { problem: `something of type ${shown(said)}, not a manifest or an index` }
  // OCI lets a document leave its type out.
  return mediaType === undefined || mediaType === said
    ? { ok: said }
    : { problem: `a manifest that calls itself ${shown(mediaType)} and came as ${said}` }
}

const isKnown = (type: unknown): type is string =>
  typeof type === 'string' && (images.has(type) || indexes.has(type))

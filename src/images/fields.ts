/** Reads the parts that manifests, indexes and configs share. */
import { isObject, type Json } from '../core/velero.ts'
import type { Platform } from '../core/plugin-check/platform.ts'
import { isDigest } from './digest.ts'
import { misspelt } from './json.ts'
import type { Read } from './json.ts'
import { mostEntries } from './limits.ts'
import { shown } from './names.ts'

/** Where content is and what it must be. */
export type Descriptor = {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly platform?: Platform
  readonly artifactType?: string
}

const keys = ['mediaType', 'digest', 'size', 'platform', 'artifactType']

/** Reads a descriptor (OCI image specification, descriptor.md). */
export function readDescriptor(value: unknown, where: string): Read<Descriptor> {
  if (!isObject(value)) return { problem: `${where} that is not an object` }
  const twice = misspelt(value, keys)
  if (twice !== undefined) return { problem: `${where} with the misspelt key ${shown(twice)}` }
  const content = readContent(value, where)
  if ('problem' in content) return content
  const platform = readPlatform(value['platform'], where)
  if ('problem' in platform) return platform
  const { artifactType } = value
  return {
    ok: {
      ...content.ok,
      ...(platform.ok === undefined ? {} : { platform: platform.ok }),
      ...(typeof artifactType === 'string' ? { artifactType } : {}),
    },
  }
}

function readContent(
  { mediaType, digest, size }: Json,
  where: string,
): Read<Pick<Descriptor, 'mediaType' | 'digest' | 'size'>> {
  if (typeof mediaType !== 'string') return { problem: `${where} without mediaType` }
  if (!isDigest(digest))
    return { problem: `${where} whose digest is neither sha256 nor sha512: ${shown(digest)}` }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    return { problem: `${where} whose size is no whole number: ${shown(size)}` }
  return { ok: { mediaType, digest, size } }
}

/** Reads a list of descriptors, bounded in number. */
export function readDescriptors(value: unknown, where: string): Read<readonly Descriptor[]> {
  if (!Array.isArray(value)) return { problem: `${where} that is not a list` }
  if (value.length > mostEntries) return { problem: `${where} with more than ${mostEntries} entries` }
  const found: Descriptor[] = []
  for (const [index, item] of value.entries()) {
    const read = readDescriptor(item, `${where}[${index}]`)
    if ('problem' in read) return read
    found.push(read.ok)
  }
  return { ok: found }
}

/** Reads `os`, `architecture` and `variant`; undefined if there is nothing to read. */
export function readPlatform(value: unknown, where: string): Read<Platform | undefined> {
  if (value === undefined || value === null) return { ok: undefined }
  if (!isObject(value) || misspelt(value, ['os', 'architecture', 'variant']) !== undefined)
    return { problem: `${where} with a platform that cannot be read` }
  const { os, architecture } = value
  // Go takes null for a text that was left out.
  const variant = value['variant'] ?? ''
  if (!isWord(os) || !isWord(architecture))
    return { problem: `${where} whose platform has no os or no architecture` }
  if (variant === '') return { ok: { os, architecture } }
  return isWord(variant)
    ? { ok: { os, architecture, variant } }
    : { problem: `${where} whose variant cannot be read` }
}

/** A list of texts, undefined and null being an empty one. */
export function readTexts(fields: Json, key: string): Read<readonly string[]> {
  const value = fields[key] ?? []
  const good = Array.isArray(value) && value.length <= mostEntries
  if (!good || !value.every((item): item is string => typeof item === 'string'))
    return { problem: `a config whose ${key} is no list of texts` }
  return { ok: value }
}

const isWord = (value: unknown): value is string =>
  typeof value === 'string' && /^[A-Za-z0-9._+-]{1,64}$/.test(value)

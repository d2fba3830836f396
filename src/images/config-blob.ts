/** Reads the config of an image. */
import { isObject, type Json } from '../core/velero.ts'
import type { ImageConfig } from '../core/plugin-check/image-config.ts'
import { readPlatform, readTexts } from './fields.ts'
import { misspelt, readObject } from './json.ts'
import type { Read } from './json.ts'

const configs: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
])

/** Whether content of this type is the config of a container image. */
export const isConfig = (mediaType: string): boolean => configs.has(mediaType)

/** Reads platform, entrypoint and command (OCI image specification, config.md). */
export function readConfig(bytes: Uint8Array): Read<ImageConfig> {
  const read = readObject(bytes)
  if ('problem' in read) return read
  const platform = readPlatform(read.ok, 'a config')
  if ('problem' in platform) return platform
  if (platform.ok === undefined) return { problem: 'a config without a platform' }
  const start = startOf(read.ok)
  return 'problem' in start ? start : { ok: { platform: platform.ok, ...start.ok } }
}

function startOf(fields: Json): Read<Pick<ImageConfig, 'entrypoint' | 'cmd'>> {
  if (misspelt(fields, ['config']) !== undefined)
    return { problem: 'a config with the key config in two spellings' }
  const config = fields['config'] ?? {}
  if (!isObject(config) || misspelt(config, ['Entrypoint', 'Cmd']) !== undefined)
    return { problem: 'a config whose part config cannot be read' }
  const entrypoint = readTexts(config, 'Entrypoint')
  if ('problem' in entrypoint) return entrypoint
  const cmd = readTexts(config, 'Cmd')
  return 'problem' in cmd ? cmd : { ok: { entrypoint: entrypoint.ok, cmd: cmd.ok } }
}

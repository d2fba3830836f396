/** Platforms of images and nodes, and which image a node's container runtime takes. */

/** What a manifest or a node says it is for: `linux`, `arm64`, `v8`. */
export type Platform = {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

/** A platform as people write it: `linux/arm64/v8`. */
export function platformText({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined || variant === '' ? [] : [variant])].join('/')
}

/** Reads `linux/arm64` or `linux/arm/v7`; undefined for anything else. */
export function parsePlatform(text: string): Platform | undefined {
  const parts = text.split('/')
  const [os = '', architecture = '', variant] = parts
  if (parts.length > 3 || parts.length < 2 || parts.some((part) => !/^[a-z0-9._-]{1,40}$/i.test(part)))
    return undefined
  return { os, architecture, ...(variant === undefined ? {} : { variant }) }
}

type Alias = { readonly architecture: string; readonly variant?: string }

const aliases: ReadonlyMap<string, Alias> = new Map([
  ['i386', { architecture: '386', variant: '' }],
  ['x86_64', { architecture: 'amd64' }],
  ['x86-64', { architecture: 'amd64' }],
  ['aarch64', { architecture: 'arm64' }],
  ['armhf', { architecture: 'arm', variant: 'v7' }],
  ['armel', { architecture: 'arm', variant: 'v6' }],
])

/** One spelling for each platform (containerd platforms, database.go). */
export function normalized(platform: Platform): Required<Platform> {
  const written = platform.architecture.toLowerCase()
  const alias: Alias = aliases.get(written) ?? { architecture: written }
  const variant = alias.variant ?? (platform.variant ?? '').toLowerCase()
  const os = platform.os.toLowerCase()
  return { os, architecture: alias.architecture, variant: plainVariant(alias.architecture, variant) }
}

function plainVariant(architecture: string, variant: string): string {
  if (architecture === 'amd64') return variant === 'v1' ? '' : variant
  if (architecture === 'arm64') return ['8', 'v8', 'v8.0'].includes(variant) ? '' : variant
  if (architecture === 'arm') return variant === '' ? 'v7' : variant.replace(/^(\d)$/, 'v$1')
  return variant
}

/**
 * How well an image fits a node: 0 is exact, larger is worse, undefined not at all. A runtime takes an older variant of
 * the node's architecture (containerd platforms, compare.go). It also takes 32-bit images on 64-bit nodes, which are left
 * out here: not every kernel runs them. Nodes tell no variant, so a newer one than the plain architecture never fits.
 */
export function fit(image: Platform, node: Platform): number | undefined {
  const has = normalized(image)
  const wants = normalized(node)
  if (has.os !== wants.os || has.architecture !== wants.architecture) return undefined
  const distance = version(wants) - version(has)
  return distance < 0 || Number.isNaN(distance) ? undefined : distance
}

const first: Readonly<Record<string, number>> = { amd64: 1, arm64: 8 }

function version({ architecture, variant }: Required<Platform>): number {
  if (variant === '') return first[architecture] ?? 0
  return /^v\d{1,2}(\.\d{1,2})?$/.test(variant) ? Number(variant.slice(1)) : Number.NaN
}

/** The best of these for a node; undefined if none fits. The first of equals wins, as in a runtime. */
export function bestFor<T extends { readonly platform: Platform }>(
  node: Platform,
  images: readonly T[],
): T | undefined {
  return images
    .map((image) => ({ image, distance: fit(image.platform, node) }))
    .filter((one): one is { image: T; distance: number } => one.distance !== undefined)
    .sort((a, b) => a.distance - b.distance)[0]?.image
}

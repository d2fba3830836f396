/** Where registries are reached: mirrors, plain HTTP, own authorities, token servers. */
import type { Image } from './ports.ts'

/** What an install says of one registry. */
export type RegistrySettings = {
  /** As in references: `docker.io`, `registry.example.com:5000`. A mirror has settings of its own under its own host. */
  readonly registry: string
  /** `host[:port][/path]`, tried in this order before the registry itself. */
  readonly mirrors?: readonly string[]
  /** PEM of authorities that are trusted for it, besides the public ones. */
  readonly ca?: string
  /** It speaks HTTP without TLS. Credentials are never sent to it. */
  readonly plainHttp?: boolean
  /** If given, the only other hosts, `host[:port]`, whose token servers get its credentials. */
  readonly realms?: readonly string[]
}

/** One place where an image may be. */
export type Endpoint = {
  /** As people know it, and as credentials are looked up: `docker.io`, `mirror.example.com:5000`. */
  readonly name: string
  /** `https://registry-1.docker.io`. */
  readonly origin: string
  readonly repository: string
  readonly settings: RegistrySettings
  /** The registry that a mirror stands in for. */
  readonly mirrorOf?: string
}

/** Settings by host, as URLs write it. */
export type Directory = ReadonlyMap<string, RegistrySettings>

/** Puts the settings in order. */
export const directoryOf = (all: readonly RegistrySettings[]): Directory =>
  new Map(all.map((settings) => [hostFor(settings.registry), settings]))

/** The settings of a URL's host; nothing special if nothing was said. */
export const settingsAt = (host: string, directory: Directory): RegistrySettings =>
  directory.get(host) ?? { registry: host }

/** Where to look for an image, in order. */
export function endpointsOf(
  image: Pick<Image, 'registry' | 'repository'>,
  directory: Directory,
): readonly Endpoint[] {
  const host = hostFor(image.registry)
  const settings = settingsAt(host, directory)
  const repository = fullName(host, image.repository)
  const own = endpoint({ name: nameOf(image.registry), host, repository }, directory)
  const mirrors = (settings.mirrors ?? []).map((mirror) => {
    const [name = '', ...path] = mirror.split('/').filter((part) => part !== '')
    const at = endpoint({ name, host: hostFor(name), repository: [...path, repository].join('/') }, directory)
    return { ...at, mirrorOf: own.name }
  })
  return [...mirrors, own]
}

function endpoint(
  { name, host, repository }: { readonly name: string; readonly host: string; readonly repository: string },
  directory: Directory,
): Endpoint {
  const settings = settingsAt(host, directory)
  const origin = `${settings.plainHttp === true ? 'http' : 'https'}://${host}`
  return { name, origin, repository, settings }
}

// Docker Hub's names are older than its registry.
const hub = 'registry-1.docker.io'
const hubNames: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io', hub])

// 443 is left out, as URLs do.
const hostFor = (registry: string): string =>
  hubNames.has(registry.toLowerCase()) ? hub : registry.toLowerCase().replace(/:443$/, '')

const nameOf = (registry: string): string => (hubNames.has(registry.toLowerCase()) ? 'docker.io' : registry)

const fullName = (host: string, repository: string): string =>
  host === hub && repository !== '' && !repository.includes('/') ? `library/${repository}` : repository

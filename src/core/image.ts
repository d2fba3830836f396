/**
 * References to images, read as the kubelet reads them: the grammar and the Docker Hub defaults of
 * github.com/distribution/reference v0.6.0 (ParseNormalizedNamed). Stricter on purpose where that lets pass what cannot be pulled:
 * a registry that is no host (it becomes part of the path), a port above 65535, a bracketed text that is no IPv6 address.
 */
import { longestImage } from '../api/velero-plugin.ts'

/** An image: where it is, and which one of those there. */
export type ImageReference = {
  /** Host and port of the registry as written; docker.io if none is. */
  readonly registry: string
  /** The path in the registry; with library/ for the official images of docker.io. */
  readonly repository: string
  readonly tag?: string
  readonly digest?: string
}

/** What a reference must do instead (a phrase after "must"), and the part of it that does not. */
export type ImageFault = { readonly want: string; readonly got: string | number }

/** A reference, or what is wrong with it. */
export type ReadImage = { readonly ok: ImageReference } | { readonly fault: ImageFault }

const dockerHub = 'docker.io'
const formerDockerHub = 'index.docker.io'
const longestRepository = 255

/** Reads a reference. */
export function parseImage(text: string): ReadImage {
  const { name, tag, digest } = cut(text)
  const { registry, repository } = withDefaults(name)
  const fault =
    wholeFault(text) ??
    digestFault(digest) ??
    registryFault(registry) ??
    repositoryFault(repository) ??
    tagFault(tag)
  if (fault !== undefined) return { fault }
  return {
    ok: {
      registry,
      repository,
      ...(tag === undefined ? {} : { tag }),
      ...(digest === undefined ? {} : { digest }),
    },
  }
}

type Cut = { readonly name: string; readonly tag: string | undefined; readonly digest: string | undefined }

/** The three parts: `@` begins the digest, a colon after the last slash the tag. */
function cut(text: string): Cut {
  const at = text.indexOf('@')
  const before = at === -1 ? text : text.slice(0, at)
  const digest = at === -1 ? undefined : text.slice(at + 1)
  const colon = before.indexOf(':', before.indexOf('/') + 1)
  return colon === -1
    ? { name: before, tag: undefined, digest }
    : { name: before.slice(0, colon), tag: before.slice(colon + 1), digest }
}

// distribution/reference, normalize.go: splitDockerDomain. The first component is a host only if it cannot be a path of Docker Hub.
function withDefaults(name: string): { readonly registry: string; readonly repository: string } {
  const slash = name.indexOf('/')
  const first = slash === -1 ? '' : name.slice(0, slash)
  const isHost = first === 'localhost' || /[.:]/u.test(first) || first !== first.toLowerCase()
  const named = isHost && first !== formerDockerHub ? first : dockerHub
  const rest = isHost ? name.slice(slash + 1) : name
  const isOfficial = named === dockerHub && !rest.includes('/')
  return { registry: named, repository: isOfficial ? `library/${rest}` : rest }
}

const example = 'registry.example.com/team/plugin:1.0'

function wholeFault(text: string): ImageFault | undefined {
  if (text === '') return { want: `be a reference such as ${example}`, got: text }
  if (text.length > longestImage) return { want: `have at most ${longestImage} characters`, got: text.length }
  // oxlint-disable-next-line no-control-regex - control characters are what is looked for
  const stray = /[^\x21-\x7e]/u.exec(text)?.[0]
  if (stray !== undefined)
    return { want: 'have no blanks, control or other than ASCII characters', got: stray }
  const scheme = /^[a-z+.-]+:\/\//iu.exec(text)?.[0]
  if (scheme !== undefined) return { want: `have no scheme: ${example}`, got: scheme }
  // ParseNormalizedNamed refuses them: they are IDs of images on a node.
  if (/^[a-f0-9]{64}$/u.test(text)) return { want: 'name a repository, not the ID of an image', got: text }
  return undefined
}

// opencontainers/go-digest, algorithm.go: the algorithms that it knows, with their lengths in hex, lower case.
const digestLengths: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 }

function digestFault(digest: string | undefined): ImageFault | undefined {
  if (digest === undefined) return undefined
  const colon = digest.indexOf(':')
  const algorithm = digest.slice(0, Math.max(colon, 0))
  const length = Object.hasOwn(digestLengths, algorithm) ? digestLengths[algorithm] : undefined
  if (length === undefined)
    return { want: 'have a digest of sha256, sha384 or sha512 after the @', got: digest }
  const encoded = digest.slice(colon + 1)
  if (encoded.length !== length)
    return { want: `have ${length} hex digits after ${algorithm}:`, got: encoded.length }
  if (!/^[a-f0-9]+$/u.test(encoded))
    return { want: `have only lower-case hex digits after ${algorithm}:`, got: encoded }
  return undefined
}

const hostLabel = /^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$/u
// RFC 1035: a name of 255 octets on the wire is at most 253 characters.
const longestHost = 253

function registryFault(registry: string): ImageFault | undefined {
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/u.exec(registry) ?? []
  if (port !== undefined && !isPort(port))
    return { want: `have a port from 1 to 65535 after ${host}:, or a tag without a slash`, got: port }
  if (host.startsWith('['))
    return isAddress(host.slice(1, -1))
      ? undefined
      : { want: 'have an IPv6 address in the brackets', got: host }
  if (host.length > longestHost)
    return { want: `have a registry of at most ${longestHost} characters`, got: host.length }
  const wrong = host.split('.').find((label) => !hostLabel.test(label))
  return wrong === undefined ? undefined : { want: 'have a host name before the first slash', got: host }
}

const isPort = (text: string): boolean =>
  /^\d{1,5}$/u.test(text) && Number(text) >= 1 && Number(text) <= 65_535

// RFC 4291: eight groups of up to four hex digits, or fewer with one "::". The grammar has no IPv4 tail and no zone.
function isAddress(text: string): boolean {
  const halves = text.split('::')
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')))
  const enough = halves.length === 1 ? groups.length === 8 : halves.length === 2 && groups.length <= 7
  return enough && groups.every((group) => /^[a-fA-F0-9]{1,4}$/u.test(group))
}

const component = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/u

function repositoryFault(repository: string): ImageFault | undefined {
  if (repository.length > longestRepository)
    return { want: `have a repository of at most ${longestRepository} characters`, got: repository.length }
  if (repository !== repository.toLowerCase())
    return { want: 'have a repository in lower case', got: repository }
  const wrong = repository.split('/').find((part) => !component.test(part))
  if (wrong === undefined) return undefined
  return wrong === ''
    ? { want: 'have no empty part between slashes', got: repository }
    : { want: 'have parts of letters and digits, with single . or _, __ or - between them', got: wrong }
}

function tagFault(tag: string | undefined): ImageFault | undefined {
  if (tag === undefined || /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/u.test(tag)) return undefined
  if (tag.length > 128) return { want: 'have a tag of at most 128 characters', got: tag.length }
  return { want: 'have a tag of letters, digits, _ . and -, not beginning with . or -', got: tag }
}

/** The whole reference, defaults written out. */
export const imageText = ({ tag, digest, ...place }: ImageReference): string =>
  `${place.registry}/${place.repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`

/** Where the image is, without which one: two references with the same place are versions of one thing. Hosts have no case. */
export const placeOf = ({ registry, repository }: ImageReference): string =>
  `${registry.toLowerCase()}/${repository}`

/** The place of an image as text; the text itself where it cannot be read, so that it equals only itself. */
export function placeOfText(text: string): string {
  const read = parseImage(text)
  return 'ok' in read ? placeOf(read.ok) : text
}

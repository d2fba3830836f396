/** Names of initContainers, as Velero derives them from images. */

/** SHA-256 in lower-case hex. */
export type Hash = (text: string) => string

// Names of containers are DNS labels.
const longestName = 63
const hashDigits = 6

/**
 * The name that `velero plugin add` would give (Velero 1.18, pkg/builder/container_builder.go, getName): the image without its
 * registry, tag and digest, in the letters of a DNS label, cut to 63 with six digits of its hash. Where Velero's is no DNS label (a
 * registry with a port and one slash, a tag beside a digest), and the API server would refuse it, ours is one.
 */
export function derivedName(image: string, hash: Hash): string {
  const bare = withoutVersion(image)
  const slash = bare.indexOf('/')
  const hasRegistry = slash === 0 || bare.indexOf('/', slash + 1) > slash
  const path = slash !== -1 && hasRegistry ? bare.slice(slash + 1) : bare
  return cutToLength(asLabel(path), hash)
}

function withoutVersion(image: string): string {
  const at = image.indexOf('@')
  const named = at > 0 ? image.slice(0, at) : image
  const colon = named.lastIndexOf(':')
  return colon > named.lastIndexOf('/') && colon > 0 ? named.slice(0, colon) : named
}

const asLabel = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/gu, '-')
    .replaceAll(/^-+|-+$/gu, '')

// Velero, pkg/label/label.go: GetValidName.
const cutToLength = (name: string, hash: Hash): string =>
  name.length <= longestName
    ? name
    : `${name.slice(0, longestName - hashDigits)}${hash(name).slice(0, hashDigits)}`

const suffixDigits = 5

/**
 * The name, or where it is taken the name with a suffix, as Velero gives one (there it is random). Ours is made of the image's
 * place, so that the same plugins get the same names every time.
 */
export function freeName(
  { name, place }: { readonly name: string; readonly place: string },
  taken: ReadonlySet<string>,
  hash: Hash,
): string {
  if (!taken.has(name)) return name
  const head = name.slice(0, longestName - suffixDigits - 1).replace(/-+$/u, '')
  for (let turn = 0; ; turn += 1) {
    const candidate = `${head}-${hash(`${place} ${turn}`).slice(0, suffixDigits)}`
    if (!taken.has(candidate)) return candidate
  }
}

/** Takes from what was played all that may differ between two servers: uids, versions, times, names of the run. */
import type { Json } from './http.ts'
import type { Played } from './random-play.ts'

/** What was played, in terms that are the same on every server. */
export type Normal = { readonly answers: readonly Json[]; readonly watches: readonly Json[] }

const time = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g
const uid = /\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b/g

/** Normalises: managed fields away if told, uids by order of appearance, versions by rank among those of objects, times away. */
export function normal({ ns, groups, answers, watches }: Played, { managedFields = true } = {}): Normal {
  const versions = ranksOf([answers, watches])
  const uids = new Map<string, string>()
  const text = (given: string): string =>
    groups
      .reduce((all, group, index) => all.replaceAll(group, `GROUP${index}`), given)
      .replaceAll(ns, 'NS')
      .replaceAll(time, 'TIME')
      .replaceAll(uid, (found) => {
        if (!uids.has(found)) uids.set(found, `uid-${uids.size}`)
        return uids.get(found) ?? ''
      })
      .replaceAll(/\((\d+)\)/g, (whole, number: string) =>
        versions.has(number) ? `(rank ${versions.get(number)})` : whole,
      )
  const value = (given: Json, key = ''): Json => {
    if (typeof given === 'string') return key === 'resourceVersion' ? versionOf(given) : text(given)
    if (Array.isArray(given))
      return (key === 'managedFields' ? sorted(given) : given).map((one) => value(one))
    if (typeof given !== 'object' || given === null) return given
    const object = given.kind === 'Status' ? orderless(given) : given
    // Uids are counted in the order in which they are met.
    const entries = Object.entries(object)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .filter(([name]) => managedFields || name !== 'managedFields')
    return Object.fromEntries(entries.map(([name, one]) => [text(name), value(one, name)]))
  }
  const versionOf = (given: string): string =>
    versions.has(given) ? `rank ${versions.get(given)}` : 'some version'
  const unlisted = (given: Json): Json =>
    given.body?.items === undefined ? given : { ...given, body: withoutPlace(given.body) }
  return {
    answers: answers.map((one) => value(unlisted(one))),
    watches: watches.map((events) => value(events)),
  }
}

// A list's version is the whole server's. The token of a page may lead to an empty one where there is a selector: the real server
// does not look further than it must.
function withoutPlace({ next, ...list }: Json): Json {
  // Null is kept apart from empty.
  const items = next === undefined ? list.items : [...(list.items ?? []), ...(next.items ?? [])]
  return { ...list, metadata: {}, items }
}

/** Entries are ordered by time, to the second: two servers may cut a second differently. */
const sorted = (entries: readonly Json[]): readonly Json[] =>
  [...entries].sort((a, b) => nameOf(a).localeCompare(nameOf(b)))

const nameOf = ({ manager, operation, subresource }: Json): string =>
  `${manager} ${operation} ${subresource ?? ''}`

/** Each version that an object had, with its rank. */
function ranksOf(given: Json): ReadonlyMap<string, number> {
  const found = new Set<string>()
  const look = (one: Json, isList = false): void => {
    if (typeof one !== 'object' || one === null) return
    for (const [key, inner] of Object.entries(one)) {
      if (key === 'resourceVersion' && typeof inner === 'string' && !isList) found.add(inner)
      else look(inner, key === 'metadata' && 'items' in one)
    }
  }
  look(given)
  const ordered = [...found].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
  return new Map(ordered.map((version, rank) => [version, rank]))
}

// The real server quotes a whole patched object, with its version and times, or the patch, in which it has left out nulls by then; and it walks maps of Go: of several causes it tells in any order, of a field that no schema knows it may
// tell alone or with others.
const severalCauses = /is invalid: \[[^]*\]$/
const wholePatch = /patch: Invalid value: "(\{[^]*\}|map\[[^]*\])": /
const untyped = /(failed to create typed patch object \([^)]*\)): [^]*$/

function orderless(status: Json): Json {
  const message = String(status.message ?? '')
    .replace(severalCauses, 'is invalid: [...]')
    .replace(untyped, '$1: ...')
    .replace(wholePatch, 'patch: Invalid value: ...: ')
  const causes = status.details?.causes
  if (causes === undefined) return { ...status, message }
  const sorted = causes
    .map(({ message, ...cause }: Json) => ({
      ...cause,
      message: String(message).replace(/^Invalid value: "(\{[^]*\}|map\[[^]*\])": /, ''),
    }))
    .sort((a: Json, b: Json) => JSON.stringify(a).localeCompare(JSON.stringify(b)))
  return { ...status, message, details: { ...status.details, causes: sorted } }
}

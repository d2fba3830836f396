/** Every limit on what a registry may cost us. All of what it sends may be hostile. */

/** The distribution specification wants registries to take manifests of 4 MiB at least; hardly any takes more. */
export const longestManifest = 4 * 1024 * 1024
/** A config holds the history and the environment: some KiB, and for the strangest images some hundred. */
export const longestConfig = 8 * 1024 * 1024
/** Tokens of large identity providers are some KiB. */
export const longestToken = 64 * 1024
/** Of an error's body, what is read for its words. */
export const longestError = 16 * 1024
/** Levels of lists and objects: an image index has 5. */
export const deepestJson = 32
/** Values and brackets of a JSON document; an index with a thousand annotated entries has some 15 000. */
export const mostJsonParts = 50_000
/** Entries of an index, layers of an image. */
export const mostEntries = 1000
/** Pages and, over all of them, entries of a list of referrers. */
export const mostPages = 20
/** Redirects followed for one request. */
export const mostRedirects = 5
/** Credentials tried for one registry. */
export const mostCredentials = 8
/** Requests to one host under way at once. */
export const mostAtOnce = 4
/** One request and its answer. */
export const attemptMs = 10_000
/** Lifetime of a token whose answer names none (distribution token specification: 60 s), the margin, and the longest believed. */
export const tokenMs = { usual: 60_000, margin: 10_000, longest: 3_600_000 }
/** Sign-ins remembered. */
export const mostSessions = 256
/** Requests for manifests that one inspection makes: an index may point to indexes. */
export const mostManifests = 16

/** When a request is made again. Retry-After is kept to if it is at most `maxSeconds`, else the registry is left alone. */
export const retries = {
  limit: 2,
  retryOn: ['429', '5xx', 'network', 'timeout'],
  initialSeconds: 1,
  factor: 2,
  maxSeconds: 5,
}

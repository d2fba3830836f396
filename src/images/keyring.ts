/**
 * Which credentials of the pull secrets are for an image: the rules of the kubelet (pkg/credentialprovider/keyring.go of
 * Kubernetes 1.36), because what is checked here is whether the kubelet will be able to pull.
 */
import { labelsOf, readLocation } from './location.ts'
import type { Location } from './location.ts'

/** What one entry of a pull secret gives. */
export type Credential = {
  readonly username: string
  readonly password: string
  /** A refresh token. The kubelet does not read it. */
  readonly identityToken?: string
  /** Whose it is, in words: `entry "ghcr.io" of Secret velero/pull`. */
  readonly from: string
}

/** One entry: what it is for, and the credential. */
export type KeyringEntry = { readonly location: string; readonly credential: Credential }

/** The entries of all pull secrets, in the order in which the secrets are listed; none: every registry is asked without credentials. */
export type Keyring = readonly KeyringEntry[]

/**
 * The credentials for `registry/repository`, the most specific first; several may match and are tried in turn. The path
 * of an entry is a prefix of text: `ghcr.io/acme` matches `ghcr.io/acme-two/x` as well, on the same host.
 */
export function credentialsFor(target: string, keyring: Keyring): readonly Credential[] {
  const keyed = keyring.flatMap(({ location, credential }) => {
    const key = keyOf(location)
    return key === undefined ? [] : [{ key, credential }]
  })
  const keys = [...new Set(keyed.map(({ key }) => key))].sort().reverse()
  const wanted = readLocation(target)
  const matching = wanted === undefined ? [] : keys.filter((key) => matches(key, wanted))
  const chosen = matching.length > 0 || !isDockerHub(target) ? matching : ['index.docker.io']
  return chosen.flatMap((key) => keyed.filter((one) => one.key === key).map(({ credential }) => credential))
}

/** Host and path of an entry: without scheme, and without the version that the Docker client writes. */
export function keyOf(location: string): string | undefined {
  const read = readLocation(location.replace(/^https?:\/\//, ''))
  if (read === undefined) return undefined
  const path = /^\/v[12]\//.test(read.path) ? read.path.slice(3) : read.path
  return path === '/' ? read.host : read.host + path
}

function matches(key: string, wanted: Location): boolean {
  const pattern = readLocation(key)
  if (pattern === undefined || !wanted.path.startsWith(pattern.path)) return false
  const glob = labelsOf(pattern)
  const host = labelsOf(wanted)
  if (glob.port !== host.port || glob.labels.length !== host.labels.length) return false
  return glob.labels.every((label, index) => matchesLabel(label, host.labels[index] ?? ''))
}

/** `*` stands for any number of characters. The parts between are looked for in order, so the time is linear. */
function matchesLabel(pattern: string, label: string): boolean {
  const [head = '', ...rest] = pattern.split('*')
  if (rest.length === 0) return pattern === label
  const tail = rest.pop() ?? ''
  if (!label.startsWith(head) || label.length < head.length + tail.length || !label.endsWith(tail))
    return false
  let from = head.length
  for (const part of rest) {
    const at = label.indexOf(part, from)
    if (at < 0) return false
    from = at + part.length
  }
  return from <= label.length - tail.length
}

function isDockerHub(target: string): boolean {
  const [host = '', ...path] = target.split('/')
  if (host === '') return false
  return path.length === 0 || host === 'docker.io' || host === 'index.docker.io' || !/[.:]/.test(host)
}

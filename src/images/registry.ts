/** A client of OCI registries (distribution specification 1.1), for reading only. */
import { ask } from './ask.ts'
import type { Asking, Get, Wish } from './ask.ts'
import { digestOf, isDigest } from './digest.ts'
import type { Descriptor } from './fields.ts'
import { createLanes } from './lanes.ts'
import { longestConfig, longestManifest, mostAtOnce } from './limits.ts'
import { acceptedManifests, readManifest } from './manifest.ts'
import type { Manifest } from './manifest.ts'
import type { Access, Answered, Image, Outcome, Ports } from './ports.ts'
import { nameOf } from './names.ts'
import { referrersOf } from './referrers.ts'
import { Sessions } from './sessions.ts'
import { directoryOf } from './settings.ts'
import type { RegistrySettings } from './settings.ts'
import type { Trouble } from './trouble.ts'

/** Reads registries. Nothing rejects for what a registry does. */
export type Registry = {
  /** Whether it speaks the protocol, and takes the credentials. */
  readonly ping: (registry: string, access: Access) => Promise<Outcome<true>>
  /** The digest that a tag has now as the registry says it, unverified: cheap, for noticing that a tag moved. */
  readonly head: (image: Image, access: Access) => Promise<Outcome<string>>
  /** A manifest or index; its digest is computed from its bytes, and is the one that was asked for, if one was. */
  readonly manifest: (image: Image, access: Access) => Promise<Outcome<Manifest>>
  /** A small blob, such as a config: exactly the bytes that the descriptor promises. */
  readonly blob: (image: Image, descriptor: Descriptor, access: Access) => Promise<Outcome<Uint8Array>>
  /** What refers to a digest: signatures and attestations. */
  readonly referrers: (
    image: Image,
    digest: string,
    access: Access,
  ) => Promise<Outcome<readonly Descriptor[]>>
}

/** Makes a client; sign-ins are remembered as long as it lives. */
export function createRegistry(ports: Ports, settings: readonly RegistrySettings[] = []): Registry {
  const world: Asking = {
    ...ports,
    directory: directoryOf(settings),
    sessions: new Sessions(ports.clock),
    lanes: createLanes(mostAtOnce),
  }
  const get: Get = (wish, image, access) => ask(wish, { image, access }, world)
  return {
    ping: (registry, access) => get(pingOf(registry), { registry, repository: '' }, access),
    head: (image, access) => get(headOf(image), image, access),
    manifest: (image, access) => get(manifestOf(image), image, access),
    blob: (image, descriptor, access) => get(blobOf(image, descriptor), image, access),
    referrers: (image, digest, access) => referrersOf(get, { image, digest }, access),
  }
}

const common = { method: 'GET', accept: acceptedManifests, maxBytes: longestManifest } as const

const pingOf = (registry: string): Wish<true> => ({
  ...common,
  what: `to speak with the registry ${registry}`,
  path: '',
  accept: 'application/json',
  take: () => ({ ok: true }),
})

const referenceOf = ({ tag, digest }: Image): string => digest ?? tag ?? 'latest'

function headOf(image: Image): Wish<string> {
  return {
    ...common,
    method: 'HEAD',
    what: `the digest of ${nameOf(image)}`,
    path: `manifests/${referenceOf(image)}`,
    take: ({ headers }) => {
      const digest = headers['docker-content-digest']
      return isDigest(digest)
        ? { ok: digest }
        : { code: 'BAD_ANSWER', got: 'no header Docker-Content-Digest' }
    },
  }
}

function manifestOf(image: Image): Wish<Manifest> {
  return {
    ...common,
    what: `the manifest of ${nameOf(image)}`,
    path: `manifests/${referenceOf(image)}`,
    take: (answer) => takeManifest(answer, image.digest),
  }
}

function takeManifest(
  { body, headers }: Answered,
  wanted: string | undefined,
): { readonly ok: Manifest } | Trouble {
  // What it was asked for by counts, and else what it says itself: a hint that is checked where it can be.
  for (const said of [wanted, headers['docker-content-digest']]) {
    if (isDigest(said) && digestOf(body, said) !== said)
      return {
        code: 'DIGEST_MISMATCH',
        got: `${body.byteLength} bytes with the digest ${digestOf(body, said)} instead of ${said}`,
      }
  }
  const read = readManifest(body, { contentType: headers['content-type'], wanted })
  return 'ok' in read ? read : { code: 'BAD_ANSWER', got: read.problem }
}

function blobOf(image: Image, { digest, size }: Descriptor): Wish<Uint8Array> {
  const maxBytes = Math.min(size, longestConfig)
  return {
    ...common,
    what: `the blob ${digest} of ${nameOf(image)}`,
    path: `blobs/${digest}`,
    accept: '*/*',
    maxBytes,
    take: ({ body }) => {
      if (body.byteLength === size && digestOf(body, digest) === digest) return { ok: body }
      const got = `${body.byteLength} bytes with the digest ${digestOf(body, digest)} instead of ${size} bytes with ${digest}`
      return { code: 'DIGEST_MISMATCH', got }
    },
  }
}

/** What the registry says of an image, with as few calls as the checks can do with: every pull is counted somewhere. */
import { imageText, placeOf, type ImageReference } from '../core/image.ts'
import { registryCodes } from '../core/plugin-check/failure.ts'
import { tagUnmoved, tagUnseen } from '../core/plugin-check/moved.ts'
import { platformSupported } from '../core/plugin-check/platform-check.ts'
import { platformText, type Platform } from '../core/plugin-check/platform.ts'
import { manifestReachable, type Looked } from '../core/plugin-check/reachable.ts'
import type { CheckResult } from '../core/plugin-check/result.ts'
import { shapeValid } from '../core/plugin-check/shape.ts'
import { unlessAborted } from '../until.ts'
import type { CheckPorts, HeadOf, RegistryView, Within } from './ports.ts'

/** Which image, and until when. */
export type Look = {
  readonly reference: ImageReference
  /** See Checking. */
  readonly pinnedBefore: string | undefined
  readonly within: Within
}

/** What was found, and what is to be pinned. */
export type Found = { readonly results: readonly CheckResult[]; readonly digest: string | undefined }

/** Looks at the image that is used: by the digest that is pinned, which may be another than the tag has by now. */
export async function lookAt(look: Look, view: RegistryView, ports: CheckPorts): Promise<Found> {
  const { reference, pinnedBefore, within } = look
  const nodes = await nodesOf(within, ports)
  const pin = reference.digest ?? pinnedBefore
  const head =
    pin === undefined || reference.digest !== undefined ? undefined : await view.digestOf(reference, within)
  const looked =
    pin === undefined
      ? await view.inspect(reference, nodes, within)
      : await byDigest({ look, pin, nodes, head }, view, ports)
  const reachable = manifestReachable(looked)
  if (!('ok' in looked)) return { results: [reachable, ...tagOf(look, head)], digest: pin }
  const image = looked.ok
  ports.inspections?.keep(keyOf(reference, image.digest, nodes), image)
  const moved = tagOf(look, head ?? { ok: image.digest })
  return {
    results: [reachable, ...moved, platformSupported(image, nodes), shapeValid(image)],
    digest: pin ?? image.digest,
  }
}

async function nodesOf({ signal }: Within, ports: CheckPorts): Promise<readonly Platform[]> {
  try {
    return await unlessAborted(signal, ports.nodesOf(signal))
  } catch {
    // The check says that no node is known; whoever reads them says why.
    return []
  }
}

type Pinned = {
  readonly look: Look
  readonly pin: string
  readonly nodes: readonly Platform[]
  /** What was said of the tag. */
  readonly head: HeadOf | undefined
}

async function byDigest(pinned: Pinned, view: RegistryView, ports: CheckPorts): Promise<Looked> {
  const { look, pin, nodes, head } = pinned
  // Whoever does not answer now does not answer the next question either.
  if (head !== undefined && 'failed' in head && registryCodes[head.failed.code].passing) return head
  const { registry, repository } = look.reference
  const image = { registry, repository, digest: pin }
  const known = ports.inspections?.get(keyOf(look.reference, pin, nodes))
  if (known === undefined) return view.inspect(image, nodes, look.within)
  // What a digest names never changes; whether it is still given to us may.
  const still = isOf(head, pin) ? head : await view.digestOf(image, look.within)
  if (isOf(still, pin)) return { ok: known }
  return 'failed' in still ? still : view.inspect(image, nodes, look.within)
}

const isOf = (head: HeadOf | undefined, digest: string): head is { readonly ok: string } =>
  head !== undefined && 'ok' in head && head.ok === digest

const keyOf = (reference: ImageReference, digest: string, nodes: readonly Platform[]): string =>
  `${placeOf(reference)}@${digest} ${[...new Set(nodes.map(platformText))].sort().join(' ')}`

function tagOf({ reference, pinnedBefore }: Look, now: HeadOf | undefined): readonly CheckResult[] {
  if (now === undefined) return []
  if ('failed' in now) return [tagUnseen(now.failed)]
  const { digest, tag = 'latest', ...place } = reference
  const name = imageText({ ...place, tag })
  return [tagUnmoved({ name, tag: digest === undefined ? tag : undefined }, pinnedBefore, now.ok)]
}

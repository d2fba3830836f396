/** Whether there is an image for every node that Velero may run on. */
import type { Inspection } from './image-config.ts'
import { bestFor, platformText } from './platform.ts'
import type { Platform } from './platform.ts'
import type { CheckResult } from './result.ts'

const shownPlatforms = 10

/** Compares what is offered with the platforms of the nodes. */
export function platformSupported({ platforms }: Inspection, nodes: readonly Platform[]): CheckResult {
  const check = 'PlatformSupported'
  if (nodes.length === 0)
    return {
      check,
      ok: undefined,
      reason: 'NodesUnknown',
      message: 'no node with a platform is known to compare with',
    }
  const offered = platforms.map((platform) => ({ platform }))
  const lacking = [...new Set(nodes.filter((node) => bestFor(node, offered) === undefined).map(platformText))]
  if (lacking.length === 0)
    return { check, ok: true, reason: 'PlatformFits', message: `it is built for ${listed(nodes)}` }
  const some = lacking.length < new Set(nodes.map(platformText)).size
  return {
    check,
    ok: false,
    reason: some ? 'PlatformMissingOnSomeNodes' : 'PlatformMissing',
    message:
      `wanted an image for ${lacking.slice(0, shownPlatforms).join(', ')}, got ${listed(platforms)}. ` +
      `Push an image for it, or keep Velero off those nodes`,
  }
}

function listed(platforms: readonly Platform[]): string {
  const texts = [...new Set(platforms.map(platformText))]
  const more = texts.length > shownPlatforms ? ` and ${texts.length - shownPlatforms} more` : ''
  return texts.length === 0 ? 'none' : texts.slice(0, shownPlatforms).join(', ') + more
}

/** Whether images may come from a registry at all. */
import { imageText, type ImageReference } from '../image.ts'
import type { CheckResult } from './result.ts'

// Docker Hub's names are older than its registry (images/settings.ts).
const hubNames: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io'])

/** `HOST[:PORT][/PATH]` with one spelling: hosts have no case, 443 is the port of HTTPS. */
function plain(place: string): string {
  const slash = place.indexOf('/')
  const host = (slash === -1 ? place : place.slice(0, slash)).toLowerCase().replace(/:443$/u, '')
  return (
    (hubNames.has(host) ? 'docker.io' : host) + (slash === -1 ? '' : place.slice(slash).replace(/\/+$/u, ''))
  )
}

/** Judges by the list of an install: each entry is a registry, or a path in one that stands for all below it. Empty: all may be used. */
export function registryAllowed(reference: ImageReference, allowed: readonly string[]): CheckResult {
  const check = 'RegistryAllowed'
  if (allowed.length === 0)
    return { check, ok: true, reason: 'AllAllowed', message: 'images may come from any registry' }
  const place = plain(`${reference.registry}/${reference.repository}`)
  const entry = allowed.find((one) => place === plain(one) || place.startsWith(`${plain(one)}/`))
  if (entry !== undefined) return { check, ok: true, reason: 'Allowed', message: `${entry} is allowed` }
  const message =
    `wanted an image from ${allowed.slice(0, shownEntries).join(', ')}${allowed.length > shownEntries ? ' or others that are allowed' : ''}, ` +
    `got ${imageText(reference)}. Use one from there, or add its registry to "allowed" in the settings of registries`
  return { check, ok: false, reason: 'NotAllowed', message }
}

const shownEntries = 10

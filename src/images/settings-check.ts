/** What is wrong with the settings of registries, so that a mistake is told at the start and not at the first image. */
import type { RegistrySettings } from './settings.ts'

/** A sentence for each problem; `pemProblem` says in a phrase what is wrong with PEM certificates. */
export function settingsProblems(
  all: readonly RegistrySettings[],
  pemProblem: (pem: string) => string | undefined,
): readonly string[] {
  return all.flatMap((settings, index) => [
    ...oneHost(settings, 'registry', settings.registry),
    ...twice(all, index),
    ...(settings.mirrors ?? []).flatMap((mirror) => mirrorProblem(settings, mirror)),
    ...(settings.realms ?? []).flatMap((realm) => oneHost(settings, 'realms', realm)),
    ...certificates(settings, pemProblem),
  ])
}

// As references write hosts (distribution reference grammar): names, IPv4, IPv6 in brackets, each with or without a port.
const host =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/
const path = /^(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/

const isHost = (text: string): boolean => host.test(text) && URL.canParse(`https://${text}/`)

function oneHost({ registry }: RegistrySettings, field: string, text: string): readonly string[] {
  if (isHost(text)) return []
  return [`${field} of registry ${quoted(registry)} must be HOST or HOST:PORT, got ${quoted(text)}`]
}

function mirrorProblem({ registry }: RegistrySettings, mirror: string): readonly string[] {
  const slash = mirror.indexOf('/')
  const at = slash < 0 ? mirror : mirror.slice(0, slash)
  if (isHost(at) && path.test(slash < 0 ? '' : mirror.slice(slash))) return []
  const got = quoted(mirror)
  return [`mirrors of registry ${quoted(registry)} must be HOST[:PORT][/PATH], without https://, got ${got}`]
}

function twice(all: readonly RegistrySettings[], index: number): readonly string[] {
  const { registry } = all[index] ?? { registry: '' }
  const before = all.slice(0, index).some((other) => other.registry.toLowerCase() === registry.toLowerCase())
  return before ? [`registry ${quoted(registry)} has settings twice. Put them together`] : []
}

function certificates(
  { registry, ca, plainHttp }: RegistrySettings,
  pemProblem: (pem: string) => string | undefined,
): readonly string[] {
  if (ca === undefined) return []
  if (plainHttp === true)
    return [`registry ${quoted(registry)} has a CA and is set to plain HTTP. Leave one out`]
  const problem = pemProblem(ca)
  return problem === undefined
    ? []
    : [`ca of registry ${quoted(registry)} must be PEM certificates, but ${problem}`]
}

const quoted = (text: string): string => JSON.stringify(text.slice(0, 200))

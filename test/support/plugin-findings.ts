/** What is known of plugins, for tests that ask what follows from it. */
import type { CheckResult, ImageCheck } from '../../src/core/plugin-check/result.ts'
import type { DeclaredPlugin } from '../../src/core/plugin/declared.ts'
import type { PluginFindings, Standing } from '../../src/core/plugin/findings.ts'

/** A digest of one letter. */
export const digestOf = (letter: string): string => `sha256:${letter.repeat(64)}`

const checks: readonly ImageCheck[] = [
  'ReferenceValid',
  'RegistryAllowed',
  'PullSecretValid',
  'ManifestReachable',
  'PlatformSupported',
  'ShapeValid',
]

/** Findings in which these checks failed. */
export const findingsOf = (
  plugin: DeclaredPlugin,
  failed: readonly ImageCheck[],
  digest: string | undefined,
): PluginFindings => ({
  plugin,
  digest,
  results: checks.map((check): CheckResult => {
    const ok = !failed.includes(check)
    return { check, ok, reason: ok ? 'Fine' : 'NoPlugin', message: `${check} was wanted` }
  }),
})

/** Findings that come to this; what is Unknown is so because its registry does not answer. */
export function aFinding(plugin: DeclaredPlugin, standing: Standing, digest?: string): PluginFindings {
  const found = findingsOf(plugin, standing === 'NotReady' ? ['ShapeValid'] : [], digest)
  if (standing !== 'Unknown') return found
  const silent = {
    check: 'ManifestReachable',
    ok: undefined,
    reason: 'Timeout',
    message: 'no answer',
  } as const
  return {
    plugin,
    digest: undefined,
    results: found.results.map((result) => (result.check === silent.check ? silent : result)),
  }
}

/** Whether the registry gave the image. */
import { registryCodes } from './failure.ts'
import type { RegistryFailure } from './failure.ts'
import type { Inspection } from './image-config.ts'
import type { CheckResult } from './result.ts'

/** What asking the registry came to. */
export type Looked = { readonly ok: Inspection } | { readonly failed: RegistryFailure }

/** A failure that may pass by itself leaves the check undecided: a registry that is down is no reason to call an image wrong. */
export function manifestReachable(looked: Looked): CheckResult {
  if ('ok' in looked)
    return {
      check: 'ManifestReachable',
      ok: true,
      reason: 'Reachable',
      message: `its digest is ${looked.ok.digest}`,
    }
  const { code, message } = looked.failed
  const { reason, passing } = registryCodes[code]
  return { check: 'ManifestReachable', ok: passing ? undefined : false, reason, message }
}

/** The probe: a dry-run CREATE that we send ourselves through the API server, to see that it asks us. */
import type { AdmissionRequest } from './admission-request.ts'
import { deny, type Verdict } from './verdict.ts'

/** The name of the Backup that is never created. */
export const probeName = 'tidewaiter-probe'
/** What only our webhook answers to it. */
export const probeMessage = 'tidewaiter probe: reached'

/** The answer to a probe, or undefined if the request is none. A person's dry run of that name gets the same answer. */
export function probed(request: AdmissionRequest): Verdict | undefined {
  return request.dryRun && request.operation === 'CREATE' && request.name === probeName
    ? deny('Probe', probeMessage)
    : undefined
}

/** The world of the webhooks on Velero's Deployments and on VeleroPlugins, and requests to put to them. */
import type { Known, PluginPorts } from '../../src/admission/plugin-ports.ts'
import type { AdmissionRequest } from '../../src/core/admission-request.ts'
import { textAt } from '../../src/core/velero.ts'
import { hash } from '../../src/wiring/crypto.ts'

/** Ports of a namespace in which this is known. */
export const pluginPorts = (known: Partial<Known> = {}, given: Partial<PluginPorts> = {}): PluginPorts => ({
  isOn: true,
  hash,
  declared: async () => [],
  known: async () => ({ findings: [], problems: [], warnings: [], accountSecrets: [], ...known }),
  ...given,
})

/** A CREATE of this object, or an UPDATE where `oldObject` is given, by ann. */
export const aWrite = (object: unknown, given: Partial<AdmissionRequest> = {}): AdmissionRequest => ({
  uid: 'request-1',
  kind: { group: 'apps', version: 'v1', kind: textAt(object, 'kind') },
  resource: { group: 'apps', version: 'v1', resource: `${textAt(object, 'kind').toLowerCase()}s` },
  operation: given.oldObject === undefined ? 'CREATE' : 'UPDATE',
  name: textAt(object, 'metadata', 'name'),
  namespace: 'velero',
  user: { username: 'ann', groups: [], extra: {} },
  object,
  oldObject: null,
  dryRun: false,
  timeoutMs: 10_000,
  receivedAt: 0,
  signal: () => new AbortController().signal,
  ...given,
})

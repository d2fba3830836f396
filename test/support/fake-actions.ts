/** The world of the webhooks on Actions, and requests to put to them. */
import type { ActionPorts } from '../../src/admission/action-ports.ts'
import { parseAction } from '../../src/api/parse.ts'
import type { AdmissionRequest } from '../../src/core/admission-request.ts'
import { authorAnnotation, stamp as makeStamp } from '../../src/core/author.ts'
import { textAt } from '../../src/core/velero.ts'
import { veleroUser } from './fake-gate.ts'

/** Ports in which everything is allowed and every Secret is right. */
export const actionPorts = (given: Partial<ActionPorts> = {}): ActionPorts => ({
  parse: parseAction,
  tools: { checkExpression: () => undefined, unknownFields: () => [], parsePem: () => undefined },
  stampTools: () => ({ hash: (text) => text, sign: (text) => text }),
  minimalSpec: (spec) => spec,
  isVelero: ({ username }) => username === veleroUser,
  mayGetSecret: async () => true,
  mayUseAccount: async () => true,
  mayBecome: async () => true,
  secret: async () => ({ labelled: true, keys: ['k'] }),
  ...given,
})

/** A CREATE of this Action by ann. */
export function anActionRequest(
  object: unknown,
  {
    username = 'ann',
    stamp = true,
    ...given
  }: Partial<AdmissionRequest> & { readonly username?: string; readonly stamp?: boolean } = {},
): AdmissionRequest {
  return {
    uid: 'request-1',
    kind: { group: 'tidewaiter.io', version: 'v1beta1', kind: 'Action' },
    resource: { group: 'tidewaiter.io', version: 'v1beta1', resource: 'actions' },
    operation: 'CREATE',
    name: textAt(object, 'metadata', 'name'),
    namespace: 'velero',
    user: { username, groups: [], extra: {} },
    object: stamp ? stampedObject(object, username) : object,
    oldObject: null,
    dryRun: false,
    timeoutMs: 10_000,
    receivedAt: 0,
    signal: () => new AbortController().signal,
    ...given,
  }
}

/** The object as the mutating webhook hands it on: stamped with the tools of `actionPorts`. */
function stampedObject(object: unknown, username: string): unknown {
  if (typeof object !== 'object' || object === null || !('metadata' in object)) return object
  const metadata = object.metadata as { readonly annotations?: object }
  const at = {
    namespace: 'velero',
    name: textAt(object, 'metadata', 'name'),
    spec: 'spec' in object ? object.spec : undefined,
  }
  const mark = makeStamp({ username, groups: [] }, at, { hash: (text) => text, sign: (text) => text })
  return {
    ...object,
    metadata: { ...metadata, annotations: { ...metadata.annotations, [authorAnnotation]: mark } },
  }
}

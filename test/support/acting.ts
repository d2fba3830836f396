/** Actions that call the Kubernetes API, performed on the sandbox's API server: as an account with the rights that a test gives it. */
import type { Test } from 'tap'
import { createPerformer } from '../../src/actions/perform.ts'
import type { Performance } from '../../src/actions/ports.ts'
import type { ActionSpec } from '../../src/api/action.ts'
import { parse } from '../../src/api/parse.ts'
import { actionKind } from '../../src/api/action.ts'
import { createCel } from '../../src/cel/cel.ts'
import type { Before } from '../../src/core/run/before.ts'
import { createAccessReview } from '../../src/kube/access-review.ts'
import { createKubeClient } from '../../src/kube/client.ts'
import { startApiServer, type ApiServer } from '../../src/sandbox/apiserver/server.ts'
import { systemClock } from '../../src/system-clock.ts'
import { createActors } from '../../src/wiring/actors.ts'
import { FakeLog } from './fake-log.ts'

/** The account for which the actions of a test act. */
export const account = 'system:serviceaccount:velero:quiescer'

type Options = NonNullable<Parameters<typeof startApiServer>[0]>
type Grants = NonNullable<NonNullable<Options['users']>[number]['grants']>

/** What a test performs with. */
export type Acting = {
  readonly api: ApiServer
  /** Performs a spec, of which a test says only its body and what it is about. */
  readonly perform: (
    spec: Readonly<Record<string, unknown>>,
    performance?: Partial<Performance>,
  ) => ReturnType<ReturnType<typeof createPerformer>>
  /** What was kept, oldest first. */
  readonly kept: Before[]
  /** A call as an administrator; resolves with the object. */
  readonly call: (
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
  ) => Promise<unknown>
}

/** Starts an API server on which the account has these rights. */
export async function startActing(t: Test, grants: Grants): Promise<Acting> {
  const everything = { verbs: ['*'], resources: ['*'] }
  const api = await startApiServer({
    users: [
      { name: 'tidewaiter', token: 'ours', grants: [everything] },
      { name: account, token: 'its', grants },
    ],
  })
  t.teardown(() => api.stop())
  const client = clientOf(api, 'ours')
  const admin = clientOf(api, api.token('admin'))
  t.teardown(() => Promise.all([client.close(), admin.close()]))
  const review = createAccessReview({ client, clock: systemClock })
  const actors = createActors({ client, review, clock: systemClock, isVelero: () => false })
  const cel = createCel()
  const kept: Before[] = []
  const by = { author: { username: 'tidewaiter', groups: [] }, namespace: 'velero' }
  const performer = createPerformer({
    clock: systemClock,
    log: new FakeLog(),
    send: () => Promise.reject(new Error('no calls here')),
    secret: async () => ({ refused: 'there is none' }),
    actor: (name) => actors(name, by),
    evaluate: cel.evaluate,
    reads: cel.selections,
    userAgent: 'test',
  })
  return {
    api,
    kept,
    perform: (spec, performance) =>
      performer({
        action: { name: '10-a', spec: specOf(spec) },
        idempotencyKey: 'u/PreBackup/10-a',
        traceparent: '00-1-1-01',
        variables: { backup: { metadata: { name: 'b1' } }, outputs: {}, stage: 'PreBackup' },
        endsAt: systemClock.now() + 20_000,
        signal: new AbortController().signal,
        renderOnly: false,
        rehearse: false,
        revert: false,
        before: undefined,
        remember: async (before) => {
          kept.push(before)
          return { ok: true }
        },
        ...performance,
      }),
    call: (method, path, body) =>
      admin.request({
        method,
        path,
        body,
        ...(method === 'PATCH' ? { contentType: 'application/merge-patch+json' } : {}),
      }),
  }
}

function clientOf(api: ApiServer, token: string) {
  return createKubeClient({
    access: {
      server: api.url,
      ca: api.ca,
      auth: async () => ({ authorization: `Bearer ${token}` }),
      inCluster: false,
      skipTlsVerify: false,
      warnings: [],
    },
    clock: systemClock,
    log: new FakeLog(),
    userAgent: 'test',
  })
}

/** As it was applied: what the declaration refuses is no test of a runner. */
function specOf(spec: Readonly<Record<string, unknown>>): ActionSpec {
  const undo = spec['scale'] === undefined ? {} : { undo: { revert: true } }
  const whole = {
    stage: 'PreBackup',
    timeoutSeconds: 10,
    serviceAccountName: 'quiescer',
    ...undo,
    ...spec,
  }
  const parsed = parse(actionKind.spec, whole, 'spec')
  if ('problems' in parsed) throw new TypeError(JSON.stringify(parsed.problems))
  return parsed.ok
}

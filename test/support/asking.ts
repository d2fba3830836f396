/** Asking an API server of the sandbox, and waiting for what is to come. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecureContext } from 'node:tls'
import type { Test } from 'tap'
import { Agent, interceptors, request } from 'undici'
import type { ApiServer } from '../../src/sandbox/apiserver/server.ts'

/** An object of the API: tests look into it as they like. */
export type Loose = any // eslint-disable-line typescript/no-explicit-any

/** Somebody's answer from the API server. */
export type Answer = {
  readonly status: number
  readonly body: Loose
  readonly warnings: readonly string[]
}

type About = { readonly body?: unknown; readonly as?: string; readonly type?: string }
/** Calls an API server. */
export type Call = (method: string, path: string, about?: About) => Promise<Answer>

const paths: Readonly<Record<string, string>> = {
  backups: '/apis/velero.io/v1/namespaces/velero/backups',
  restores: '/apis/velero.io/v1/namespaces/velero/restores',
  schedules: '/apis/velero.io/v1/namespaces/velero/schedules',
  actions: '/apis/tidewaiter.io/v1beta1/namespaces/velero/actions',
  actionruns: '/apis/tidewaiter.io/v1beta1/namespaces/velero/actionruns',
  veleroplugins: '/apis/tidewaiter.io/v1beta1/namespaces/velero/veleroplugins',
  events: '/api/v1/namespaces/velero/events',
}
/** The path of a collection of Velero's namespace, or of one object in it. */
export const pathOf = (plural: string, name?: string): string =>
  name === undefined ? (paths[plural] ?? plural) : `${paths[plural]}/${name}`

/** Calls an API server of the sandbox, as admin unless told. */
export function callerOf(t: Pick<Test, 'teardown'>, api: ApiServer): Call {
  // One context for all its connections: a test of a whole system makes hundreds, and would read the certificate for each.
  const agent = new Agent({ connect: { secureContext: createSecureContext({ ca: api.ca }) } }).compose(
    interceptors.retry({
      maxRetries: 3,
      minTimeout: 10,
      methods: ['GET'],
      statusCodes: [],
      throwOnError: false,
    }),
  )
  t.teardown(() => agent.destroy())
  return async (method, path, { body, as = 'admin', type = 'application/json' } = {}) => {
    const answer = await request(`${api.url}${path}`, {
      dispatcher: agent,
      method: method as 'GET',
      // A write on a connection of its own: none that was kept is found closed after a restart. Reads are tried again.
      reset: method !== 'GET',
      headers: { authorization: `Bearer ${api.token(as)}`, 'content-type': type },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const warning = answer.headers['warning'] ?? []
    const text = await answer.body.text()
    return {
      status: answer.statusCode,
      body: text === '' ? undefined : JSON.parse(text),
      warnings: [warning].flat().map(warningText),
    }
  }
}

const warningText = (header: string): string =>
  Buffer.from(/^299 \S+ "(.*)"$/s.exec(header)?.[1] ?? header, 'latin1')
    .toString()
    .replaceAll(/\\(.)/g, '$1')

/**
 * Looks until something else than undefined is found, seldom if a look is costly; fails after ten seconds, or as many as told.
 * The longer it waits the less often it looks, down to ten times a second: many tests at once would do little else.
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  { everyMs = 20, seconds = 10 }: { readonly everyMs?: number; readonly seconds?: number } = {},
): Promise<T> {
  for (let waited = 0; waited < seconds * 1000;) {
    const found = await look()
    if (found !== undefined) return found
    const pause = Math.max(everyMs, Math.min(100, waited / 8))
    await sleep(pause)
    waited += pause
  }
  throw new Error(`waited ${seconds} seconds, and it was not so: ${what}`)
}

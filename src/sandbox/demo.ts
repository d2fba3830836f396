/** The demo: what is sent to the API server, and what came of it. The story tells it. */
import { Agent, request } from 'undici'
import type { Clock } from './apiserver/clock.ts'
import { at, isObject, listAt, textAt, type Json, type JsonObject } from './apiserver/json.ts'
import type { Shop } from './shop.ts'

/** Where the demo plays. */
export type Stage = {
  readonly url: string
  readonly ca: string
  readonly token: string
  readonly clock: Clock
  readonly shop: Shop
}

/** What the demo makes. */
export type Made = { readonly kind: 'Backup' | 'Restore'; readonly name: string; readonly spec: JsonObject }

/** What happened to a Backup or Restore. */
export type Attempt = { readonly name: string; readonly ms: number; readonly refusal: string | undefined }

/** The demo, scene by scene. */
export type Demo = {
  readonly actions: () => Promise<void>
  readonly create: (made: Made) => Promise<Attempt>
  /** The phases that it goes through, until it has ended. */
  readonly phases: (made: Made) => Promise<readonly string[]>
  /** The run of a stage for it, when it has settled. */
  readonly run: (made: Made, stage: string) => Promise<{ readonly name: string; readonly phase: string }>
  readonly close: () => Promise<void>
}

const velero = '/apis/velero.io/v1/namespaces/velero'
const ours = '/apis/tidewaiter.io/v1beta1/namespaces/velero'
const plural = { Backup: 'backups', Restore: 'restores' } as const
const lookMs = 20
const longestMs = 20_000
const ends = ['Completed', 'PartiallyFailed', 'Failed', 'FailedValidation']

/** The names of the Actions of the demo. */
export const names = {
  quiesce: '10-quiesce-shop',
  resume: '90-resume-shop',
  stop: '10-stop-shop',
  start: '90-start-shop',
}

/** The Actions of the demo. */
export function demoActions(shopUrl: string): readonly JsonObject[] {
  const action = (name: string, spec: JsonObject): JsonObject => ({
    apiVersion: 'tidewaiter.io/v1beta1',
    kind: 'Action',
    metadata: { name, namespace: 'velero' },
    spec: { match: { includedNamespaces: ['shop'] }, ...spec },
  })
  return [
    action(names.quiesce, {
      stage: 'PreBackup',
      timeoutSeconds: 5,
      retry: { limit: 1, initialSeconds: 0 },
      http: { url: `${shopUrl}/quiesce`, body: { backup: '${backup.metadata.name}' } },
    }),
    action(names.resume, {
      stage: 'PostBackup',
      timeoutSeconds: 30,
      retry: { limit: 3 },
      http: {
        url: `${shopUrl}/resume`,
        body: { backup: '${backup.metadata.name}', phase: '${backup.status.phase}' },
      },
    }),
    action(names.stop, {
      stage: 'PreRestore',
      timeoutSeconds: 5,
      http: { url: `${shopUrl}/stop`, body: { from: '${restore.spec.backupName}' } },
    }),
    action(names.start, {
      stage: 'PostRestore',
      timeoutSeconds: 30,
      retry: { limit: 3 },
      http: {
        url: `${shopUrl}/start`,
        body: { restore: '${restore.metadata.name}', phase: '${restore.status.phase}' },
      },
    }),
  ]
}

/** A demo on a stage. */
export function createDemo({ url, ca, token, clock, shop }: Stage): Demo {
  const agent = new Agent({ connect: { ca } })
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'user-agent': 'tidewaiter-demo',
  }
  const call = async (
    method: 'GET' | 'POST',
    path: string,
    body?: JsonObject,
  ): Promise<{ readonly code: number; readonly body: JsonObject }> => {
    const answer = await request(`${url}${path}`, {
      dispatcher: agent,
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const value = JSON.parse(await answer.body.text()) as Json
    return { code: answer.statusCode, body: isObject(value) ? value : {} }
  }
  const until = async <T>(what: string, look: () => Promise<T | undefined>): Promise<T> => {
    for (const end = clock.now() + longestMs; clock.now() < end; await pause(clock)) {
      const found = await look()
      if (found !== undefined) return found
    }
    throw new Error(`the demo waited ${longestMs / 1000} s for ${what}`)
  }
  return {
    actions: async () => {
      for (const action of demoActions(shop.url)) {
        const { code, body } = await call('POST', `${ours}/actions`, action)
        if (code !== 201) throw new Error(`an Action of the demo was refused: ${textAt(body, 'message')}`)
      }
    },
    create: async ({ kind, name, spec }) => {
      const began = clock.now()
      const { code, body } = await call('POST', `${velero}/${plural[kind]}`, {
        apiVersion: 'velero.io/v1',
        kind,
        metadata: { name, namespace: 'velero' },
        spec,
      })
      return { name, ms: clock.now() - began, refusal: code === 201 ? undefined : textAt(body, 'message') }
    },
    phases: async ({ kind, name }) => {
      const query = `watch=true&timeoutSeconds=${longestMs / 1000}&resourceVersion=0&fieldSelector=metadata.name%3D${name}`
      const answer = await request(`${url}${velero}/${plural[kind]}?${query}`, { dispatcher: agent, headers })
      return phasesIn(answer.body.setEncoding('utf8'))
    },
    run: ({ kind, name }, stage) =>
      until(`the ${stage} run of ${name}`, async () => {
        const { body } = await call(
          'GET',
          `${ours}/actionruns?labelSelector=tidewaiter.io/${kind.toLowerCase()}-name%3D${name}`,
        )
        const found = listAt(body, 'items')
          .filter((one) => textAt(one, 'spec', 'stage') === stage)
          .at(-1)
        if (at(found, 'status', 'completionTimestamp') === undefined) return undefined
        return { name: textAt(found, 'metadata', 'name'), phase: textAt(found, 'status', 'phase') }
      }),
    close: () => agent.destroy(),
  }
}

const pause = (clock: Clock): Promise<void> => new Promise((resolve) => void clock.after(lookMs, resolve))

async function phasesIn(lines: AsyncIterable<string>): Promise<readonly string[]> {
  const seen: string[] = []
  let rest = ''
  for await (const chunk of lines) {
    const complete = (rest + chunk).split('\n')
    rest = complete.pop() ?? ''
    for (const line of complete) {
      const phase = textAt(JSON.parse(line) as Json, 'object', 'status', 'phase')
      if (phase !== '' && phase !== seen.at(-1)) seen.push(phase)
      if (ends.includes(phase)) return seen
    }
  }
  throw new Error(`the demo expected an end, and the last phase was ${seen.at(-1) ?? 'none'}`)
}

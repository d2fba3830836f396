/** Histories for tests: real files, real threads, which several of them have one after another. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { AdmissionDecision, DecisionSpec, DecisionStatus } from '../../../src/api/admission-decision.ts'
import type { Clock } from '../../../src/clock.ts'
import { openSqliteStore, type StoreOptions } from '../../../src/dashboard/history/sqlite-store.ts'
import type { DecisionStore, ExportQuery, PageQuery } from '../../../src/dashboard/history/store.ts'
import { systemClock } from '../../../src/system-clock.ts'
import { aDecision } from '../../support/decisions.ts'
import { FakeLog } from '../../support/fake-log.ts'
import { lastingThread } from './lasting-threads.ts'

/** 2026-01-01T00:00:00Z. */
export const newYear = Date.UTC(2026, 0, 1)
export const hourMs = 3_600_000

type Event = DecisionStatus['last']

/** The nth record: `at` is its newest moment, in milliseconds after the new year; `count` how often it was decided so. */
export function record(
  n: number,
  given: {
    readonly namespace?: string
    readonly at?: number
    readonly first?: number
    readonly count?: number
    readonly version?: string
    readonly uid?: string
    readonly spec?: Partial<DecisionSpec>
    readonly last?: Partial<Event>
    readonly status?: Partial<DecisionStatus>
  } = {},
): AdmissionDecision {
  const { at = n * 1000, count = 1, namespace = 'velero' } = given
  const plain = aDecision({ name: `r${n}`, ...(given.spec === undefined ? {} : { spec: given.spec }) })
  const event = (seq: number, ms: number): Event => ({
    ...plain.status.last,
    seq,
    time: new Date(newYear + ms).toISOString(),
    name: `nightly-${n}`,
    ...given.last,
  })
  const first = event(1, given.first ?? at)
  return {
    metadata: {
      ...plain.metadata,
      namespace,
      uid: given.uid ?? `uid-${n}`,
      resourceVersion: given.version ?? String(count),
    },
    spec: plain.spec,
    status: {
      ...plain.status,
      count,
      first,
      last: count === 1 ? first : event(count, at),
      ...given.status,
    },
  }
}

/** So many records. */
export const records = (count: number, from = 0): readonly AdmissionDecision[] =>
  Array.from({ length: count }, (_, i) => record(from + i))

/** A store that is closed with the test. */
export type Opened = {
  readonly store: DecisionStore
  readonly path: string
  readonly log: FakeLog
  readonly rebuilt: () => number
}

// A machine that is busy with other tests may take seconds to start a thread.
const patient: Clock = { ...systemClock, abortAfter: (ms) => systemClock.abortAfter(ms * 20) }

/** Opens a store in a folder of the test. */
export async function aStore(t: Test, more: Partial<StoreOptions> = {}): Promise<Opened> {
  const path = more.path ?? join(t.testdir(), 'history.db')
  const log = new FakeLog()
  let rebuilt = 0
  const onRebuilt = () => void rebuilt++
  const store = await openSqliteStore({
    maxBytes: 2 ** 30,
    clock: patient,
    log,
    onRebuilt,
    startThread: lastingThread,
    ...more,
    path,
  })
  t.teardown(() => store.close())
  return { store, path, log, rebuilt: () => rebuilt }
}

/** The question for the newest 50 of everything. */
export const everything: PageQuery = { sight: 'every', filter: {}, size: 50 }

/** The whole text of an export. */
export async function exported(store: DecisionStore, more: Partial<ExportQuery> = {}): Promise<string> {
  let text = ''
  const query: ExportQuery = { sight: 'every', filter: {}, form: 'ndjson', ...more }
  for await (const chunk of store.export(query, new AbortController().signal))
    text += new TextDecoder().decode(chunk)
  return text
}

/** The ids of a page. */
export const idsOf = async (store: DecisionStore, query: Partial<PageQuery>): Promise<readonly string[]> =>
  (await store.page({ ...everything, ...query })).rows.map(({ id }) => id)

/** Whether a file is there. */
export const isThere = (path: string): boolean => existsSync(path)

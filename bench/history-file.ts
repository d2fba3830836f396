/** The file of a history that is measured: which one, how many records, and how they come into it. */
import { openSqliteStore } from '../src/dashboard/history/sqlite-store.ts'
import type { DecisionStore } from '../src/dashboard/history/store.ts'
import { systemClock } from '../src/system-clock.ts'
import { decisionOf } from './history-decisions.ts'

/** Whether few records and few questions do. */
export const quick = process.argv.includes('--quick')
/** How many records there are at least. */
export const all = quick ? 50_000 : 1_000_000
/** p99 goals, milliseconds. */
export const goals = { page: 200, filter: 500 }
/** 16 GiB: what is measured is the size that was asked for, not the one that is kept by default. */
export const maxMib = 16_384

const given = process.argv[process.argv.indexOf('--file') + 1]
if (!process.argv.includes('--file') || given === undefined)
  throw new Error('a part of this measurement must get --file FILE: npm run bench -- history')
/** The file. */
export const path = given

const log = { debug: () => {}, info: () => {}, warn: console.error, error: console.error }
const batchSize = 500

/** A history with all records in it. */
export type Loaded = {
  readonly store: DecisionStore
  /** How many there were already. */
  readonly before: number
  /** The time of the newest of those that were loaded. */
  readonly end: number
  readonly seconds: number
}

/** Opens the file and loads what is missing. */
export async function loaded(): Promise<Loaded> {
  const store = await openSqliteStore({ path, maxBytes: maxMib * 2 ** 20, clock: systemClock, log })
  const { records, newest } = await store.extent()
  const end = records < all ? Date.now() : Math.min(newest ?? 0, Date.now())
  const began = performance.now()
  for (let n = records; n < all; n += batchSize)
    await store.insert(Array.from({ length: batchSize }, (_, i) => decisionOf(n + i, { all, end })))
  return { store, before: records, end, seconds: (performance.now() - began) / 1000 }
}

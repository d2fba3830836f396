/** The DecisionStore over a SQLite file: one thread writes, some read, and a damaged file is replaced while it runs. */
import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import { Lanes, type Patience } from './lanes.ts'
import { forms } from './lines.ts'
import type { Operation, Operations } from './messages.ts'
import {
  exportForms,
  HistoryError,
  type DecisionStore,
  type ExportQuery,
  type GapQuery,
  type Gaps,
  type Limits,
} from './store.ts'
import { Thread, type StartThread } from './thread.ts'

/** What the store is made of. */
export type StoreOptions = {
  readonly path: string
  /** The file does not grow over this; it is kept well below by `purge`. */
  readonly maxBytes: number
  readonly clock: Clock
  readonly log: Log
  /** Told when the file was lost and a new one is there: what the cluster knows must be inserted again. */
  readonly onRebuilt?: () => void
  /** Where its connections live: in threads of their own, unless told otherwise. */
  readonly startThread?: StartThread
}

// One for pages while the other exports; a third would only share the same disk.
const readers = 2
const usualMs = 5000
// An export step may look into 20,000 records.
const exportMs = 15_000
// A batch waits for a checkpoint or for another process.
const writeMs = 30_000
const retries = 3
const retryMs = 1000
const encoder = new TextEncoder()

/** Opens the store. Rejects if the file can be neither opened nor made anew. */
export async function openSqliteStore(options: StoreOptions): Promise<DecisionStore> {
  const store = new SqliteStore(options)
  await store.begin()
  return {
    insert: async (batch) => store.write('insert', { batch, now: options.clock.now() }),
    get: async (sight, id) => store.read('get', { sight, id }),
    page: async (query) => store.read('page', query),
    stats: async (query) => store.read('stats', query),
    extent: async () => store.read('extent', undefined),
    gaps: async (query) => store.gaps(query),
    purge: async (limits) => store.purge(limits),
    export: (query, signal) => store.export(query, signal),
    close: async () => store.close(),
  }
}

class SqliteStore {
  readonly #options: StoreOptions
  readonly #threads: readonly Thread[]
  readonly #writer: Lanes
  readonly #readers: Lanes
  /** How often the file was replaced: what was read from a former one is not gone on with. */
  #generation = 0
  #rebuilding: Promise<void> | undefined
  #closed = false

  constructor(options: StoreOptions) {
    this.#options = options
    const { path, maxBytes, clock, startThread } = options
    const thread = (role: 'writer' | 'reader') => new Thread({ role, path, maxBytes }, startThread)
    const writing = [thread('writer')]
    const reading = Array.from({ length: readers }, () => thread('reader'))
    this.#threads = [...writing, ...reading]
    this.#writer = new Lanes(writing, clock, (writer) => this.#open(writer))
    this.#readers = new Lanes(reading, clock, (reader) => reader.ask('open', clock.now()))
  }

  async begin(): Promise<void> {
    try {
      await this.#writer.alone(async ([writer]) => {
        if (writer !== undefined) await this.#open(writer)
      })
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async read<O extends Operation>(operation: O, asks: Operations[O]['asks'], patience?: Patience) {
    return this.#ask(this.#readers, operation, { asks, patience: patience ?? { ms: usualMs } })
  }

  async write<O extends Operation>(operation: O, asks: Operations[O]['asks']) {
    return this.#ask(this.#writer, operation, { asks, patience: { ms: writeMs } })
  }

  async gaps(query: GapQuery): Promise<Gaps> {
    return this.read('gaps', { query, now: this.#options.clock.now() })
  }

  async purge(limits: Limits): Promise<number> {
    let removed = 0
    for (;;) {
      const step = await this.write('purge', limits)
      removed += step.removed
      if (!step.more) return removed
    }
  }

  /** The steps of an export. What is wrong before the first byte is thrown; what goes wrong later is its last line. */
  async *export(query: ExportQuery, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
    if (!exportForms.includes(query.form))
      throw new HistoryError('BAD_QUERY', `an export must be one of ${exportForms.join(', ')}`)
    const generation = this.#generation
    const form = forms[query.form]
    const patience = { ms: exportMs, signal }
    let step = await this.read('export', { ...query, after: 0, written: 0 }, patience)
    let written = step.records
    yield encoder.encode(form.begin + step.text)
    try {
      while (step.after !== undefined) {
        const { after, until, frequent } = step
        const asks = { ...query, after, until, frequent, written }
        step = await this.#patiently(signal, async () => {
          if (this.#generation !== generation)
            throw new HistoryError(
              'DAMAGED',
              'the history file was replaced during the export; begin it again',
            )
          return this.read('export', asks, patience)
        })
        written += step.records
        if (step.text !== '') yield encoder.encode(step.text)
      }
      yield encoder.encode(await this.#gapsText(query, written === 0, signal))
    } catch (error) {
      signal.throwIfAborted()
      this.#options.log.warn({ err: error, written }, 'an export broke off')
      const message = error instanceof HistoryError ? error.message : 'an internal error'
      yield encoder.encode(form.broken(message, written === 0))
      return
    }
    yield encoder.encode(form.end)
  }

  async #gapsText(query: ExportQuery, isFirst: boolean, signal: AbortSignal): Promise<string> {
    const { sight, gapsIn = sight, filter } = query
    const { gaps } = await this.#patiently(signal, async () => this.gaps({ sight: gapsIn, filter }))
    return gaps.map((gap, i) => forms[query.form].gap(gap, isFirst && i === 0)).join('')
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const thread of this.#threads) thread.giveUp()
    for (const lanes of [this.#readers, this.#writer])
      await lanes.alone(async (threads) => {
        for (const thread of threads) {
          if (thread.isOpen) await thread.ask('close', undefined).catch(() => {})
          await thread.end()
        }
      })
  }

  async #open(writer: Thread): Promise<void> {
    const aside = await writer.ask('open', this.#options.clock.now())
    if (aside !== undefined) this.#rebuilt(aside)
  }

  async #ask<O extends Operation>(
    lanes: Lanes,
    operation: O,
    { asks, patience }: { readonly asks: Operations[O]['asks']; readonly patience: Patience },
  ): Promise<Operations[O]['gives']> {
    if (this.#closed) throw new HistoryError('CLOSED', 'the history must be open, got it closed')
    try {
      return await lanes.ask(operation, asks, patience)
    } catch (error) {
      if (error instanceof HistoryError && error.code === 'DAMAGED') await this.#rebuild(error.message)
      throw error
    }
  }

  /** Replaces a damaged file, once however many saw the damage. */
  async #rebuild(why: string): Promise<void> {
    this.#rebuilding ??= this.#replace(why).finally(() => {
      this.#rebuilding = undefined
    })
    await this.#rebuilding
  }

  async #replace(why: string): Promise<void> {
    const aside = await this.#writer.alone(async ([writer]) =>
      this.#readers.alone(async (reading) => {
        for (const reader of reading) if (reader.isOpen) await reader.ask('close', undefined)
        return writer?.ask('rebuild', { why, now: this.#options.clock.now() })
      }),
    )
    this.#rebuilt(aside ?? why)
  }

  #rebuilt(why: string): void {
    this.#generation++
    this.#options.log.error({ path: this.#options.path, why }, 'the history begins anew')
    this.#options.onRebuilt?.()
  }

  /** Tries again what may go well the next time. */
  async #patiently<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    for (let tried = 1; ; tried++) {
      try {
        return await work()
      } catch (error) {
        const passes = error instanceof HistoryError && ['BUSY', 'SLOW', 'UNAVAILABLE'].includes(error.code)
        if (!passes || tried > retries) throw error
        await this.#options.clock.sleep(retryMs, signal)
      }
    }
  }
}

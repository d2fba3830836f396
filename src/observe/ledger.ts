/**
 * The decisions of one process that wait to be written: chained when they are made, and counted in memory while they are the
 * same. Bounded: what has no room is lost, which the chain says.
 */
import type { ChainHead } from '../api/admission-decision.ts'
import type { Hash } from '../core/author.ts'
import { chained, checkpointEvery, checkpointText, genesis, type Checkpoint } from '../core/decision/chain.ts'
import type { Decided } from '../core/decision/decided.ts'
import { noted } from '../core/decision/event.ts'
import {
  bodyOf,
  counted,
  keyOf,
  mostNamed,
  opened,
  type OpenRecord,
  type Placed,
  type SignText,
} from '../core/decision/record.ts'
import { common, joined, sizeOf, union, type Seqs } from '../core/decision/seqs.ts'

/** What a ledger needs. */
export type LedgerPorts = {
  readonly replica: string
  readonly hash: Hash
  /** Our key, and signing with it; asked for when the first decision is made. */
  readonly signing: () => { readonly key: string; readonly sign: SignText }
}

/** A record in memory; `record` is replaced as it counts up. */
export type Entry = {
  readonly key: string
  record: OpenRecord
  /** The resourceVersion of what is stored; undefined before it is. */
  version: string | undefined
  /** The greatest number that is stored. */
  stored: number
  isDirty: boolean
  /** How often it was refused. */
  refused: number
}

type Chain = { head: ChainHead; lost: Seqs; ended: boolean; newest: Entry | undefined }

/** Most records in memory; a ring of the cluster holds fewer. */
const mostEntries = 512
/** So many of them may wait to be written before those that allow have no room any more. */
const mostWithAllowed = 384

/** Audit annotations of a decision, and whether its record was lost. */
export type Taken = { readonly annotations: Readonly<Record<string, string>>; readonly isLost: boolean }

/** The ledger of one process. */
export class Ledger {
  readonly #ports: LedgerPorts
  readonly #chains = new Map<string, Chain>()
  /** By name, in the order in which they were opened. */
  readonly #entries = new Map<string, Entry>()
  /** The name of the record that counts for a key. */
  readonly #open = new Map<string, string>()

  constructor(ports: LedgerPorts) {
    this.#ports = ports
  }

  /** Takes a decision in. */
  take(decided: Decided): Taken {
    const { replica, hash, signing } = this.#ports
    const { key } = signing()
    const { namespace } = decided
    const { spec, event, detail } = noted(decided, { replica, key, hash })
    const chain = this.#chainOf(namespace, event.time)
    const placed = chained({ replica, namespace, head: chain.head }, { spec, event }, hash)
    chain.head = placed.head
    const isLost = !this.#keep(namespace, { spec, detail, event: placed.event })
    if (isLost) lose(chain, [[placed.event.seq, placed.event.seq]])
    return { annotations: this.#annotations(namespace, placed.event), isLost }
  }

  /** What waits to be written: what refused first, then in the order in which it was opened. */
  due(most: number): readonly Entry[] {
    const dirty = [...this.#entries.values()].filter(({ isDirty }) => isDirty)
    const refused = dirty.filter(({ record }) => record.spec.verdict !== 'Allowed')
    const allowed = dirty.filter(({ record }) => record.spec.verdict === 'Allowed')
    return [...refused, ...allowed].slice(0, most)
  }

  /** How many records wait to be written. */
  waiting(): number {
    let count = 0
    for (const { isDirty } of this.#entries.values()) if (isDirty) count += 1
    return count
  }

  /** The record as it is to be stored now. */
  bodyOf(entry: Entry) {
    const { record } = entry
    const { head, lost, ended } = this.#chainOf(record.namespace, record.last.time)
    const others = [...this.#entries.values()].filter(
      (one) => one !== entry && one.isDirty && one.record.namespace === record.namespace,
    )
    const waiting = union(others.flatMap(unstored), [])
    return bodyOf(record, { head, lost, waiting, ended }, this.#ports.signing().sign)
  }

  /** The record was stored as it was then; it may have counted up since. */
  stored(entry: Entry, record: OpenRecord, version: string): void {
    Object.assign(entry, { version, stored: record.last.seq, refused: 0, isDirty: entry.record !== record })
    this.#chainOf(record.namespace, record.last.time).newest = entry
    if (!entry.isDirty && this.#open.get(entry.key) !== record.name) this.#entries.delete(record.name)
  }

  /** The record comes after all others, so that one that is not taken holds up none. */
  later(entry: Entry): void {
    if (!this.#entries.delete(entry.record.name)) return
    this.#entries.set(entry.record.name, entry)
  }

  /** The record cannot be stored: what was not is lost. How many that are. */
  drop(entry: Entry): number {
    const { record } = entry
    const lost = unstored(entry)
    lose(this.#chainOf(record.namespace, record.last.time), lost)
    this.#entries.delete(record.name)
    if (this.#open.get(entry.key) === record.name) this.#open.delete(entry.key)
    return sizeOf(lost)
  }

  /** The last word of this replica: what still waits is lost (how many), and a record of each chain waits to say so. */
  end(): number {
    let lost = 0
    for (const entry of this.due(mostEntries)) lost += this.drop(entry)
    for (const chain of this.#chains.values()) {
      chain.ended = true
      if (chain.newest === undefined) continue
      chain.newest.isDirty = true
      this.#entries.set(chain.newest.record.name, chain.newest)
    }
    return lost
  }

  #chainOf(namespace: string, since: string): Chain {
    const { replica, hash } = this.#ports
    const found = this.#chains.get(namespace)
    if (found !== undefined) return found
    const head = { since, seq: 0, chain: genesis({ replica, namespace }, hash) }
    const chain: Chain = { head, lost: [], ended: false, newest: undefined }
    this.#chains.set(namespace, chain)
    return chain
  }

  /** Counts the decision in its record, or opens one; false if there is no room. */
  #keep(namespace: string, placed: Placed): boolean {
    const key = keyOf(namespace, placed.spec)
    const open = this.#entries.get(this.#open.get(key) ?? '')
    const grown = open === undefined ? undefined : counted(open.record, placed)
    if (open !== undefined && grown !== undefined) {
      open.record = grown
      open.isDirty = true
      return true
    }
    if (!this.#makeRoom(placed.spec.verdict === 'Allowed')) return false
    const record = opened(namespace, placed, this.#ports.hash)
    this.#entries.set(record.name, { key, record, version: undefined, stored: 0, isDirty: true, refused: 0 })
    this.#open.set(key, record.name)
    if (open !== undefined && !open.isDirty) this.#entries.delete(open.record.name)
    return true
  }

  #makeRoom(isAllowed: boolean): boolean {
    if (isAllowed && this.#entries.size >= mostWithAllowed && this.waiting() >= mostWithAllowed) return false
    if (this.#entries.size < mostEntries) return true
    const idle = [...this.#entries.values()].find(({ isDirty }) => !isDirty)
    if (idle === undefined) return false
    // It is stored: the same decision opens another record.
    this.#entries.delete(idle.record.name)
    if (this.#open.get(idle.key) === idle.record.name) this.#open.delete(idle.key)
    return true
  }

  #annotations(
    namespace: string,
    { seq, digest, chain, time }: Placed['event'],
  ): Readonly<Record<string, string>> {
    const { replica, signing } = this.#ports
    const own = { chain: JSON.stringify({ replica, namespace, seq, digest }) }
    if (seq % checkpointEvery !== 1) return own
    const { key, sign } = signing()
    const bare = { replica, namespace, seq, chain, time, key }
    const checkpoint: Checkpoint = { ...bare, signature: sign(checkpointText(bare)) }
    return { ...own, checkpoint: JSON.stringify(checkpoint) }
  }
}

function lose(chain: Chain, seqs: Seqs): void {
  chain.lost = joined(union(chain.lost, seqs), mostNamed)
}

/** The numbers that the record has and the stored one has not. */
const unstored = ({ record, stored }: Entry): Seqs =>
  common(record.seqs, [[stored + 1, Number.MAX_SAFE_INTEGER]])

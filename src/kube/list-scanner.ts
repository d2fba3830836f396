/**
 * Finds the items in the JSON of a list while it arrives, so that each is parsed and projected alone: a page is never
 * held as a whole, nor parsed in one long block. Everything but the items is small, and parsed at the end.
 */
import { KubeError, objectIn, textIn } from './errors.ts'

/** What a page says besides its items. */
export type PageEnd = { readonly resourceVersion: string; readonly next: string }

/** Takes chunks, gives the items (JSON texts) that are complete with each. */
export type ListScanner = {
  readonly push: (chunk: Uint8Array) => readonly string[]
  /** What the page said besides its items; a page that was cut off is a BAD_ANSWER. */
  readonly end: () => PageEnd
}

const quote = 0x22
const backslash = 0x5c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d

// kind, apiVersion and metadata; a continue token has a few hundred bytes.
const largestRest = 1024 * 1024

/** A scanner that refuses items of more than `maxItemBytes`. */
export function createListScanner(maxItemBytes: number): ListScanner {
  const scan = new Scan(maxItemBytes)
  return { push: (chunk) => scan.push(chunk), end: () => pageEnd(scan.rest()) }
}

/** The state between two chunks: where in the nesting we are, and what of an item or of the rest is collected. */
class Scan {
  readonly #rest = new Pieces(largestRest, 'what a list holds besides its items')
  readonly #item: Pieces
  #depth = 0
  #inString = false
  #escaped = false
  #inItems = false
  #inItem = false
  /** The last string at depth 1: the key that a bracket there belongs to. */
  #key = ''
  /** Where in the chunk the item or the rest begins that is not collected yet. */
  #from = 0

  constructor(maxItemBytes: number) {
    this.#item = new Pieces(maxItemBytes, 'an item of a list')
  }

  rest(): string {
    return this.#rest.take()
  }

  push(chunk: Uint8Array): readonly string[] {
    const items: string[] = []
    this.#from = 0
    for (let at = 0; at < chunk.length; at++) {
      if (this.#inString) at = this.#endOfString(chunk, at)
      else this.#structure(chunk, at, items)
    }
    if (this.#inItem) this.#item.add(chunk.subarray(this.#from))
    else if (!this.#inItems) this.#rest.add(chunk.subarray(this.#from))
    return items
  }

  /** Runs to the quote that ends a string, or to the end of the chunk. */
  #endOfString(chunk: Uint8Array, from: number): number {
    let at = from
    for (; at < chunk.length; at++) {
      const byte = chunk[at]
      if (this.#escaped) this.#escaped = false
      else if (byte === backslash) this.#escaped = true
      else if (byte === quote) {
        this.#inString = false
        break
      } else if (this.#depth === 1 && this.#key.length < 16) this.#key += String.fromCharCode(byte ?? 0)
    }
    return at
  }

  #structure(chunk: Uint8Array, at: number, items: string[]): void {
    switch (chunk[at] ?? 0) {
      case quote:
        this.#inString = true
        if (this.#depth === 1) this.#key = ''
        return
      case openBrace:
      case openBracket:
        return this.#open(chunk, at)
      case closeBrace:
      case closeBracket:
        return this.#close(chunk, at, items)
    }
  }

  #open(chunk: Uint8Array, at: number): void {
    this.#depth++
    if (this.#depth === 2 && chunk[at] === openBracket && this.#key === 'items') {
      this.#inItems = true
      this.#rest.add(chunk.subarray(this.#from, at + 1))
    } else if (this.#inItems && this.#depth === 3 && chunk[at] === openBrace) {
      this.#inItem = true
      this.#from = at
    }
  }

  #close(chunk: Uint8Array, at: number, items: string[]): void {
    this.#depth--
    if (this.#inItem && this.#depth === 2) {
      this.#inItem = false
      this.#item.add(chunk.subarray(this.#from, at + 1))
      items.push(this.#item.take())
    } else if (this.#inItems && this.#depth === 1) {
      // The bracket that ends the items begins the rest again.
      this.#inItems = false
      this.#from = at
    }
  }
}

/** Bytes that are collected over chunks, up to a limit. */
class Pieces {
  readonly #max: number
  readonly #what: string
  #pieces: Uint8Array[] = []
  #size = 0

  constructor(max: number, what: string) {
    this.#max = max
    this.#what = what
  }

  add(piece: Uint8Array): void {
    this.#size += piece.length
    if (this.#size > this.#max) {
      throw new KubeError('TOO_LARGE', `${this.#what} must have at most ${this.#max} bytes, got more`)
    }
    this.#pieces.push(piece)
  }

  take(): string {
    const text = Buffer.concat(this.#pieces).toString('utf8')
    this.#pieces = []
    this.#size = 0
    return text
  }
}

function pageEnd(rest: string): PageEnd {
  const metadata = objectIn(objectIn(parsed(rest))?.['metadata'])
  const resourceVersion = textIn(metadata?.['resourceVersion'])
  if (resourceVersion === undefined || resourceVersion === '') {
    throw new KubeError(
      'BAD_ANSWER',
      `a list must have metadata.resourceVersion, got ${JSON.stringify(rest.slice(0, 100))}`,
    )
  }
  return { resourceVersion, next: textIn(metadata?.['continue']) ?? '' }
}

function parsed(rest: string): unknown {
  try {
    return JSON.parse(rest)
  } catch (cause) {
    throw new KubeError(
      'BAD_ANSWER',
      `a list must be whole JSON, got ${JSON.stringify(rest.slice(-100))} as its end`,
      { cause },
    )
  }
}

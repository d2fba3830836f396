/**
 * Reads JSON of a registry. It is attacker-controlled, so it is scanned before it is parsed: 4 MiB of `[` would become
 * hundreds of megabytes of objects, and a key given twice is read one way here and another way by a container runtime.
 */
import { isObject, type Json } from '../core/velero.ts'
import { deepestJson, mostJsonParts } from './limits.ts'
import { shown } from './names.ts'

/** The value, or what is wrong with the text in a phrase. */
export type Read<T> = { readonly ok: T } | { readonly problem: string }

/** Parses bytes as one JSON object within the limits. */
export function readObject(bytes: Uint8Array): Read<Json> {
  let value: unknown
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const problem = scan(text)
    if (problem !== undefined) return { problem }
    value = JSON.parse(text)
  } catch {
    return { problem: 'something that is not JSON' }
  }
  return isObject(value) ? { ok: value } : { problem: 'JSON that is not an object' }
}

/**
 * Whether a key that we read is there in another spelling too. Go, in which the container runtimes are written, takes
 * `Config` for `config`: two of them would show us one image and run another.
 */
export function misspelt(fields: Json, known: readonly string[]): string | undefined {
  const names = new Set(known)
  const folded = new Set(known.map(fold))
  return Object.keys(fields).find((key) => !names.has(key) && folded.has(fold(key)))
}

// The Kelvin sign and the long s fold to k and s in Go's encoding/json as well.
const fold = (key: string): string => key.normalize('NFKC').toLowerCase()

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const spaces = new Set([0x20, 0x09, 0x0a, 0x0d])
const openers = new Set([0x5b, 0x7b])
const closers = new Set([0x5d, 0x7d])

/** Walks the text once, without building anything but the keys of the objects that are open. */
function scan(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = []
  let parts = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      const end = endOfString(text, at)
      const twice = keyAgain(text, { from: at, end }, open.at(-1))
      if (twice !== undefined) return twice
      at = end
    } else if (openers.has(code)) {
      parts += 1
      open.push(code === 0x7b ? new Set() : undefined)
      if (open.length > deepestJson) return `JSON that is nested more than ${deepestJson} levels deep`
    } else if (closers.has(code)) open.pop()
    else if (code === comma) parts += 1
    if (parts > mostJsonParts) return `JSON of more than ${mostJsonParts} values`
  }
  return undefined
}

function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === backslash) at += 1
    else if (code === quote) return at
  }
  return text.length
}

/** Notes a string that is a key; says so if its object has it already. */
function keyAgain(
  text: string,
  { from, end }: { readonly from: number; readonly end: number },
  keys: Set<string> | undefined,
): string | undefined {
  if (keys === undefined || !isKey(text, end + 1)) return undefined
  const written = text.slice(from, end + 1)
  const key = written.includes('\\') ? String(JSON.parse(written)) : written.slice(1, -1)
  if (keys.has(key)) return `JSON that has the key ${shown(key)} twice in one object`
  keys.add(key)
  return undefined
}

function isKey(text: string, from: number): boolean {
  let at = from
  while (spaces.has(text.charCodeAt(at))) at += 1
  return text.charCodeAt(at) === colon
}

/** Reads what an HTTP server answered. */
import type { Mask } from '../core/masks.ts'
import { isShallow } from './depth.ts'
import { excerpt } from './words.ts'

type Received = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** The body as outputs see it: parsed if it is JSON, else text. */
export type Content = { readonly text: string; readonly value: unknown }

/** Whether the status is among what was wanted: `204`, `2xx`. */
export function isExpected(status: number, wanted: readonly string[]): boolean {
  return wanted.includes(String(status)) || wanted.includes(`${Math.floor(status / 100)}xx`)
}

/**
 * Decodes an answer; undefined if it is compressed, which was not asked for. JSON that is broken, or nested deeper than
 * any honest answer, is text.
 */
export function contentOf({ headers, body }: Received): Content | undefined {
  const coding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  if (coding !== 'identity' && coding !== '' && body.length > 0) return undefined
  const type = headers['content-type'] ?? ''
  const text = decoderOf(type).decode(body)
  return { text, value: isJson(type) ? parsed(text) : text }
}

/** The words of an answer for a message: the text that JSON errors usually have, else the first line. */
export function wordsOf(content: Content, mask: Mask): string {
  const { value } = content
  if (typeof value !== 'object' || value === null) return excerpt(content.text, mask)
  const fields = new Map<string, unknown>(Object.entries(value))
  const words = ['message', 'error', 'detail', 'title']
    .map((key) => fields.get(key))
    .find((text) => typeof text === 'string' && text.trim() !== '')
  return excerpt(typeof words === 'string' ? words : JSON.stringify(value), mask)
}

const isJson = (type: string): boolean => /^[^;]*[/+]json\s*(;|$)/i.test(type)

function decoderOf(type: string): Pick<InstanceType<typeof TextDecoder>, 'decode'> {
  const label = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(type)?.[1] ?? 'utf-8'
  try {
    return new TextDecoder(label)
  } catch {
    // A charset that does not exist: most likely it is UTF-8 all the same, and bad bytes become U+FFFD.
    return new TextDecoder()
  }
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return isShallow(value) ? value : text
  } catch {
    return text
  }
}

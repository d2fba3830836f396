/** What was sent, for the record: the request line, the headers and the beginning of the body, secrets masked. */
import type { Mask } from '../core/masks.ts'
import { cut, harmless } from './words.ts'

/** How much of a body is recorded, in characters. */
export const longestRecordedBody = 4096
/** The whole record, in characters: what the field `request` of an ActionRun takes. */
export const longestRecord = 8192
const longestValue = 256

/** Writes the record. */
export function requestText(
  request: {
    readonly line: string
    readonly headers: readonly (readonly [name: string, value: string])[]
    readonly secretHeaders: readonly string[]
    readonly body?: string
  },
  mask: Mask,
): string {
  const headers = request.headers.map(([name, value]) => {
    const shown = request.secretHeaders.includes(name) ? '***' : cut(mask(value), longestValue)
    return `${name}: ${shown}`
  })
  const body = request.body === undefined ? [] : ['', cut(mask(request.body), longestRecordedBody)]
  return cut(harmless([cut(mask(request.line), 2048), ...headers, ...body].join('\n')), longestRecord)
}

/** Bodies, parsed with bounds. */
import { badRequest, unsupportedMediaType } from '../errors/status.ts'
import type { Json } from '../json.ts'
import { decodeProtobuf } from '../protobuf/decode.ts'

/** The largest body that is read: apiserver's limit for requests, 3 MiB. */
export const largestBody = 3 * 1024 * 1024
// Our walkers are recursive; nothing that is meant is nested deeper.
const deepest = 500

const languages = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']

/** The media type without its parameters. */
export function mediaType(contentType: string): string {
  return (contentType.split(';')[0] ?? '').trim().toLowerCase()
}

/** The JSON of a body. */
export async function parseBody(body: Buffer, contentType: string): Promise<Json> {
  const type = mediaType(contentType)
  if (type === '' || type === 'application/json') return parseJson(body)
  if (type === 'application/yaml') return parseYaml(body)
  if (type === 'application/vnd.kubernetes.protobuf') return decodeProtobuf(body)
  throw unsupportedMediaType(languages)
}

/** Parses JSON; throws 400 that begins with `what`. */
export function parseJson(body: Buffer, what = "couldn't get version/kind; json parse error"): Json {
  const text = body.toString('utf8')
  if (depthOf(text) > deepest) throw badRequest(`the object is nested deeper than ${deepest} levels`)
  try {
    // What JSON.parse gives is Json.
    return JSON.parse(text) as Json
  } catch (error) {
    throw badRequest(`${what}: ${jsonProblem(error)}`)
  }
}

/** Why a text is no JSON, in the words of encoding/json. */
export function jsonProblem(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const [, stray] = /^Unexpected (?:token|number|string)?[^']*'(.+?)'/s.exec(message) ?? []
  return stray === undefined
    ? 'unexpected end of JSON input'
    : `invalid character '${stray}' looking for beginning of value`
}

/** Parses YAML, of which JSON is a part; throws 400. */
export async function parseYaml(body: Buffer): Promise<Json> {
  const text = body.toString('utf8')
  if (/^\s*[{[]/.test(text)) {
    try {
      return parseJson(body)
    } catch {
      // YAML's flow style begins with the same characters.
    }
  }
  const { parse } = await import('yaml')
  try {
    // The library's own bound on aliases keeps a small text from becoming a large object.
    const parsed: unknown = parse(text, { maxAliasCount: 100, schema: 'core' })
    return parseJson(Buffer.from(JSON.stringify(parsed ?? null)))
  } catch (error) {
    throw badRequest(`error decoding YAML: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const opening = new Set([0x7b, 0x5b])
const closing = new Set([0x7d, 0x5d])
const [quote, backslash] = [0x22, 0x5c]

function depthOf(text: string): number {
  let [depth, most, quoted] = [0, 0, false]
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code === quote) quoted = !quoted
    else if (quoted) index += code === backslash ? 1 : 0
    else if (opening.has(code)) most = Math.max(most, (depth += 1))
    else if (closing.has(code)) depth -= 1
  }
  return most
}

/** Bodies: parsed with bounds, and decoded into objects of a resource. */
import { badRequest, unsupportedMediaType } from '../errors/status.ts'
import { isObject, own, textAt, type Json, type JsonObject } from '../json.ts'
import { groupVersion, type Resource } from '../resources/resource.ts'
import { prune, withDefaults } from '../schema/shape.ts'
import { builtinDefaults } from '../builtin/defaults.ts'
import { decodeProblem } from '../builtin/decode.ts'
import { decodeProtobuf } from '../protobuf/decode.ts'
import type { Request } from './request.ts'
import type { WriteOptions } from './write-options.ts'

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

/** Parses JSON; throws 400. */
export function parseJson(body: Buffer): Json {
  const text = body.toString('utf8')
  if (depthOf(text) > deepest) throw badRequest(`the object is nested deeper than ${deepest} levels`)
  try {
    // What JSON.parse gives is Json.
    return JSON.parse(text) as Json
  } catch (error) {
    throw badRequest(
      `couldn't get version/kind; json parse error: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
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

/** An object of a resource from JSON: known fields only, defaults filled in, unknown fields refused or warned of. */
export function decode(
  resource: Resource,
  value: Json,
  how: { readonly options: WriteOptions; readonly warn: Request['warn'] },
): JsonObject {
  const typed = checkType(resource, value)
  const unknown = new Set<string>()
  const object = shape(resource, typed, unknown)
  reportUnknown(resource, [...unknown], how)
  return object
}

/** Prunes and fills in defaults: done after decoding, and again after mutation. */
export function shape(resource: Resource, object: JsonObject, unknown: Set<string> = new Set()): JsonObject {
  const pruned = prune(resource.node, object, { dropNull: !resource.custom })
  for (const path of pruned.unknown) unknown.add(path)
  if (!isObject(pruned.value)) return object
  if (!resource.custom) {
    const problem = decodeProblem(resource, pruned.value)
    if (problem !== undefined) throw badRequest(`${unfit(resource)}: ${problem}`)
    return builtinDefaults(resource, pruned.value)
  }
  const filled = withDefaults(resource.node, pruned.value)
  return isObject(filled) ? filled : object
}

const unfit = (resource: Resource): string =>
  `${resource.kind} in version ${JSON.stringify(resource.version)} cannot be handled as a ${resource.kind}`

function checkType(resource: Resource, value: Json): JsonObject {
  if (!isObject(value)) {
    throw badRequest(
      "couldn't get version/kind; json parse error: json: cannot unmarshal value into Go value of type struct { APIVersion string; Kind string }",
    )
  }
  const [apiVersion, kind] = [textAt(value, 'apiVersion'), textAt(value, 'kind')]
  const wanted = groupVersion(resource)
  if (apiVersion !== '' && apiVersion !== wanted) {
    throw badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${wanted})`,
    )
  }
  if (kind !== '' && kind !== resource.kind) {
    throw badRequest(
      `${kind} in version ${JSON.stringify(resource.version)} cannot be handled as a ${resource.kind}: no kind ${JSON.stringify(kind)} is registered for this resource`,
    )
  }
  const metadata = own(value, 'metadata')
  return { ...value, apiVersion: wanted, kind: resource.kind, metadata: isObject(metadata) ? metadata : {} }
}

function reportUnknown(
  resource: Resource,
  unknown: readonly string[],
  { options, warn }: { readonly options: WriteOptions; readonly warn: Request['warn'] },
): void {
  if (unknown.length === 0 || options.fieldValidation === 'Ignore') return
  const sentences = unknown.map((path) => `unknown field ${JSON.stringify(path)}`)
  if (options.fieldValidation === 'Warn') {
    for (const sentence of sentences) warn(sentence)
    return
  }
  const problem = `strict decoding error: ${sentences.join(', ')}`
  throw badRequest(`${unfit(resource)}: ${problem}`)
}

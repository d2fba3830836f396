/** From JSON to an object of a resource: its kind checked, unknown fields dropped and told of, defaults filled in. */
import { ApiError } from '../errors/status.ts'
import { isList, isObject, own, textAt, without, type Json, type JsonObject } from '../json.ts'
import type { Resource } from '../resources/resource.ts'
import { objectMetaNode } from '../schema/definitions.ts'
import { prune, withDefaults } from '../schema/shape.ts'
import { builtinDefaults } from '../builtin/defaults.ts'
import { decodeProblem, metadataProblem } from '../builtin/decode.ts'
import { mediaType } from './body.ts'
import { duplicateFields } from './duplicates.ts'
import { kindProblem, ofKind } from './kind-check.ts'
import type { Request } from './request.ts'
import type { WriteOptions } from './write-options.ts'

/** A body that its kind cannot take: 400, unless a patch made it. */
export class DecodeFailed extends ApiError {
  readonly why: string

  constructor({ kind, version }: Pick<Resource, 'kind' | 'version'>, why: string, sent = kind) {
    const message = `${sent} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${why}`
    super({ code: 400, reason: 'BadRequest', message })
    this.why = why
  }
}

/** How to decode: what to do about unknown and double fields. */
export type Decoding = {
  readonly options: WriteOptions
  readonly warn: Request['warn']
  /** The paths of the fields that the text had twice. */
  readonly duplicates?: readonly string[]
  /** What is applied keeps its nulls where the schema allows none: they are refused then. */
  readonly keepsNull?: boolean
}

/** An object of a resource from JSON; throws 400 and 422. */
export function decode(resource: Resource, value: Json, how: Decoding): JsonObject {
  const typed = ofKind(resource, value)
  const unknown = new Set<string>()
  const object = shape(resource, typed, { unknown, keepsNull: how.keepsNull ?? false })
  // Nobody knows the fields of another kind.
  if (kindProblem(resource, object) !== undefined) return object
  const fields = resource.custom ? [...unknown].toSorted() : [...unknown]
  report(resource, how, [
    ...(how.duplicates ?? []).map((path) => `duplicate field ${JSON.stringify(path)}`),
    ...fields.map((path) => `unknown field ${JSON.stringify(path)}`),
  ])
  return object
}

/** The fields that the body of a request has twice; none where nobody wants to know. */
export function duplicatesOf(
  { body, contentType }: Request,
  { fieldValidation }: WriteOptions,
): readonly string[] {
  const isJson = ['', 'application/json'].includes(mediaType(contentType))
  return isJson && fieldValidation !== 'Ignore' ? duplicateFields(body.toString('utf8')) : []
}

/** Prunes and fills in defaults: done after decoding, and again after mutation. */
export function shape(
  resource: Resource,
  object: JsonObject,
  { unknown = new Set<string>(), keepsNull = false } = {},
): JsonObject {
  const pruned = prune(resource.node, withoutEmpty(object), { dropNull: !resource.custom })
  for (const path of pruned.unknown) unknown.add(path)
  if (!isObject(pruned.value)) return object
  const problem = resource.custom
    ? metadataProblem(own(pruned.value, 'metadata') ?? {})
    : decodeProblem(resource, pruned.value)
  if (problem !== undefined) throw new DecodeFailed(resource, problem, textAt(object, 'kind'))
  return resource.custom
    ? customDefaults(resource, pruned.value, keepsNull)
    : builtinDefaults(resource, pruned.value)
}

function customDefaults(resource: Resource, object: JsonObject, keepsNull: boolean): JsonObject {
  const filled = withDefaults(resource.node, withDecodedMetadata(object), keepsNull)
  return isObject(filled) ? filled : object
}

// apiextensions pkg/apiserver/schema/objectmeta: the metadata of custom kinds goes through its Go type all the same.
function withDecodedMetadata(object: JsonObject): JsonObject {
  const metadata = own(object, 'metadata')
  if (metadata === undefined) return object
  const { value } = prune(objectMetaNode(), metadata, { dropNull: true })
  return withoutEmpty({ ...object, metadata: value })
}

// Go leaves these out of metadata where they are empty (omitempty).
const omitted = ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const

/** An object without what Go would not write. */
export function withoutEmpty(object: JsonObject): JsonObject {
  const metadata = own(object, 'metadata')
  if (!isObject(metadata)) return object
  const empty = omitted.filter((name) => {
    const value = own(metadata, name)
    const isEmpty = name === 'labels' || name === 'annotations' ? isObject(value) : isList(value)
    return isEmpty && Object.keys(value ?? {}).length === 0
  })
  return empty.length === 0 ? object : { ...object, metadata: without(metadata, ...empty) }
}

function report(resource: Resource, { options, warn }: Decoding, sentences: readonly string[]): void {
  if (sentences.length === 0 || options.fieldValidation === 'Ignore') return
  if (options.fieldValidation === 'Strict')
    throw new DecodeFailed(resource, `strict decoding error: ${sentences.join(', ')}`)
  for (const sentence of sentences) warn(sentence)
}

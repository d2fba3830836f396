/** Every way this server says no, as the real one words it (apimachinery pkg/api/errors/errors.go). */
import type { Json, JsonObject } from '../json.ts'
import { bodyOf, sentenceOf, type FieldError } from './field.ts'

/** The plural and group of a resource, as errors name them. */
export type GroupResource = { readonly group: string; readonly resource: string }

/** An answer that is a failure Status. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: number
  readonly reason: string
  /** What a Status says beside its sentence; most errors have none, those of the router an empty one. */
  readonly details: JsonObject | undefined
  readonly metadata: JsonObject
  readonly headers: Readonly<Record<string, string>>

  constructor(answer: {
    readonly code: number
    readonly reason: string
    readonly message: string
    readonly details?: JsonObject | undefined
    readonly metadata?: JsonObject
    readonly headers?: Readonly<Record<string, string>>
  }) {
    super(answer.message)
    this.code = answer.code
    this.reason = answer.reason
    this.details = answer.details
    this.metadata = answer.metadata ?? {}
    this.headers = answer.headers ?? {}
  }
}

/** The Status object of a failure. */
export function statusOf(error: ApiError): JsonObject {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: error.metadata,
    status: 'Failure',
    message: error.message,
    ...(error.reason === '' ? {} : { reason: error.reason }),
    ...(error.details === undefined ? {} : { details: error.details }),
    code: error.code,
  }
}

/** `backups.velero.io`, or `pods` for the core group. */
export function qualified({ group, resource }: GroupResource): string {
  return group === '' ? resource : `${resource}.${group}`
}

function detailsOf({ group, resource }: GroupResource, name: string): JsonObject {
  return { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: resource }
}

/** 404: there is no such object. */
export function notFound(of: GroupResource, name: string): ApiError {
  const message = `${qualified(of)} "${name}" not found`
  return new ApiError({ code: 404, reason: 'NotFound', message, details: detailsOf(of, name) })
}

/** 404: there is no such resource or path under a known group. */
export function noSuchPath(): ApiError {
  const message = 'the server could not find the requested resource'
  return new ApiError({ code: 404, reason: 'NotFound', message, details: {} })
}

/** 409: the name is taken. */
export function alreadyExists(of: GroupResource, name: string): ApiError {
  const message = `${qualified(of)} "${name}" already exists`
  return new ApiError({ code: 409, reason: 'AlreadyExists', message, details: detailsOf(of, name) })
}

/** 409: the name is taken by an object that is leaving. */
export function stillLeaving(of: GroupResource, name: string): ApiError {
  const { code, reason, message, details } = alreadyExists(of, name)
  return new ApiError({ code, reason, message: `object is being deleted: ${message}`, details })
}

/** 409: somebody else wrote first. */
export function conflict(of: GroupResource, name: string, why: string): ApiError {
  const message = `Operation cannot be fulfilled on ${qualified(of)} "${name}": ${why}`
  return new ApiError({ code: 409, reason: 'Conflict', message, details: detailsOf(of, name) })
}

/** What the real server says about a stale resourceVersion. */
export const modified =
  'the object has been modified; please apply your changes to the latest version and try again'

/** 422: the object does not fit its rules. */
export function invalid(
  of: { readonly group: string; readonly kind: string },
  name: string,
  errors: readonly FieldError[],
): ApiError {
  const sentences = [...new Set(errors.map(sentenceOf))]
  const all = sentences.length === 1 ? (sentences[0] ?? '') : `[${sentences.join(', ')}]`
  const kind = of.group === '' ? of.kind : `${of.kind}.${of.group}`
  const causes: Json = errors.map((error) => ({
    reason: error.type,
    message: bodyOf(error),
    field: error.field,
  }))
  return new ApiError({
    code: 422,
    reason: 'Invalid',
    message: `${kind} "${name}" is invalid: ${all}`,
    details: {
      ...(name === '' ? {} : { name }),
      ...(of.group === '' ? {} : { group: of.group }),
      ...(of.kind === '' ? {} : { kind: of.kind }),
      causes,
    },
  })
}

/** 400: the request makes no sense. */
export function badRequest(message: string): ApiError {
  return new ApiError({ code: 400, reason: 'BadRequest', message })
}

/** 401: who are you? */
export function unauthorized(): ApiError {
  return new ApiError({
    code: 401,
    reason: 'Unauthorized',
    message: 'Unauthorized',
    headers: { 'www-authenticate': 'Bearer' },
  })
}

/** 403: you may not. */
export function forbidden(of: GroupResource, name: string, why: string): ApiError {
  const what = name === '' ? qualified(of) : `${qualified(of)} "${name}"`
  const message = of.resource === '' ? `forbidden: ${why}` : `${what} is forbidden: ${why}`
  return new ApiError({
    code: 403,
    reason: 'Forbidden',
    message,
    details: of.resource === '' ? {} : detailsOf(of, name),
  })
}

/** 403: the namespace takes nothing more. */
export function terminating(of: GroupResource, name: string, namespace: string): ApiError {
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`
  const cause: Json = {
    reason: 'NamespaceTerminating',
    message: `namespace ${namespace} is being terminated`,
    field: 'metadata.namespace',
  }
  const { code, reason, message, details } = forbidden(of, name, why)
  return new ApiError({ code, reason, message, details: { ...details, causes: [cause] } })
}

/** 405: the resource has no such verb. */
export function methodNotAllowed(): ApiError {
  const message = 'the server does not allow this method on the requested resource'
  return new ApiError({ code: 405, reason: 'MethodNotAllowed', message, details: {} })
}

/** 410: what was asked for is history no more. */
export function expired(message: string): ApiError {
  return new ApiError({ code: 410, reason: 'Expired', message })
}

/** 413: the body is too large. */
export function tooLarge(limit: number): ApiError {
  const message = `Request entity too large: limit is ${limit}`
  // What is left of the body is not read: the connection is of no more use.
  return new ApiError({
    code: 413,
    reason: 'RequestEntityTooLarge',
    message,
    headers: { connection: 'close' },
  })
}

/** 415: a body in a language that is not spoken here. */
export function unsupportedMediaType(accepted: readonly string[]): ApiError {
  const list = accepted.join(', ')
  const message = `the body of the request was in an unknown format - accepted media types include: ${list}`
  return new ApiError({ code: 415, reason: 'UnsupportedMediaType', message })
}

/** 415: a patch of a built-in kind in a language that is not spoken here; the router itself says so. */
export function unsupportedPatchType(): ApiError {
  const message = '415: Unsupported Media Type'
  return new ApiError({ code: 415, reason: 'UnsupportedMediaType', message, details: {} })
}

/** 406: an answer in a language that is not spoken here. */
export function notAcceptable(): ApiError {
  const spoken = 'application/json, application/yaml, application/json;stream=watch'
  const message = `406: Not Acceptable\n\nAvailable representations: ${spoken}`
  return new ApiError({ code: 406, reason: 'NotAcceptable', message, details: {} })
}

/** 500: something broke. */
export function internal(message: string): ApiError {
  const causes: Json = [{ message }]
  return new ApiError({
    code: 500,
    reason: 'InternalError',
    message: `Internal error occurred: ${message}`,
    details: { causes },
  })
}

/** 504: the time for the request is over. */
export function timedOut(why: string): ApiError {
  const message = `Timeout: ${why}`
  return new ApiError({ code: 504, reason: 'Timeout', message, details: {} })
}

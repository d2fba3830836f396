/** The wire: AdmissionReview (admission.k8s.io/v1) to AdmissionRequest, Verdict to AdmissionReview. Only here are apiVersion, uid and status codes written. */
import { sentenceOf, type FieldProblem, type Parsed } from '../api/problems.ts'
import type { AdmissionRequest, Operation, RequestUser } from '../core/admission-request.ts'
import { isObject, type Json } from '../core/velero.ts'
import type { Verdict } from '../core/verdict.ts'
import { cut, messageText, warningLines } from './warnings.ts'

/** What the transport knows about a request beyond its body. */
export type Arrival = Pick<AdmissionRequest, 'timeoutMs' | 'receivedAt'> & { readonly signal: AbortSignal }

/** A request that never became a question: the HTTP status and why. */
export type Failure = { readonly code: 400 | 404 | 405 | 408 | 413 | 415 | 500; readonly message: string }

const apiVersion = 'admission.k8s.io/v1'
const kind = 'AdmissionReview'
const operations: ReadonlySet<unknown> = new Set<Operation>(['CREATE', 'UPDATE', 'DELETE', 'CONNECT'])

// Names of Kubernetes have at most 253 characters, user names and groups are the identity provider's: long ones exist.
const longestName = 512
const longestIdentity = 4096

const wantedText = `be text of 1 to ${longestName} printable characters`

/** No control character (Unicode's Cc) is let in: uid and names go into messages and logs. */
function isPrintable(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > longestName) return false
  for (let i = 0; i < value.length; i += 1) {
    const code = value.charCodeAt(i)
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false
  }
  return true
}

/** What a problem may show of a value: an object can be megabytes, and may hold a Secret. */
const brief = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? (Array.isArray(value) ? 'a list' : 'an object') : value

const isOperation = (value: unknown): value is Operation => operations.has(value)
const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= longestIdentity
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText)

/** Reads a parsed body as a question; or says everything that is wrong with it. */
export function decode(body: unknown, arrival: Arrival): Parsed<AdmissionRequest> {
  const problems: FieldProblem[] = []
  const review = fieldsOf(body, 'the body', problems)
  if (problems.length > 0) return { problems }
  // Another kind has other fields: what is wrong with those would only mislead.
  if (review['apiVersion'] !== apiVersion || review['kind'] !== kind) return { problems: wrongKind(review) }
  const request = fieldsOf(review['request'], 'request', problems)
  if (problems.length > 0) return { problems }
  const ok = questionOf(request, arrival, problems)
  return problems.length > 0 ? { problems } : { ok }
}

function wrongKind(review: Json): readonly FieldProblem[] {
  return Object.entries({ apiVersion, kind })
    .filter(([field, wanted]) => review[field] !== wanted)
    .map(([path, wanted]) => ({ path, want: `be "${wanted}"`, got: brief(review[path]) }))
}

function questionOf(request: Json, arrival: Arrival, problems: FieldProblem[]): AdmissionRequest {
  const its: Place = { fields: request, path: 'request' }
  const kindIn = placeOf(request, 'kind', problems)
  const resourceIn = placeOf(request, 'resource', problems)
  return {
    uid: nameAt(its, 'uid', problems),
    kind: {
      group: textIn(kindIn, 'group', problems),
      version: nameAt(kindIn, 'version', problems),
      kind: nameAt(kindIn, 'kind', problems),
    },
    resource: {
      group: textIn(resourceIn, 'group', problems),
      version: nameAt(resourceIn, 'version', problems),
      resource: nameAt(resourceIn, 'resource', problems),
    },
    operation: operationOf(request['operation'], problems),
    name: textIn(its, 'name', problems),
    namespace: textIn(its, 'namespace', problems),
    user: userOf(request['userInfo'], problems),
    object: request['object'] ?? null,
    oldObject: request['oldObject'] ?? null,
    dryRun: dryRunOf(request['dryRun'], problems),
    timeoutMs: arrival.timeoutMs,
    receivedAt: arrival.receivedAt,
    // No getter: each object would get a hidden class of its own, which keeps all that the getter sees until the next full collection.
    signal: () => arrival.signal,
  }
}

/** An object of the request, and where it stands. */
type Place = { readonly fields: Json; readonly path: string }

const placeOf = (request: Json, name: 'kind' | 'resource', problems: FieldProblem[]): Place => ({
  fields: fieldsOf(request[name], `request.${name}`, problems),
  path: `request.${name}`,
})

function fieldsOf(value: unknown, path: string, problems: FieldProblem[]): Json {
  if (isObject(value)) return value
  problems.push({ path, want: 'be an object', got: brief(value) })
  return {}
}

/** A text that must be there. */
function nameAt(place: Place, name: string, problems: FieldProblem[]): string {
  const value = place.fields[name]
  return isPrintable(value) && value !== '' ? value : refusedText(place, name, problems)
}

/** A text that may be empty, or not be there. */
function textIn(place: Place, name: string, problems: FieldProblem[]): string {
  const value = place.fields[name] ?? ''
  return isPrintable(value) ? value : refusedText(place, name, problems)
}

function refusedText({ fields, path }: Place, name: string, problems: FieldProblem[]): string {
  problems.push({ path: `${path}.${name}`, want: wantedText, got: brief(fields[name]) })
  return ''
}

function operationOf(value: unknown, problems: FieldProblem[]): Operation {
  if (isOperation(value)) return value
  problems.push({
    path: 'request.operation',
    want: 'be CREATE, UPDATE, DELETE or CONNECT',
    got: brief(value),
  })
  return 'CONNECT'
}

function dryRunOf(value: unknown, problems: FieldProblem[]): boolean {
  if (value === undefined || value === null || typeof value === 'boolean') return value === true
  problems.push({ path: 'request.dryRun', want: 'be true or false', got: brief(value) })
  return true
}

function userOf(value: unknown, problems: FieldProblem[]): RequestUser {
  const user = fieldsOf(value, 'request.userInfo', problems)
  const check = (name: string, fits: boolean, want: string) => {
    if (!fits) problems.push({ path: `request.userInfo.${name}`, want, got: brief(user[name]) })
    return fits
  }
  const { username = '', uid = '' } = user
  const groups = user['groups'] ?? []
  const known = {
    username: check('username', isText(username), 'be text') ? (username as string) : '',
    groups: check('groups', isTexts(groups), 'be a list of text') ? (groups as readonly string[]) : [],
    extra: extraOf(user['extra'] ?? {}, problems),
  }
  return check('uid', isText(uid), 'be text') && uid !== '' ? { ...known, uid: uid as string } : known
}

function extraOf(value: unknown, problems: FieldProblem[]): RequestUser['extra'] {
  const path = 'request.userInfo.extra'
  const extra = fieldsOf(value, path, problems)
  for (const key of Object.keys(extra))
    if (!isTexts(extra[key]))
      problems.push({
        path: `${path}[${JSON.stringify(cut(key, 60))}]`,
        want: 'be a list of text',
        got: brief(extra[key]),
      })
  return extra as RequestUser['extra']
}

/** All that is wrong with a body, as one failure; at most five problems are told. */
export function undecodable(problems: readonly FieldProblem[]): Failure {
  const told = problems.slice(0, 5).map(sentenceOf).join('; ')
  return { code: 400, message: `this is not a question of admission.k8s.io/v1 AdmissionReview: ${told}` }
}

/** The answer to the question `uid`, as it goes over the wire. */
export function encode(uid: string, verdict: Verdict): string {
  const { allowed, patch } = verdict
  const warnings = warningLines(verdict.warnings)
  const changes = allowed && patch.length > 0
  // What is undefined is not written.
  const response = {
    uid,
    allowed,
    status: statusOf(verdict),
    patchType: changes ? 'JSONPatch' : undefined,
    patch: changes ? base64Of(patch) : undefined,
    warnings: warnings.length > 0 ? warnings : undefined,
    auditAnnotations: auditOf(verdict.audit),
  }
  return JSON.stringify({ apiVersion, kind, response })
}

const base64Of = (patch: Verdict['patch']): string => Buffer.from(JSON.stringify(patch)).toString('base64')

function statusOf({ allowed, code, message, reason }: Verdict): object | undefined {
  if (allowed) return message === '' ? undefined : { code: 200, message: messageText(message) }
  return { status: 'Failure', code: refusalCode(code), reason, message: messageText(message) }
}

// 429 and 503 tell clients to come again at once, and what is below 400 would tell them that it was done.
function refusalCode(code: number): number {
  if (!Number.isInteger(code) || code < 400 || code > 599) return 403
  return code === 429 || code === 503 ? 500 : code
}

// The API server drops an annotation whose key, behind `<webhook name>/`, is no qualified name; values are bounded by us.
const auditKey = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const longestAudit = 4096

function auditOf(audit: Verdict['audit']): Readonly<Record<string, string>> | undefined {
  const kept = Object.keys(audit).filter((key) => auditKey.test(key))
  if (kept.length === 0) return undefined
  return Object.fromEntries(kept.map((key) => [key, cut(messageText(audit[key] ?? ''), longestAudit)]))
}

const reasons: Readonly<Record<Failure['code'], string>> = {
  400: 'BadRequest',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  408: 'Timeout',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  500: 'InternalError',
}

/** The body of an HTTP error: a Status of Kubernetes, which the API server shows to the user in its own words. */
export const encodeFailure = ({ code, message }: Failure): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    code,
    reason: reasons[code],
    message: messageText(message),
  })

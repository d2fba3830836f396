/** JSON patch (RFC 6902), with the errors of evanphx/json-patch, which the real server uses. */
import { ApiError } from '../errors/status.ts'
import {
  isList,
  isObject,
  jsonType,
  own,
  same,
  set,
  textAt,
  without,
  type Json,
  type JsonObject,
} from '../json.ts'

// apiserver pkg/endpoints/handlers/patch.go: maxJSONPatchOperations.
const mostOperations = 10_000

/** The names of the Go types that a patch is decoded into: they differ between clients' patches and webhooks'. */
export type PatchTypes = { readonly list: string; readonly operation: string }

/** Why a value is no list of operations, in the words of encoding/json; undefined if it is one. */
export function undecodable(patch: Json, types: PatchTypes): string | undefined {
  if (patch === null) return undefined
  if (!isList(patch)) return `json: cannot unmarshal ${jsonType(patch)} into Go value of type ${types.list}`
  const stray = patch.find((one) => !isObject(one) && one !== null)
  return stray === undefined
    ? undefined
    : `json: cannot unmarshal ${jsonType(stray)} into Go value of type ${types.operation}`
}

/** The document after the operations; none of them counts unless all succeed. */
export function jsonPatch(document: Json, patch: Json): Json {
  const operations = isList(patch) ? patch : []
  if (operations.length > mostOperations) {
    const message = `The allowed maximum operations in a JSON patch is ${mostOperations}, got ${operations.length}`
    throw new ApiError({ code: 413, reason: 'RequestEntityTooLarge', message })
  }
  return operations.reduce<Json>((here, operation) => step(here, operation), document)
}

function step(document: Json, operation: Json): Json {
  const path = textAt(operation, 'path')
  const from = textAt(operation, 'from')
  const value = isObject(operation) ? (own(operation, 'value') ?? null) : null
  const kind = textAt(operation, 'op')
  switch (kind) {
    case 'add':
      return write(document, pointer(path), { value, how: 'add', path })
    case 'replace':
      return write(document, pointer(path), { value, how: 'replace', path })
    case 'remove':
      return write(document, pointer(path), { value: undefined, how: 'remove', path })
    case 'move':
      return move(document, from, path)
    case 'copy':
      return write(document, pointer(path), { value: copied(document, from), how: 'add', path })
    case 'test':
      return tested(document, path, value)
    default:
      throw cannot(`unexpected kind: ${kind}`)
  }
}

function move(document: Json, from: string, path: string): Json {
  const moved = read(
    document,
    pointer(from),
    `move operation does not apply: doc is missing from path: ${from}`,
  )
  const rest = write(document, pointer(from), { value: undefined, how: 'remove', path: from })
  return write(rest, pointer(path), { value: moved, how: 'add', path })
}

// The library copies a key that an object does not have as null.
function copied(document: Json, from: string): Json {
  const path = pointer(from)
  const parent = find(document, path.slice(0, -1))
  const missing = `copy operation does not apply: doc is missing from path: ${from}`
  return isObject(parent) ? (own(parent, path.at(-1) ?? '') ?? null) : read(document, path, missing)
}

function tested(document: Json, path: string, value: Json): Json {
  const found = find(document, pointer(path))
  if (same(found ?? null, value)) return document
  throw cannot(`testing value ${path} failed`)
}

/** A patch that is well-formed and does not apply; the server keeps the reason from clients. */
export class PatchFailed extends ApiError {
  readonly why: string

  constructor(why: string) {
    super({
      code: 422,
      reason: 'Invalid',
      message: 'the server rejected our request due to an error in our request',
      details: {},
    })
    this.why = why
  }
}

const cannot = (why: string): ApiError => new PatchFailed(why)

function pointer(path: string): readonly string[] {
  if (path === '') return []
  return path
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function find(document: Json, path: readonly string[]): Json | undefined {
  let here: Json | undefined = document
  for (const key of path) {
    if (isList(here)) here = here[Number(key)]
    else if (isObject(here)) here = own(here, key)
    else return undefined
  }
  return here
}

function read(document: Json, path: readonly string[], missing: string): Json {
  const found = find(document, path)
  if (found === undefined) throw cannot(missing)
  return found
}

type Write = {
  readonly value: Json | undefined
  readonly how: 'add' | 'replace' | 'remove'
  readonly path: string
}

function write(document: Json, path: readonly string[], what: Write): Json {
  const [key, ...rest] = path
  if (key === undefined) return what.value ?? null
  if (rest.length > 0) {
    const inner = find(document, [key])
    if (inner === undefined || (!isList(inner) && !isObject(inner))) throw missingPath(what)
    return put(document, key, write(inner, rest, what))
  }
  return isList(document) ? writeItem(document, key, what) : writeField(document, key, what)
}

function writeField(document: Json, key: string, what: Write): Json {
  if (!isObject(document)) throw missingPath(what)
  // A key that is not there is replaced all the same: the library asks a map whether it fails, not whether it has it.
  if (what.how === 'remove' && !Object.hasOwn(document, key)) throw missingKey(what, key)
  return inOrder(what.value === undefined ? without(document, key) : set(document, key, what.value))
}

const missingPath = ({ how, path }: Write): ApiError =>
  cannot(`${how} operation does not apply: doc is missing path: "${path}": missing value`)
const missingKey = ({ path }: Write, key: string): ApiError =>
  cannot(`error in remove for path: '${path}': Unable to remove nonexistent key: ${key}: missing value`)

function put(document: Json, key: string, value: Json): Json {
  if (isList(document)) return document.with(Number(key), value)
  return isObject(document) ? inOrder(set(document, key, value)) : document
}

// An object that the library has taken apart is a map of Go, which is written with its keys in order.
const inOrder = (object: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(object).toSorted(([a], [b]) => (a < b ? -1 : 1)))

function writeItem(list: readonly Json[], key: string, what: Write): Json {
  const index = key === '-' && what.how === 'add' ? list.length : Number(key)
  const most = what.how === 'add' ? list.length : list.length - 1
  if (!/^(-|\d+)$/.test(key) || Number.isNaN(index) || index > most)
    throw cannot(
      `error in ${what.how} for path: '${what.path}': Unable to access invalid index: ${key}: invalid index referenced`,
    )
  if (what.value === undefined) return list.toSpliced(index, 1)
  return what.how === 'add' ? list.toSpliced(index, 0, what.value) : list.with(index, what.value)
}

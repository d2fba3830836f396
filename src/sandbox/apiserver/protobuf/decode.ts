/** Kubernetes' protobuf bodies as JSON: kubectl's own create commands send nothing else. Answers are always JSON. */
import { readFileSync } from 'node:fs'
import { badRequest } from '../errors/status.ts'
import { isObject, listAt, own, textAt, type Json, type JsonObject } from '../json.ts'
import { builtinDefinition } from '../resources/definition-names.ts'
import { definitions } from '../schema/definitions.ts'
import { fieldsOf, type WireField } from './wire.ts'

type Field = { readonly name: string; readonly label: string; readonly type: string }
type Message = ReadonlyMap<number, Field>

let loaded: ReadonlyMap<string, Message> | undefined

// Read at the first protobuf body (see test/sandbox/apiserver/collect-protobuf.mjs).
function messages(): ReadonlyMap<string, Message> {
  loaded ??= new Map(
    readFileSync(new URL('fields.ndjson', import.meta.url), 'utf8')
      .split('\n')
      .flatMap(messageOf),
  )
  return loaded
}

function messageOf(line: string): readonly (readonly [string, Message])[] {
  if (line === '') return []
  // Our own file.
  const parsed = JSON.parse(line) as Json
  const fields = listAt(parsed, 'fields').map((field) => {
    const [number, name, label, type] = listAt({ field }, 'field')
    const [first, of, sort] = [name, label, type].map((one) => (typeof one === 'string' ? one : ''))
    return [Number(number), { name: jsonNameOf(first ?? ''), label: of ?? '', type: sort ?? '' }] as const
  })
  return [[textAt(parsed, 'name'), new Map(fields)]]
}

// Names are those of JSON, but for their first letter; and `uID` of a token's bound object is `uid`.
const jsonNameOf = (text: string): string =>
  text === 'uID' ? 'uid' : text.charAt(0).toLowerCase() + text.slice(1)

const magic = Buffer.from('k8s\0')
// Messages contain each other (JSONSchemaProps); deeper ones are not meant.
const deepest = 100

/** Decodes a body; throws 400. */
export function decodeProtobuf(body: Buffer): Json {
  try {
    if (!body.subarray(0, 4).equals(magic))
      throw new RangeError('it does not begin with the four bytes of the format')
    const [typeMeta, raw] = [bytesOf(fieldsOf(body.subarray(4)), 1), bytesOf(fieldsOf(body.subarray(4)), 2)]
    const meta = fieldsOf(typeMeta)
    const [apiVersion, kind] = [bytesOf(meta, 1).toString('utf8'), bytesOf(meta, 2).toString('utf8')]
    const value = message(builtinDefinition(apiVersion, kind), raw, 0)
    return isObject(value) ? { ...value, apiVersion, kind } : { apiVersion, kind }
  } catch (error) {
    throw badRequest(
      `the protobuf body cannot be decoded: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

function bytesOf(fields: readonly WireField[], number: number): Buffer {
  const found = fields.find((one) => one.number === number)?.value
  return Buffer.isBuffer(found) ? found : Buffer.alloc(0)
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.'

function message(type: string, bytes: Buffer, depth: number): Json {
  if (depth > deepest) throw new RangeError(`it is nested deeper than ${deepest} levels`)
  const fields = fieldsOf(bytes)
  const special = specials[type]
  if (special !== undefined) return special(fields)
  const known = messages().get(type)
  if (known === undefined) throw new RangeError(`the kind ${type} is not known here; send JSON`)
  if (type.endsWith('.ExtraValue')) return fields.map((one) => text(one))
  return assemble(type, known, { fields, depth })
}

function assemble(
  type: string,
  known: Message,
  { fields, depth }: { readonly fields: readonly WireField[]; readonly depth: number },
): JsonObject {
  const properties = own(definitions().get(type) ?? {}, 'properties')
  const out = new Map<string, Json>()
  for (const wire of fields) {
    const field = known.get(wire.number)
    if (field === undefined) continue
    const value = field.label === 'map' ? entry(field, wire, depth) : single(field.type, wire, depth)
    if (isObject(properties) && !Object.hasOwn(properties, field.name) && isObject(value)) {
      // Embedded structs are messages of their own here, and part of their owner in JSON.
      for (const [key, one] of Object.entries(value)) out.set(key, one)
      continue
    }
    add(out, field, value)
  }
  return pruned(Object.fromEntries(out), isObject(properties) ? properties : {})
}

function add(out: Map<string, Json>, { name, label }: Field, value: Json): void {
  const before = out.get(name)
  if (label === 'repeated')
    out.set(name, [...(Array.isArray(before) ? (before as readonly Json[]) : []), value])
  else if (label === 'map' && isObject(value))
    out.set(name, { ...(isObject(before) ? before : {}), ...value })
  else out.set(name, value)
}

// Go writes its zero values here, and leaves them out of JSON.
const plainFalse: ReadonlySet<string> = new Set([
  'hostNetwork',
  'hostPID',
  'hostIPC',
  'paused',
  'stdin',
  'stdinOnce',
  'tty',
  'readOnly',
  'minReadySeconds',
  'hostPort',
  'nodePort',
  'observedGeneration',
  'generation',
  'publishNotReadyAddresses',
])

function pruned(object: JsonObject, properties: JsonObject): JsonObject {
  const kept = Object.entries(object).filter(([key, value]) => {
    if (value === null || value === '') return false
    if ((value === 0 || value === false) && plainFalse.has(key)) return false
    const hollow = isObject(value) && Object.keys(value).length === 0
    const property = own(properties, key)
    return !(hollow && isObject(property) && Object.hasOwn(property, 'default'))
  })
  return Object.fromEntries(kept)
}

function entry({ type }: Field, wire: WireField, depth: number): Json {
  const fields = fieldsOf(Buffer.isBuffer(wire.value) ? wire.value : Buffer.alloc(0))
  const value = fields.find((one) => one.number === 2) ?? { number: 2, value: Buffer.alloc(0) }
  return { [bytesOf(fields, 1).toString('utf8')]: single(type, value, depth) }
}

const text = ({ value }: WireField): string => (Buffer.isBuffer(value) ? value.toString('utf8') : '')

function single(type: string, wire: WireField, depth: number): Json {
  const scalar = scalars[type]
  if (scalar !== undefined) return scalar(wire)
  return message(type, Buffer.isBuffer(wire.value) ? wire.value : Buffer.alloc(0), depth + 1)
}

const whole = ({ value }: WireField): Json =>
  typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : 0

const scalars: Readonly<Record<string, (wire: WireField) => Json>> = {
  string: text,
  bytes: ({ value }) => (Buffer.isBuffer(value) ? value.toString('base64') : ''),
  bool: ({ value }) => value === 1n,
  double: ({ value }) => (Buffer.isBuffer(value) && value.length === 8 ? value.readDoubleLE() : 0),
  int32: whole,
  int64: whole,
  uint32: whole,
  uint64: whole,
}

function number(fields: readonly WireField[], wanted: number): number {
  const found = fields.find((one) => one.number === wanted)?.value
  return typeof found === 'bigint' ? Number(BigInt.asIntN(64, found)) : 0
}

function time(fields: readonly WireField[], digits: number): Json {
  if (fields.length === 0) return null
  const iso = new Date(number(fields, 1) * 1000).toISOString().slice(0, 19)
  const nanos = String(number(fields, 2)).padStart(9, '0')
  return digits === 0 ? `${iso}Z` : `${iso}.${nanos.slice(0, digits)}Z`
}

function raw(fields: readonly WireField[]): Json {
  const bytes = bytesOf(fields, 1)
  // From a client: whatever JSON it is, it is judged by the schema.
  return bytes.length === 0 ? null : (JSON.parse(bytes.toString('utf8')) as Json)
}

const specials: Readonly<Record<string, (fields: readonly WireField[]) => Json>> = {
  [`${meta}Time`]: (fields) => time(fields, 0),
  [`${meta}MicroTime`]: (fields) => time(fields, 6),
  [`${meta}FieldsV1`]: raw,
  'io.k8s.apimachinery.pkg.runtime.RawExtension': raw,
  'io.k8s.apimachinery.pkg.api.resource.Quantity': (fields) => bytesOf(fields, 1).toString('utf8'),
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': (fields) =>
    number(fields, 1) === 0 ? number(fields, 2) : bytesOf(fields, 3).toString('utf8'),
}

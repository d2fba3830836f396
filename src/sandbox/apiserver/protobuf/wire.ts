/** The wire format of protocol buffers: numbered fields of four sorts. */

/** One field as it stands on the wire. */
export type WireField = { readonly number: number; readonly value: bigint | Buffer }

const varint = 0
const fixed64 = 1
const delimited = 2
const fixed32 = 5

/** The fields of a message; throws RangeError on bytes that are none. */
export function fieldsOf(bytes: Buffer): readonly WireField[] {
  const fields: WireField[] = []
  let at = 0
  const readVarint = (): bigint => {
    let value = 0n
    // Ten bytes hold 64 bits.
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at]
      if (byte === undefined) break
      at += 1
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw new RangeError('a number does not end')
  }
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError('a field is longer than its message')
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const key = readVarint()
    fields.push({ number: Number(key >> 3n), value: readValue(Number(key & 7n), readVarint, take) })
  }
  return fields
}

function readValue(
  sort: number,
  readVarint: () => bigint,
  take: (length: number) => Buffer,
): bigint | Buffer {
  switch (sort) {
    case varint:
      return readVarint()
    case delimited:
      return take(Number(readVarint()))
    case fixed64:
      return take(8)
    case fixed32:
      return take(4)
    default:
      throw new RangeError(`a field has the unknown sort ${sort}`)
  }
}

/** Just enough DER (X.690) to write an X.509 certificate. */

function element(tag: number, body: Buffer): Buffer {
  const length = body.length
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), body])
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest >>= 8) bytes.unshift(rest & 0xff)
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length, ...bytes]), body])
}

/** SEQUENCE. */
export const sequence = (...parts: readonly Buffer[]): Buffer => element(0x30, Buffer.concat(parts))
/** SET. */
export const setOf = (...parts: readonly Buffer[]): Buffer => element(0x31, Buffer.concat(parts))
/** UTF8String. */
export const utf8 = (text: string): Buffer => element(0x0c, Buffer.from(text, 'utf8'))
/** OCTET STRING. */
export const octets = (bytes: Buffer): Buffer => element(0x04, bytes)
/** BIT STRING with whole bytes, or with `unused` bits at the end. */
export const bits = (bytes: Buffer, unused = 0): Buffer =>
  element(0x03, Buffer.concat([Buffer.from([unused]), bytes]))
/** BOOLEAN true. */
export const yes: Buffer = Buffer.from([0x01, 0x01, 0xff])
/** A context-specific element; constructed ones hold elements, others raw bytes. */
export const tagged = (tag: number, body: Buffer, constructed: boolean): Buffer =>
  element((constructed ? 0xa0 : 0x80) | tag, body)

/** INTEGER that is not negative. */
export function integer(bytes: Buffer): Buffer {
  const first = bytes[0] ?? 0
  return element(0x02, first >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes)
}

/** OBJECT IDENTIFIER from its dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const part of rest) {
    const group = [part & 0x7f]
    for (let left = part >> 7; left > 0; left >>= 7) group.unshift((left & 0x7f) | 0x80)
    bytes.push(...group)
  }
  return element(0x06, Buffer.from(bytes))
}

/** UTCTime: valid from 1950 to 2049, which is what RFC 5280 wants until then. */
export function utcTime(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]/g, '').slice(2, 14)
  return element(0x17, Buffer.from(`${digits}Z`, 'ascii'))
}

/** Text of all that Unicode has, for properties. */
import * as fc from 'fast-check'

/**
 * Any character, as often of ASCII (its controls too) as of the rest; the unit of an `fc.string`.
 * Not fast-check's own unit `binary`: that makes a table of all 1.1 million of them first, half a second in each process.
 */
export const anyCharacter: fc.Arbitrary<string> = fc
  .oneof(
    fc.integer({ min: 0, max: 0x7f }),
    fc.integer({ min: 0x80, max: 0xd7ff }),
    fc.integer({ min: 0xe000, max: 0xffff }),
    fc.integer({ min: 0x1_0000, max: 0x10_ffff }),
  )
  .map((codePoint) => String.fromCodePoint(codePoint), codePointOf)

// The way back lets fast-check put its dangerous words (`__proto__`, `toString`) into the strings.
function codePointOf(character: unknown): number {
  const [codePoint, ...more] = typeof character === 'string' ? Array.from(character) : []
  if (codePoint === undefined || more.length > 0)
    throw new TypeError(`one character was wanted, got ${JSON.stringify(character)}`)
  return codePoint.codePointAt(0) ?? 0
}

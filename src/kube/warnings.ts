/** What the API server warns of beside its answer: `Warning: 299 - "text"` (RFC 7234 5.5; apimachinery pkg/util/net/http.go writes them). */

// The API server gives at most 4,096 characters, unless one warning alone is longer; headers as a whole are bounded by undici.
const mostWarnings = 64
const longest = 1024

const oneWarning = /299 \S+ "((?:[^"\\]|\\.)*)"/gu

/** The texts of Warning headers, each once; what is none is passed over. */
export function warningsIn(header: string | readonly string[] | undefined): readonly string[] {
  const lines = header === undefined ? [] : [header].flat()
  const texts = lines.flatMap((line) => [...asUtf8(line).matchAll(oneWarning)].map(([, text = '']) => text))
  const plain = texts.map((text) => text.replace(/\\(.)/gu, '$1').slice(0, longest))
  return [...new Set(plain)].slice(0, mostWarnings)
}

/** The API server writes UTF-8; undici gives every byte of a header as a character of its own. */
const asUtf8 = (line: string): string => Buffer.from(line, 'latin1').toString('utf8')

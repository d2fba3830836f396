/** The forms in which one secret can come back: whole or the part after a scheme, and each in the usual encodings. */

/** The secret, the parts of it that are secret by themselves, and their encodings. Duplicates are possible. */
export function encodingsOf(secret: string): readonly string[] {
  return partsOf(secret).flatMap((part) => [
    part,
    ...percent(part),
    ...json(part),
    ...markup(part),
    ...base64(part),
  ])
}

/** `Bearer x` and `Basic dXNlcjpwYXNz` are header values: what follows the scheme is the secret, and the password in it. */
function partsOf(secret: string): readonly string[] {
  const credentials = /^[A-Za-z][A-Za-z0-9-]*\s+(\S+)$/.exec(secret.trim())?.[1]
  if (credentials === undefined) return [secret]
  const pair = /^basic\s/i.test(secret.trim()) ? decoded(credentials) : undefined
  const password = pair?.slice(pair.indexOf(':') + 1)
  return [secret, credentials, pair, password]
    .filter((part) => part !== undefined)
    .filter((part) => part.length >= 4)
}

function percent(text: string): readonly string[] {
  // encodeURIComponent throws on half a surrogate pair, which no secret that was decoded from bytes has.
  const component = encodeURIComponent(text.toWellFormed())
  const strict = component.replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
  const forms = [component, strict, component.replaceAll('%20', '+'), strict.replaceAll('%20', '+')]
  return forms.flatMap((form) => [form, form.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())])
}

/** JSON as JavaScript, as Python (all but ASCII escaped) and as PHP (slashes escaped) write it; and that within JSON. */
function json(text: string): readonly string[] {
  const plain = JSON.stringify(text).slice(1, -1)
  const ascii = plain.replace(/[^ -~]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const php = ascii.replaceAll('/', '\\/')
  return [plain, ascii, php, JSON.stringify(plain).slice(1, -1)]
}

function markup(text: string): readonly string[] {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return [
    escaped,
    escaped.replaceAll('"', '&quot;').replaceAll("'", '&#39;'),
    escaped.replaceAll('"', '&#34;').replaceAll("'", '&#x27;'),
  ]
}

/**
 * Base64, plain and for URLs, at the three positions at which the secret can begin within what was encoded. Characters
 * that also hold bits of a neighbour are left out: they show at most six bits of the secret.
 */
function base64(text: string): readonly string[] {
  const bytes = utf8(text)
  const forms = [0, 1, 2].map((shift) => {
    const encoded = encode([...Array.from({ length: shift }, () => 0), ...bytes])
    const bits = (shift + bytes.length) * 8
    return encoded.slice(Math.ceil((shift * 8) / 6), Math.floor(bits / 6))
  })
  return forms.flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_')])
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

function encode(bytes: readonly number[]): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b = 0, c = 0] = bytes.slice(at, at + 3)
    const word = (a << 16) | (b << 8) | c
    for (const shift of [18, 12, 6, 0]) text += alphabet.charAt((word >> shift) & 63)
  }
  return text
}

function decoded(base64Text: string): string | undefined {
  const plain = base64Text.replace(/=+$/, '').replaceAll('-', '+').replaceAll('_', '/')
  const digits = Array.from(plain, (char) => alphabet.indexOf(char))
  if (digits.includes(-1)) return undefined
  let bits = 0
  let held = 0
  const bytes: number[] = []
  for (const digit of digits) {
    held = ((held << 6) | digit) & 0xffff
    bits += 6
    if (bits >= 8) bytes.push((held >> (bits -= 8)) & 0xff)
  }
  return new TextDecoder().decode(Uint8Array.from(bytes))
}

const utf8 = (text: string): readonly number[] => [...new TextEncoder().encode(text)]

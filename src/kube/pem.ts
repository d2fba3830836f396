/** Certificates, keys and tokens as they come from files: looked at before they are used, so that the error names the file. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { AccessError } from './access.ts'

const block = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** A PEM bundle of certificates, unchanged, if every one of them can be read. `where` names the file or field. */
export function certificates(text: string, where: string): string {
  const found = text.match(block) ?? []
  if (found.length === 0) throw bad(where, 'a PEM certificate (-----BEGIN CERTIFICATE-----)', text)
  for (const [index, pem] of found.entries()) {
    if (!readable(pem)) throw bad(where, `certificates that can be read; number ${index + 1} cannot`, text)
  }
  return text
}

function readable(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false // What OpenSSL says of it (`asn1 encoding routines::...`) helps nobody.
  }
}

/** A PEM private key, unchanged, if it can be read and belongs to the first certificate of `cert`. */
export function privateKey(text: string, where: string, cert: string): string {
  const key = readKey(text, where)
  const leaf = new X509Certificate((cert.match(block) ?? [''])[0] ?? '')
  if (!leaf.checkPrivateKey(key)) {
    throw new AccessError(
      'BAD_PEM',
      `${where} must be the key of the client certificate, got the key of another; use a matching pair`,
    )
  }
  return text
}

function readKey(text: string, where: string) {
  try {
    return createPrivateKey(text)
  } catch (cause) {
    // The text is not shown: it may be a key after all, only one with a passphrase.
    throw new AccessError(
      'BAD_PEM',
      `${where} must be an unencrypted PEM private key, got something else; export the key without a passphrase`,
      {
        cause,
      },
    )
  }
}

/** The text in a base64 field of a kubeconfig (`certificate-authority-data`). */
export function fromBase64(text: string, where: string): string {
  if (!/^[A-Za-z0-9+/=\s]*$/.test(text)) throw bad(where, 'base64', text)
  return Buffer.from(text, 'base64').toString('utf8')
}

/** A bearer token without the line break at its end; it becomes a header, so nothing else may be in it. */
export function bearerToken(text: string, where: string): string {
  const token = text.trim()
  // RFC 6750 section 2.1: b68token. A line break would let the file write headers of its own.
  if (/^[\x21-\x7e]{1,65536}$/.test(token)) return token
  throw new AccessError(
    'BAD_TOKEN',
    `${where} must be a token of printable characters on one line, got ${token.length} characters of another kind; write the token anew`,
  )
}

function bad(where: string, want: string, got: string): AccessError {
  const shown = got.includes('PRIVATE KEY')
    ? 'a private key'
    : got === ''
      ? 'nothing'
      : JSON.stringify(got.slice(0, 40))
  return new AccessError('BAD_PEM', `${where} must be ${want}, got ${shown}; mend the file or the field`)
}

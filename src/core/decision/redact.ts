/**
 * Takes out of a text what looks like a credential. Values of Secrets are masked where they are used; this is for what
 * somebody wrote literally into an Action, and for what an answer brings along.
 */

const masked = '***'

const schemes = '(?:bearer|basic|digest|token|aws4-hmac-sha256)'
// JSON in a JSON text has its quotes behind backslashes.
const authorization = String.raw`\b(?:proxy-)?authorization\\*["']?\s*[:=]\s*\\*["']?`
const named = String.raw`(?:token|secret|password|passwd|passphrase|credential|(?:api|access|private)[-_]?key)\\*["']?\s*[:=]\s*`

// Each keeps in its first group what says which sort of credential stood there.
const forms: readonly RegExp[] = [
  new RegExp(String.raw`(${authorization}${schemes}\s+)[^\s,;"'\\]+`, 'giu'),
  // A scheme that is not known here may be the credential itself, or stand before it.
  new RegExp(String.raw`(${authorization})(?!${schemes}\s)[^\s,;"'\\]+(?:[^\S\n]+[^\s,;"'\\]+)?`, 'giu'),
  /(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/-]{8,}=*/giu,
  /(\b[a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/?#@"']{1,512}@/giu,
  /(\b(?:set-)?cookie\s*:\s*)[^\r\n"']+/giu,
  /([?&](?:[a-z0-9_.-]{0,40}(?:token|secret|password|passwd|signature|credential|api-?key)|sig|key|code)=)[^\s&#"']+/giu,
  new RegExp(String.raw`(${named}(?:\\*["'])?)(?:(?<=")[^"\\]+|(?<=')[^']+|(?<!["'])[^\s"',;&}\\]+)`, 'giu'),
]
// A JSON Web Token, and a private key in PEM, wherever they stand.
const wholes: readonly RegExp[] = [
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*/gu,
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/gu,
]

// Without one of these no form is in a text, and most texts have none.
const sign = /[:=@]|bearer|basic|eyj|-----begin/iu

/** The text without control characters but line ends, and without what looks like a credential. */
export function redacted(text: string): string {
  const plain = text.replaceAll(/[^\P{C}\n]/gu, '')
  if (!sign.test(plain)) return plain
  const known = forms.reduce(
    (kept, form) =>
      kept.replaceAll(
        form,
        (whole: string, before: string) => `${before}${masked}${whole.endsWith('@') ? '@' : ''}`,
      ),
    plain,
  )
  return wholes.reduce((kept, form) => kept.replaceAll(form, masked), known)
}

/** Exported outputs as a signed text: a compact JWS (RFC 7515) by Ed25519, bound to its use by its type. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { CompactSign } from 'jose/jws/compact/sign'
import { compactVerify } from 'jose/jws/compact/verify'
import { decodeJwt } from 'jose/jwt/decode'
import { decodeProtectedHeader } from 'jose/decode/protected_header'
import type { OutputsKey } from '../core/exported/keys.ts'
import { readStatement, type Statement } from '../core/exported/statement.ts'

const alg = 'EdDSA'
// Nothing else that any key of ours signs can be taken for outputs (RFC 8725, section 3.11).
const typ = 'tidewaiter-outputs+jws'

/** Longest text that is read: 4 KiB of outputs and what they are bound to have 7 KiB in base64url. */
const longest = 8192

/** Signs what a run exports. */
export const signStatement = (
  statement: Statement,
  { key, kid }: { readonly key: KeyObject; readonly kid: string },
): Promise<string> =>
  new CompactSign(Buffer.from(JSON.stringify(statement))).setProtectedHeader({ alg, typ, kid }).sign(key)

/** What a text says, or why it is not believed. */
export type Opened =
  { readonly ok: Statement; readonly key: OutputsKey } | { readonly problem: string; readonly kid?: string }

/** Opens what a Backup carries. Whoever can write to the object storage wrote it: nothing in it counts before the signature. */
export async function openStatement(text: string, trusted: readonly OutputsKey[]): Promise<Opened> {
  if (text.length > longest)
    return { problem: `they must have at most ${longest} characters, got ${text.length}` }
  const header = headerOf(text)
  if (header?.alg !== alg || header.typ !== typ || typeof header.kid !== 'string')
    return { problem: 'they are not signed as tidewaiter signs them, or were changed' }
  const { kid } = header
  const key = trusted.find((one) => one.kid === kid)
  if (key === undefined)
    return {
      kid,
      problem: `the key ${kid.slice(0, 64)} that is said to have signed them${claimedBy(text)} is not trusted here: if that cluster is to be believed, give what "tidewaiter keys show" prints there to --trusted-keys here`,
    }
  const payload = await payloadOf(text, key)
  if (payload === undefined)
    return { kid, problem: 'their signature does not hold: they were changed since they were signed' }
  const statement = readStatement(payload.json)
  if ('problem' in statement) return { kid, problem: statement.problem }
  if (statement.ok.cluster !== key.cluster)
    return {
      kid,
      problem: `the key ${kid} speaks for the cluster ${key.cluster}, and they are said to come from ${statement.ok.cluster}`,
    }
  return { ok: statement.ok, key }
}

/** The cluster that a text says it comes from. Nobody vouches for it yet: it is told only, so that its keys can be asked for. */
function claimedBy(text: string): string {
  try {
    const cluster = decodeJwt(text)['cluster']
    return typeof cluster === 'string' && /^[\w.-]{1,64}$/.test(cluster)
      ? `, by its own word in the cluster ${cluster},`
      : ''
  } catch {
    return ''
  }
}

function headerOf(text: string) {
  try {
    return decodeProtectedHeader(text)
  } catch {
    // Anybody may have written it: what is no JWS has no header.
    return undefined
  }
}

async function payloadOf(text: string, { x }: OutputsKey): Promise<{ readonly json: unknown } | undefined> {
  try {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    const { payload } = await compactVerify(text, key, { algorithms: [alg] })
    return { json: JSON.parse(new TextDecoder().decode(payload)) }
  } catch {
    // Each way in which it can be wrong: the form, the signature, a critical header that is not known.
    return undefined
  }
}

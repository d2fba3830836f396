/** What a Backup carries of the outputs of its actions, read without the code that put it there. */
import { createPublicKey, verify } from 'node:crypto'
import type { Loose } from '../support/asking.ts'
import { roleOf } from './history.ts'

/** What it carries. */
export type Carried = {
  /** Whether a key of the install signed it. */
  readonly isSigned: boolean
  /** Whether it says that it is of this very object, and of its run. */
  readonly isOwn: boolean
  /** By role and name. */
  readonly outputs: Loose
}

/** Reads it; undefined: it carries none. `keys`: the public ones of the install, in base64url. */
export function carriedBy(
  { metadata }: Loose,
  { keys, run }: { readonly keys: readonly string[]; readonly run: string | undefined },
): Carried | undefined {
  const text: string | undefined = metadata.annotations?.['tidewaiter.io/outputs']
  if (text === undefined) return undefined
  const [header = '', payload = '', signature = ''] = text.split('.')
  const said = JSON.parse(Buffer.from(payload, 'base64url').toString())
  return {
    isSigned: keys.some((x) =>
      verify(
        null,
        Buffer.from(`${header}.${payload}`),
        createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }),
        Buffer.from(signature, 'base64url'),
      ),
    ),
    isOwn: said.uid === metadata.uid && said.backup === metadata.name && said.run === run,
    outputs: Object.fromEntries(
      Object.entries(said.outputs).map(([action, values]) => [roleOf(action), values]),
    ),
  }
}

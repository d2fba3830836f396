/** A certificate for whoever is measured beside the service. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mintAuthority, mintLeaf } from '../../src/tls/authority.ts'

/** Files, PEM. */
export type Pair = { readonly cert: string; readonly key: string; readonly ca: string }

/** A certificate as the service makes one for itself. */
export async function mint(folder: string): Promise<Pair> {
  const now = Date.now()
  const validMs = 24 * 60 * 60 * 1000
  const authority = await mintAuthority({ name: 'bench', now, validMs })
  const leaf = await mintLeaf({ authority, names: ['127.0.0.1'], now, validMs })
  const [cert, key, ca] = ['rival.crt', 'rival.key', 'rival-ca.crt'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(ca, authority.cert)
  writeFileSync(cert, leaf.cert)
  writeFileSync(key, leaf.key, { mode: 0o600 })
  return { cert, key, ca }
}

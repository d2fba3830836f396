/** The certificate of the server that actions call. */
import { mintAuthority, mintLeaf } from '../../src/tls/authority.ts'

/** Its name as a Service. */
export const hookHost = 'hook.e2e.svc'
/** The namespace of the Service, and of the Secret hook-tls that keeps the certificate. */
export const hookNamespace = 'e2e'

/** A new certificate, its key and the authority that signed it: PEM, by the names of their files. */
export async function hookCertificate(): Promise<Readonly<Record<'tls.crt' | 'tls.key' | 'ca.crt', string>>> {
  const now = Date.now()
  const authority = await mintAuthority({ name: 'e2e', now })
  const leaf = await mintLeaf({ authority, names: [hookHost], now })
  return { 'tls.crt': leaf.cert, 'tls.key': leaf.key, 'ca.crt': authority.cert }
}

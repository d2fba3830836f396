/**
 * TLS contexts for given authorities. Reading a bundle of all public authorities takes 10 to 30 ms in which nothing else runs,
 * and every call opens a connection of its own: so a few are kept.
 */
import tls from 'node:tls'

/** The context that trusts these PEM certificates alone. */
export type Contexts = (ca: string) => tls.SecureContext

const mostKept = 8

/** Keeps the contexts that were used last. */
export function createContexts(): Contexts {
  const kept = new Map<string, tls.SecureContext>()
  return (ca) => {
    const context = kept.get(ca) ?? tls.createSecureContext({ ca, minVersion: 'TLSv1.2' })
    kept.delete(ca)
    kept.set(ca, context)
    const [oldest] = kept.keys()
    if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest)
    return context
  }
}

/** Sessions in memory: who signed in, until when. The token itself is not kept. */
import type { Clock } from '../clock.ts'
import type { Viewer } from './ports.ts'

/** Who signed in. */
export type Session = { readonly viewer: Viewer; readonly expiresAt: number }

/** Sessions by the secret in a cookie. */
export type Sessions = {
  /** Begins one; gives the secret for the cookie. */
  readonly begin: (session: Session) => string
  readonly find: (secret: string) => Session | undefined
  readonly end: (secret: string) => void
}

// A session has some hundred bytes, with many groups some kilobytes.
const most = 1000
const longestMs = 8 * 3_600_000
// A token that does not say when it ends.
const unsaidMs = 3_600_000

/** No sessions yet. */
export function createSessions({
  clock,
  newSecret,
  hash,
}: {
  readonly clock: Clock
  readonly newSecret: () => string
  readonly hash: (text: string) => string
}): Sessions {
  // By a hash: how long a lookup takes tells nothing of the secrets.
  const kept = new Map<string, Session>()
  return {
    begin: (session) => {
      for (const [key, { expiresAt }] of kept) if (expiresAt <= clock.now()) kept.delete(key)
      const secret = newSecret()
      kept.set(hash(secret), session)
      const [oldest] = kept.keys()
      if (kept.size > most && oldest !== undefined) kept.delete(oldest)
      return secret
    },
    find: (secret) => {
      const session = kept.get(hash(secret))
      return session !== undefined && session.expiresAt > clock.now() ? session : undefined
    },
    end: (secret) => void kept.delete(hash(secret)),
  }
}

/** When a session must end: with its token (the `exp` of a JWT that the API server has accepted), and after eight hours at most. */
export function expiryOf(token: string, now: number): number {
  const ends = expClaim(token)
  return ends === undefined ? now + unsaidMs : Math.min(ends, now + longestMs)
}

function expClaim(token: string): number | undefined {
  const [, payload, signature] = token.split('.')
  if (payload === undefined || signature === undefined) return undefined
  try {
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as unknown
    const exp = typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : undefined
    return typeof exp === 'number' && Number.isFinite(exp) ? exp * 1000 : undefined
  } catch {
    // Not a JWT: then it says nothing of its end.
    return undefined
  }
}

/** Who sends a request: by the session in its cookie, or by a token that it carries. */
import type { DashboardPorts, Viewer } from './ports.ts'
import { secretIn } from './cookies.ts'
import { seeing, type Visitor } from './rights.ts'
import { expiryOf, type Sessions } from './sessions.ts'

type Headers = {
  readonly host?: string | undefined
  readonly cookie?: string | undefined
  readonly authorization?: string | undefined
}

/** Finds out; undefined: nobody that we know. Throws when the API server does not answer. */
export type Who = (headers: Headers) => Promise<Visitor | undefined>

// A token is asked about once in this time, not at every call of a script.
const keepMs = 10_000
const mostKept = 256

/** Longest token that is looked at: those of service accounts have one to four kilobytes. */
export const longestToken = 8192

type Kept = { readonly viewer: Viewer; readonly until: number }

/** Who, by these ports. */
export function createWho(ports: DashboardPorts, sessions: Sessions): Who {
  const { clock, authenticate, hash, signIn } = ports
  const kept = new Map<string, Kept>()
  const byToken = async (token: string): Promise<Viewer | undefined> => {
    const key = hash(token)
    const former = kept.get(key)
    const left = former === undefined ? 0 : former.until - clock.now()
    // A clock that was set back makes an answer older than it looks.
    if (former !== undefined && left > 0 && left <= keepMs) return former.viewer
    const viewer = await authenticate(token)
    kept.delete(key)
    if (viewer === undefined) return undefined
    kept.set(key, { viewer, until: Math.min(clock.now() + keepMs, expiryOf(token, clock.now())) })
    const [oldest] = kept.keys()
    if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest)
    return viewer
  }
  const visitor = (viewer: Viewer | undefined, hasSession: boolean, until: number): Visitor => ({
    name: viewer?.user ?? '',
    hasSession,
    until,
    sees: seeing(ports, viewer),
  })
  return async (headers) => {
    if (signIn === 'none') return visitor(undefined, false, Infinity)
    const [, token] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? []
    if (token !== undefined) {
      const viewer = token.length > longestToken ? undefined : await byToken(token)
      return viewer && visitor(viewer, false, expiryOf(token, clock.now()))
    }
    const session = sessions.find(secretIn(headers) ?? '')
    return session && visitor(session.viewer, true, session.expiresAt)
  }
}

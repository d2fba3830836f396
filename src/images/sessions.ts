/** Remembers sign-ins, so that not every request is refused first. In memory only, and never logged. */
import { createHash } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Credential } from './keyring.ts'
import { mostSessions } from './limits.ts'

/** What is sent as Authorization, and until when that is worth trying. */
export type Session = {
  readonly authorization: string
  readonly secrets: readonly string[]
  readonly endsAt: number
}

/** For what a session is: the very credential, so that one person's token never serves another. */
export type SessionKey = {
  readonly origin: string
  readonly repository: string
  readonly credential: Credential | undefined
}

/** Holds sessions, the oldest leaving first when there are too many. */
export class Sessions {
  readonly #clock: Clock
  readonly #held = new Map<string, Session>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The session that is still good. */
  get(key: SessionKey): Session | undefined {
    const id = idOf(key)
    const session = this.#held.get(id)
    if (session === undefined || session.endsAt > this.#clock.now()) return session
    this.#held.delete(id)
    return undefined
  }

  /** Keeps a session; one that has ended already is not kept. */
  keep(key: SessionKey, session: Session): void {
    const id = idOf(key)
    this.#held.delete(id)
    if (session.endsAt <= this.#clock.now()) return
    this.#held.set(id, session)
    const [oldest] = this.#held.keys()
    if (this.#held.size > mostSessions && oldest !== undefined) this.#held.delete(oldest)
  }

  /** Forgets a session that the registry no longer takes. */
  drop(key: SessionKey): void {
    this.#held.delete(idOf(key))
  }
}

function idOf({ origin, repository, credential }: SessionKey): string {
  const { username = '', password = '', identityToken = '' } = credential ?? {}
  const parts = [origin, repository, username, password, identityToken, credential === undefined]
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64')
}

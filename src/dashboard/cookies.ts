/** The one cookie: a random secret, for this origin only. */
import { hostOf, isLoopback } from './hosts.ts'

// Through a port-forward there is no TLS, and not every browser keeps a Secure cookie then; from anywhere else nothing but TLS will do.
const names = { loopback: 'tidewaiter-session', tls: '__Host-tidewaiter-session' } as const

const nameFor = (host: string | undefined): string =>
  names[isLoopback(hostOf(host) ?? '') ? 'loopback' : 'tls']

/** The secret that a request carries. */
export function secretIn(headers: {
  readonly host?: string | undefined
  readonly cookie?: string | undefined
}): string | undefined {
  const prefix = `${nameFor(headers.host)}=`
  const found = (headers.cookie ?? '')
    .split(';')
    .map((one) => one.trim())
    .find((one) => one.startsWith(prefix))
  return found?.slice(prefix.length)
}

/** The Set-Cookie for a secret; without one it takes the cookie away. Lax: a link from a chat shows its page to who is signed in. */
export function cookieOf(
  host: string | undefined,
  session: { readonly secret: string; readonly seconds: number } | undefined,
): string {
  const name = nameFor(host)
  const secure = name === names.tls ? '; Secure' : ''
  const { secret, seconds } = session ?? { secret: '', seconds: 0 }
  return `${name}=${secret}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`
}

/** What the settings of `serve` may say: each text read into a value, or what was wanted of it. */
import { isProxyDomain } from './core/plugin/proxy.ts'

/** A value, or what it must do and what was got: the end of a sentence that begins `--listen must`. */
export type Read<T> = { readonly ok: T } | { readonly want: string }

/** What a process of `serve` may do. */
export const roles = ['webhook', 'controller', 'dashboard'] as const
/** One thing a process may do. */
export type Role = (typeof roles)[number]

/** A listening address. */
export type Listen = { readonly host: string; readonly port: number }

const wanted = (want: string, got: string) => ({ want: `${want}, got "${got}"` })

/** Whole seconds from 0 to `most`. */
export function wholeNumber(text: string, most: number): Read<number> {
  const value = Number(text)
  return /^\d+$/.test(text) && value <= most
    ? { ok: value }
    : wanted(`be a whole number of seconds from 0 to ${most}`, text)
}

/** A whole number between two others. */
export function wholeBetween(text: string, least: number, most: number): Read<number> {
  const value = Number(text)
  return /^\d{1,15}$/.test(text) && value >= least && value <= most
    ? { ok: value }
    : wanted(`be a whole number from ${least} to ${most}`, text)
}

/** Names of hosts, each once, without ports; none is a list too. */
export function hostNames(names: readonly string[]): Read<readonly string[]> {
  const bad = names.find((name) => !/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(name))
  return bad === undefined
    ? { ok: [...new Set(names)] }
    : wanted('be the name of a host, without scheme and port', bad)
}

/** Whether nobody but the machine itself reaches an address. */
export const isLoopback = ({ host }: Listen): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)

/** One of a few words. */
export function oneOf<T extends string>(text: string, words: readonly T[]): Read<T> {
  const found = words.find((one) => one === text)
  return found === undefined ? wanted(`be one of ${words.join(', ')}`, text) : { ok: found }
}

/** At least one role, each once. */
export function rolesOf(names: readonly string[]): Read<readonly Role[]> {
  const found = names.map((name) => oneOf(name, roles))
  const bad = found.find((one) => 'want' in one)
  if (bad !== undefined) return bad
  if (names.length === 0) return { want: `name at least one of ${roles.join(', ')}, got none` }
  return { ok: [...new Set(found.flatMap((one) => ('ok' in one ? [one.ok] : [])))] }
}

/** At least one namespace, each once. */
export function namespaces(names: readonly string[]): Read<readonly string[]> {
  const bad = names.find((name) => !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name))
  if (bad !== undefined) return wanted('be the name of a namespace', bad)
  if (names.length === 0) return { want: 'name at least one namespace, got none' }
  return { ok: [...new Set(names)] }
}

/** Names of objects, each once; none is a list too. */
export function objectNames(names: readonly string[]): Read<readonly string[]> {
  const bad = names.find((name) => name.length > 253 || !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name))
  return bad === undefined ? { ok: [...new Set(names)] } : wanted('be the name of an object', bad)
}

/** What stands for the proxy of Embedded Cluster, or nothing. */
export const proxyDomain = (text: string | undefined): Read<string | undefined> =>
  text === undefined || isProxyDomain(text) ? { ok: text } : wanted('be HOST[:PORT]', text)

/** `[HOST]:PORT`. */
export function listenOf(text: string): Read<Listen> {
  const [, host = '', digits = ''] = /^(\[[0-9a-fA-F:.]+\]|[^:]*):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (digits === '' || port > 65_535) return wanted('be [HOST]:PORT', text)
  return { ok: { host: host.replace(/^\[|\]$/g, ''), port } }
}

/** An https URL that is an origin, or nothing. */
export function origin(text: string | undefined): Read<string | undefined> {
  if (text === undefined) return { ok: undefined }
  const url = URL.parse(text)
  const { protocol, username, password, pathname, search, hash } = url ?? {}
  const more = [username, password, search, hash].some((part) => part !== '')
  if (url === null || protocol !== 'https:' || pathname !== '/' || more)
    return wanted('be https://HOST[:PORT] without user, path and query', text)
  return { ok: `https://${url.host}` }
}

/** An HTTP proxy, and what it is told about who asks. */
export type ProxyAddress = {
  readonly host: string
  readonly port: number
  /** The value of Proxy-Authorization; a secret. */
  readonly authorization: string | undefined
}

/** The URL of an HTTP proxy, or nothing. What was got is never shown: it may hold a password. */
export function proxyAddress(text: string | undefined): Read<ProxyAddress | undefined> {
  if (text === undefined) return { ok: undefined }
  const url = URL.parse(text)
  const whole =
    url !== null && url.protocol === 'http:' && url.pathname === '/' && url.search + url.hash === ''
  const want =
    'be http://[USER:PASSWORD@]HOST[:PORT], special characters of user and password percent-encoded'
  if (!whole) return { want: `${want}, got something else` }
  const user = decoded(`${url.username}:${url.password}`)
  if (user === undefined) return { want: `${want}, got something else` }
  const authorization = user === ':' ? undefined : `Basic ${Buffer.from(user).toString('base64')}`
  const port = url.port === '' ? 80 : Number(url.port)
  return { ok: { host: url.hostname.replace(/^\[|\]$/g, ''), port, authorization } }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

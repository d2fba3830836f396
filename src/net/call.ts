/** One call without redirects: resolve, judge, connect, exchange. */
import type { Clock } from '../clock.ts'
import type { EgressRules } from '../core/egress.ts'
import type { Log } from '../log.ts'
import { connect } from './connect.ts'
import type { Contexts } from './contexts.ts'
import type { Connection } from './connect.ts'
import { exchange } from './exchange.ts'
import type { Exchanged } from './exchange.ts'
import { connectFailure, exchangeFailure, isMisuse, tunnelFailure } from './failures.ts'
import type { Failure } from './failures.ts'
import type { Places } from './places.ts'
import type { Answer, Lookup, Request } from './ports.ts'
import type { Semaphore } from './semaphore.ts'
import { findRoute, readUrl } from './target.ts'
import type { Route } from './target.ts'
import { NoTunnel } from './tunnel.ts'
import { unlessAborted } from '../until.ts'

/** What a call needs from the world. */
export type CallPorts = {
  readonly rules: EgressRules
  readonly clock: Clock
  readonly log?: Log
  readonly lookup: Lookup
  readonly connectTimeoutMs: number
  readonly contexts: Contexts
}

/** What calls of one client share. */
export type Shared = { readonly places: Places; readonly large: Semaphore }

// One address after another; each of several gets a part of the time, so that one dead address does not use up all.
const mostTried = 4

type Opened = { readonly connection: Connection; readonly where: string; readonly address: string }

/** Calls once, when there is a place for it. */
export async function call(request: Request, ports: CallPorts & Shared): Promise<Answer> {
  const url = readUrl(request.url, request.ca)
  if (!(url instanceof URL)) return { refused: 'egress', message: url.problem, sent: false }
  let begun = false
  const work = async (): Promise<Answer> => {
    begun = true
    const opened = await openInTime(url, request, ports)
    if (!('connection' in opened)) return { ...opened, sent: false }
    if (request.isWanted?.() !== false) return talk(url, request, { ...opened, large: ports.large })
    opened.connection.destroy()
    return { ...stopped(request.signal, `about to call ${opened.where}`), sent: false }
  }
  try {
    return await ports.places(url.host, work, request.signal)
  } catch (error) {
    if (begun || !request.signal.aborted) throw error
    const doing = `waiting for one of the calls to ${url.host} or elsewhere that are under way to end`
    return { ...stopped(request.signal, doing), sent: false }
  }
}

type NotOpened = Failure | { readonly refused: 'egress'; readonly message: string }

/** What a connection is opened for. */
export type Opener = { readonly ca?: string | undefined; readonly signal: AbortSignal }

/** Opens a connection within the rules and the time for it. */
export async function openInTime(url: URL, request: Opener, ports: CallPorts): Promise<Opened | NotOpened> {
  const limit = ports.clock.abortAfter(ports.connectTimeoutMs)
  const signal = AbortSignal.any([request.signal, limit.signal])
  try {
    return await open(url, request, { ...ports, signal })
  } catch (error) {
    if (!signal.aborted) throw error
    return stopped(request.signal, `connecting to ${url.host}`)
  } finally {
    limit.release()
  }
}

type Opening = CallPorts & { readonly signal: AbortSignal }

/** Rejects only with the signal's reason, or if it is a bug. */
async function open(url: URL, { ca }: Opener, ports: Opening): Promise<Opened | NotOpened> {
  const route = await unlessAborted(ports.signal, findRoute(url, ports))
  if (!('addresses' in route)) return route
  let failure: Failure = { failed: 'network', message: `${route.host} has no address` }
  for (const [index, address] of route.addresses.slice(0, mostTried).entries()) {
    const where = whereOf(route, address.text)
    const share = shareOf(ports, route.addresses.length - index)
    const signal = AbortSignal.any([ports.signal, share.signal])
    try {
      const context = ca === undefined ? undefined : ports.contexts(ca)
      const connection = await connect(route, address, { context, signal })
      ports.log?.debug({ host: route.host, port: route.port, address: address.text }, 'connected')
      return { connection, where, address: address.text }
    } catch (error) {
      ports.signal.throwIfAborted()
      failure = share.signal.aborted
        ? { failed: 'timeout', message: `could not connect to ${where}: no answer in time` }
        : failureOf({ host: route.host, where }, error)
    } finally {
      share.release()
    }
  }
  return failure
}

const failureOf = (target: { readonly host: string; readonly where: string }, error: unknown): Failure =>
  error instanceof NoTunnel ? tunnelFailure(target.where, error) : connectFailure(target, error)

const shareOf = ({ clock, connectTimeoutMs }: Opening, left: number) =>
  clock.abortAfter(connectTimeoutMs / Math.min(left, mostTried))

type Talking = Opened & Pick<Shared, 'large'>

async function talk(
  url: URL,
  request: Request,
  { connection, where, address, large }: Talking,
): Promise<Answer> {
  let bytes = 0
  let got: Exchanged
  try {
    const onProgress = (now: number) => {
      bytes = now
    }
    got = await exchange(connection, { ...request, url, large, onProgress })
  } catch (error) {
    const doing =
      bytes === 0
        ? `waiting for the answer of ${where}`
        : `reading the answer of ${where} (${bytes} bytes so far)`
    if (request.signal.aborted) return { ...stopped(request.signal, doing), sent: true }
    if (isMisuse(error)) throw error
    return { ...exchangeFailure(where, error), sent: true }
  }
  if ('tooLarge' in got) {
    const cause = `${where} ${got.tooLarge}`
    return { failed: 'answer', about: 'size', cause, message: `${cause}. Answer with less`, sent: true }
  }
  return { ok: { ...got, truncated: false, finalUrl: url.href, address } }
}

/** The signal of the caller says why it stopped; if that did not abort, the limit of connecting did. */
function stopped(signal: AbortSignal, doing: string): Failure {
  const reason: unknown = signal.reason
  const timedOut = !signal.aborted || (reason instanceof DOMException && reason.name === 'TimeoutError')
  return timedOut
    ? { failed: 'timeout', message: `no answer in time: stopped while ${doing}` }
    : { failed: 'aborted', message: `stopped while ${doing}` }
}

function whereOf({ host, port, proxy }: Route, address: string): string {
  const at = (to: number) => (address.includes(':') ? `[${address}]:${to}` : `${address}:${to}`)
  if (proxy !== undefined) return `${host}:${port} (by the proxy ${at(proxy.port)})`
  return host === address ? at(port) : `${host} (${at(port)})`
}

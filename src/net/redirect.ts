/** What a redirect makes of a request (RFC 9110 15.4, and what fetch does where that leaves a choice). */
import type { Answered, Request } from './ports.ts'

/** The next request, or why the redirect is not followed. */
export type Redirected =
  | { readonly next: Request }
  | { readonly refused: string }
  | { readonly problem: string }
  | { readonly final: true }

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
const neverElsewhere = ['authorization', 'cookie', 'proxy-authorization']

/** Decides about one answer; `followed` redirects lead to it. */
export function redirect(
  request: Request,
  answer: Pick<Answered, 'status' | 'headers'>,
  followed: number,
): Redirected {
  const location = answer.headers['location']
  if (request.maxRedirects === 0 || !redirects.has(answer.status) || location === undefined)
    return { final: true }
  if (followed >= request.maxRedirects) {
    return { problem: `redirected more than ${request.maxRedirects} times (followRedirects)` }
  }
  const from = new URL(request.url)
  const to = URL.parse(location, request.url)
  if (to === null)
    // Not shown: it may echo part of a secret, which a mask no longer finds once it is cut.
    return { problem: 'redirected to something that is no URL' }
  if (from.protocol === 'https:' && to.protocol !== 'https:') {
    return { refused: `a redirect from https to ${to.protocol.slice(0, 20)} is not followed` }
  }
  return { next: retargeted(withoutBodyIfTurned(request, answer.status), from, to) }
}

function retargeted(request: Request, from: URL, to: URL): Request {
  const next = { ...request, url: to.href }
  if (from.origin === to.origin) return next
  // Dropped for good: a redirect back does not bring them back, as who redirects chooses the path.
  const secret = new Set([
    ...neverElsewhere,
    ...(request.secretHeaders ?? []).map((name) => name.toLowerCase()),
  ])
  return { ...next, headers: request.headers.filter(([name]) => !secret.has(name.toLowerCase())) }
}

function withoutBodyIfTurned(request: Request, status: number): Request {
  const turns =
    (status === 303 && request.method !== 'GET' && request.method !== 'HEAD') ||
    ((status === 301 || status === 302) && request.method === 'POST')
  if (!turns) return request
  const { body: _body, ...rest } = request
  const headers = request.headers.filter(([name]) => !name.toLowerCase().startsWith('content-'))
  return { ...rest, method: 'GET', headers }
}

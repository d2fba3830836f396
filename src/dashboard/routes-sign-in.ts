/** Signing in with a token, and out again. Another way to sign in (OIDC) becomes another pair of routes here. */
import type { FastifyInstance } from 'fastify'
import { cookieOf, secretIn } from './cookies.ts'
import { createPace } from './pace.ts'
import { signInPage } from './pages/problem.ts'
import { nextOf } from './query.ts'
import { expiryOf } from './sessions.ts'
import { searchOf, sendPage, type Site, type Way } from './site.ts'
import { longestToken } from './who.ts'

// Behind a port-forward all have one address: so few that guessing is hopeless, so many that a team can sign in.
const pace = { burst: 20, perSecond: 0.5 }

/** Adds the routes. */
export function signInRoutes(app: FastifyInstance, site: Site): void {
  const { ports, sessions } = site
  const { audience, clock } = ports
  const take = createPace(clock, pace)
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request: unknown, body: string | Buffer) => Promise.resolve(new URLSearchParams(String(body))),
  )
  const again = (
    way: Way,
    next: string,
    { status, problem }: { readonly status: number; readonly problem?: string },
  ) => sendPage(site, way, { page: signInPage({ next, audience, problem }), status })

  app.get('/login', (request, reply) => {
    const next = nextOf(searchOf(request).get('next'))
    return ports.signIn === 'none'
      ? reply.redirect(next, 303)
      : again({ request, reply }, next, { status: 200 })
  })

  app.post('/login', async (request, reply) => {
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
    const next = nextOf(form.get('next'))
    const way = { request, reply }
    const seconds = take(request.ip)
    if (seconds > 0)
      return again(way, next, {
        status: 429,
        problem: `Too many tokens were tried from this address. Wait ${seconds} s.`,
      })
    // What is pasted from a terminal may be broken into lines.
    const token = (form.get('token') ?? '').replaceAll(/\s+/g, '')
    if (token === '' || token.length > longestToken)
      return again(way, next, {
        status: 400,
        problem: `A token must have 1 to ${longestToken} characters, got ${token.length}.`,
      })
    const viewer = await ports.authenticate(token).catch((err: unknown) => {
      ports.log.warn({ err }, 'the API server could not be asked about a token')
      return 'unanswered' as const
    })
    if (viewer === 'unanswered')
      return again(way, next, {
        status: 503,
        problem: 'The API server could not be asked about this token. Try again in a moment.',
      })
    if (viewer === undefined)
      return again(way, next, {
        status: 401,
        problem: `The API server does not take this token: it must be for the audience ${audience}, and not have ended. Make another one as below.`,
      })
    const now = clock.now()
    const expiresAt = expiryOf(token, now)
    const former = secretIn(request.headers)
    if (former !== undefined) sessions.end(former)
    const secret = sessions.begin({ viewer, expiresAt })
    ports.log.info(
      { user: viewer.user, until: new Date(expiresAt).toISOString() },
      'somebody signed in to the dashboard',
    )
    const lifetime = Math.max(0, Math.floor((expiresAt - now) / 1000))
    return reply
      .header('set-cookie', cookieOf(request.headers.host, { secret, seconds: lifetime }))
      .redirect(next, 303)
  })

  app.post('/logout', (request, reply) => {
    sessions.end(secretIn(request.headers) ?? '')
    return reply.header('set-cookie', cookieOf(request.headers.host, undefined)).redirect('/login', 303)
  })
}

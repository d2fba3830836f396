/** Light or dark, by choice of the one who looks: kept in a cookie, so that a page comes in its colours without a script. */
import type { FastifyInstance } from 'fastify'
import { nextOf } from './query.ts'

/** What can be chosen; `system`: what the device says. */
export const themes = ['system', 'light', 'dark'] as const
/** One of them. */
export type Theme = (typeof themes)[number]

const cookie = 'tidewaiter-theme'
const yearSeconds = 365 * 24 * 3600

const isTheme = (text: string | null | undefined): text is Theme => themes.some((one) => one === text)

/** The choice that a request carries. */
export function themeIn(header: string | undefined): Theme {
  const values = (header ?? '').split(';').map((one) => one.trim().split('='))
  const chosen = values.find(([name]) => name === cookie)?.[1]
  return isTheme(chosen) ? chosen : 'system'
}

/** Adds the route. It changes nothing but the cookie, so that also who has not signed in may choose. */
export function themeRoutes(app: FastifyInstance): void {
  app.post('/theme', (request, reply) => {
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
    const theme = form.get('theme')
    const next = nextOf(form.get('next'))
    if (!isTheme(theme)) return reply.redirect(next, 303)
    const seconds = theme === 'system' ? 0 : yearSeconds
    return reply
      .header('set-cookie', `${cookie}=${theme}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax`)
      .redirect(next, 303)
  })
}

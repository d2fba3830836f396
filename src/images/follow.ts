/**
 * Follows redirects. Registries send blobs, and some manifests, to other hosts. Authorization goes to the origin that it is
 * for and never to another; once it was left out it stays out, as who redirects chooses the way back.
 */
import type { Delivery, Hop } from './deliver.ts'
import { deliver } from './deliver.ts'
import { mostRedirects } from './limits.ts'
import type { Answered, Within } from './ports.ts'
import { settingsAt } from './settings.ts'
import type { Directory } from './settings.ts'
import type { Trouble } from './trouble.ts'

/** An answer, and the host that gave it if that is another than was asked. */
export type Followed = { readonly ok: Answered; readonly elsewhere?: string }

/** What following needs. */
export type Following = Delivery & { readonly directory: Directory; readonly trust: Trust }

/** The authorities for a call to `url`, on behalf of one registry. */
export type Trust = (url: URL) => string | undefined

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** Asks, and goes where the answers lead; only for GET and HEAD. */
export async function follow(first: Hop, within: Within, world: Following): Promise<Followed | Trouble> {
  let hop = first
  for (let followed = 0; ; followed += 1) {
    const got = await deliver({ ...hop, ca: world.trust(hop.url) }, within, world)
    if (!('ok' in got)) return got
    if (!redirects.has(got.ok.status))
      return hop.url.origin === first.url.origin ? got : { ...got, elsewhere: hop.url.host }
    if (followed === mostRedirects)
      return { code: 'REDIRECT_REFUSED', got: `more than ${mostRedirects} redirects` }
    const next = redirected(hop, got.ok, world.directory)
    if ('code' in next) return next
    hop = next
  }
}

function redirected(hop: Hop, answer: Answered, directory: Directory): Hop | Trouble {
  const location = answer.headers['location']
  const url = location === undefined ? null : URL.parse(location, hop.url.href)
  // Not shown: the place may carry a signature that opens it.
  if (url === null) return { code: 'BAD_ANSWER', got: `${answer.status} without a place to go to` }
  const refused = refusal(url, directory)
  if (refused !== undefined) return { code: 'REDIRECT_REFUSED', got: `a redirect to ${refused}` }
  if (url.origin === hop.url.origin) return { ...hop, url }
  return { ...hop, url, headers: hop.headers.filter(([name]) => name.toLowerCase() !== 'authorization') }
}

/** Plain HTTP only to hosts that are set so: also from one that is, as nobody said so of the other. */
function refusal(url: URL, directory: Directory): string | undefined {
  if (url.username !== '' || url.password !== '') return 'a URL with user information'
  if (url.protocol === 'https:') return undefined
  const allowed = url.protocol === 'http:' && settingsAt(url.host, directory).plainHttp === true
  return allowed ? undefined : `${url.host} by ${url.protocol.slice(0, 20)} instead of https:`
}

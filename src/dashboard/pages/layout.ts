/** What every page has: skip link, navigation, who looks, and what must be known of the data. */
import type { Piece } from './html.ts'
import { themes, type Theme } from '../theme.ts'
import { documentOf, html } from './html.ts'

/** What is around a page. */
export type Frame = {
  readonly version: string
  /** Where we are: the path of the page. */
  readonly path: string
  /** The address of the page, to come back to it. */
  readonly own: string
  readonly theme: Theme
  /** Who looks; empty: nobody signed in. */
  readonly name: string
  readonly hasSession: boolean
  readonly hasPlugins: boolean
  readonly banners: readonly Piece[]
  /** What changes as assets change, for their addresses. */
  readonly assets: string
}

/** A page. */
export type Page = {
  readonly title: string
  readonly content: Piece
  /** Where its events come from, and what it does with them: `list` offers what is new, `page` shows it. */
  readonly live?: { readonly url: string; readonly as: 'list' | 'page' }
}

const places = [
  { path: '/', word: 'Overview' },
  { path: '/decisions', word: 'Decisions' },
  { path: '/backups', word: 'Backups' },
  { path: '/restores', word: 'Restores' },
  { path: '/actions', word: 'Actions' },
  { path: '/plugins', word: 'Plugins' },
  { path: '/system', word: 'System' },
] as const

/** The whole document. */
export function framed(frame: Frame, page: Page): string {
  const { version, name, banners, assets, theme } = frame
  const { title, content, live } = page
  return documentOf(html`
    <html lang="en" data-theme=${theme}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content=${theme === 'system' ? 'light dark' : theme} />
        <title>${`${title} · Tidewaiter`}</title>
        <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href=${`/assets/dashboard.css?${assets}`} />
        <script type="module" src=${`/assets/dashboard.js?${assets}`}></script>
      </head>
      <body data-stream=${live?.url} data-live=${live?.as}>
        <a class="skip" href="#main">Skip to the content</a>
        <header>
          <a class="brand" href="/"><img src="/assets/icon.svg" alt="" width="24" height="24" />Tidewaiter</a>
          ${navigation(frame)} ${person(frame)}
        </header>
        <main id="main" tabindex="-1">
          ${banners}
          ${live?.as === 'list' ? html`<p class="news"><a class="button" id="news" hidden href="">New</a></p>` : undefined}
          ${content}
        </main>
        <footer>
          <span>Tidewaiter ${version}</span>
          ${themeForm(frame)}
          <span class="script-only">Times are those of this device; UTC is in their tooltips.</span>
          ${live === undefined ? undefined : html`<span id="live" class="script-only" role="status">Connecting</span>`}
          ${live === undefined ? undefined : html`<span id="said" class="hidden" aria-live="polite"></span>`}
          ${name === '' ? undefined : html`<span>Seen as ${name}</span>`}
        </footer>
      </body>
    </html>
  `)
}

const themeForm = ({ theme, own }: Frame): Piece =>
  html`<form class="theme" method="post" action="/theme" aria-label="Colours">
    <input type="hidden" name="next" value=${own} />
    ${themes.map(
      (one) =>
        html`<button name="theme" value=${one} aria-pressed=${one === theme ? 'true' : 'false'}>
          ${one}
        </button>`,
    )}
  </form>`

const isHere = (path: string, place: string): boolean =>
  place === '/' ? path === '/' : path === place || path.startsWith(`${place}/`)

const navigation = ({ path, hasPlugins }: Frame): Piece =>
  html`<nav aria-label="Pages">
    <ul>
      ${places
        .filter((place) => place.path !== '/plugins' || hasPlugins)
        .map(
          (place) =>
            html`<li>
              <a href=${place.path} aria-current=${isHere(path, place.path) ? 'page' : undefined}
                >${place.word}</a
              >
            </li>`,
        )}
    </ul>
  </nav>`

const person = ({ hasSession }: Frame): Piece =>
  hasSession
    ? html`<form class="person" method="post" action="/logout"><button class="plain">Sign out</button></form>`
    : undefined

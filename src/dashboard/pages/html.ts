/** HTML from templates: every value is escaped, as text and as attribute, by the renderer. */
import { html } from 'htm/preact'
import type { ComponentChildren } from 'preact'
import { renderToString } from 'preact-render-to-string'

export { html }

/** A piece of a page. */
export type Piece = ComponentChildren

/** A whole document as text. */
export const documentOf = (page: ReturnType<typeof html>): string =>
  `<!doctype html>\n${renderToString(page)}`

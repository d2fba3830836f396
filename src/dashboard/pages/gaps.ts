/** What is known to be missing in the history: said before the list, so that nobody takes the list for whole. */
import { gapParts } from '../history/gap-words.ts'
import type { Gap } from '../history/store.ts'
import { counted } from '../words.ts'
import { html, type Piece } from './html.ts'
import { banner, moment } from './parts.ts'

const mostShown = 3

/** The gaps, the newest first. */
export function gapsPart(gaps: readonly Gap[]): Piece {
  if (gaps.length === 0) return undefined
  const rest = gaps.slice(mostShown)
  return html`<div class="gaps">
    ${gaps.slice(0, mostShown).map((gap) => banner('warn', sentence(gap)))}
    ${
      rest.length === 0
        ? undefined
        : html`<details>
            <summary>${counted(rest.length, 'more gap')}</summary>
            <ul>
              ${rest.map((gap) => html`<li>${sentence(gap)}</li>`)}
            </ul>
          </details>`
    }
  </div>`
}

function sentence(gap: Gap): Piece {
  const { who, isMoment, what } = gapParts(gap)
  const span = isMoment
    ? html`at ${moment(gap.before)}`
    : html`between ${moment(gap.after)} and ${moment(gap.before)}`
  return html`${who} ${span} ${what}`
}

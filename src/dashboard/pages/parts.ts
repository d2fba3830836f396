/** The small parts that pages are made of. */
import { ago, icons, toneOf, utc, type Tone } from '../words.ts'
import { html, type Piece } from './html.ts'

/** A state: icon, word and colour together. */
export const badge = (word: string, tone: Tone = toneOf(word)): Piece =>
  html`<span class=${`badge ${tone}`}
    ><span class="icon" aria-hidden="true">${icons[tone]}</span>${word}</span
  >`

/** A moment; a script makes the time of the place of it, and the title stays UTC. */
export const moment = (ms: number | undefined, now?: number): Piece =>
  ms === undefined || !Number.isFinite(ms) || ms === 0
    ? html`<span class="none">–</span>`
    : html`<time
        datetime=${new Date(ms).toISOString()}
        title=${utc(ms)}
        data-form=${now === undefined ? 'full' : 'ago'}
        >${now === undefined ? utc(ms) : ago(ms, now)}</time
      >`

/** A long text, of which two lines are shown. */
export const clamped = (text: string): Piece =>
  text === '' ? undefined : html`<span class="clamp" title=${text}>${text}</span>`

/** Names and values, without those that are not known. */
export const facts = (rows: readonly (readonly [string, Piece])[]): Piece =>
  html`<dl class="facts">
    ${rows
      .filter(([, value]) => value !== undefined && value !== '')
      .map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
  </dl>`

/** A column of a table. */
export type Column<T> = {
  readonly head: string
  readonly cell: (row: T) => Piece
  /** For columns that a narrow screen can do without, numbers, and long texts. */
  readonly as?: 'spare' | 'number' | 'text' | 'name'
}

/** A table whose first column names the row; narrow screens show each row as a card. The roles stay where CSS makes blocks of rows. */
export const table = <T>(caption: string, columns: readonly Column<T>[], rows: readonly T[]): Piece =>
  html`<div class="scroll" tabindex="0" role="region" aria-label=${caption}>
    <table role="table">
      <caption class="hidden">
        ${caption}
      </caption>
      <thead role="rowgroup">
        <tr role="row">
          ${columns.map(({ head, as }) => html`<th scope="col" role="columnheader" class=${as}>${head}</th>`)}
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${rows.map(
          (row) =>
            html`<tr role="row">
              ${columns.map(({ head, cell, as }, i) =>
                i === 0
                  ? html`<th scope="row" role="rowheader" class=${as} data-head=${head}>${cell(row)}</th>`
                  : html`<td role="cell" class=${as} data-head=${head}>${cell(row)}</td>`,
              )}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`

/** What stands where there is nothing yet, and what to do. */
export const empty = (title: string, ...more: readonly Piece[]): Piece =>
  html`<div class="empty">
    <p class="title">${title}</p>
    ${more.map((one) => html`<div>${one}</div>`)}
  </div>`

/** A command to be copied. */
export const command = (...lines: readonly string[]): Piece =>
  html`<pre class="command" tabindex="0"><code>${lines.join('\n')}</code></pre>`

/** Something that must be known before the rest is believed. */
export const banner = (tone: Tone, ...text: readonly Piece[]): Piece =>
  html`<div class=${`banner ${tone}`} role="status">
    <span class="icon" aria-hidden="true">${icons[tone]}</span>
    <p>${text}</p>
  </div>`

/** A part of a page under a heading. */
export const section = (title: string, ...content: readonly Piece[]): Piece =>
  html`<section>
    <h2>${title}</h2>
    ${content}
  </section>`

/** The list of decisions: filters in the URL, chips that take them away, pages by key. */
import { verdicts } from '../../api/admission-decision.ts'
import type { DecisionRow, Gap, Page as Found, Total } from '../history/store.ts'
import { filterNames, filterWords, pathOf, urlOf, type Asked } from '../query.ts'
import { counted, lasting, number } from '../words.ts'
import { html, type Piece } from './html.ts'
import { gapsPart } from './gaps.ts'
import type { Page } from './layout.ts'
import { badge, banner, clamped, command, empty, moment, table, type Column } from './parts.ts'

/** What the page is made of. */
export type DecisionsView = {
  readonly asked: Asked
  /** Absent: it could not be asked; `problems` says why. */
  readonly found?: Found
  /** What is known to be missing in the span that is asked for. */
  readonly gaps?: readonly Gap[]
  readonly problems: readonly string[]
  readonly now: number
}

/** The page. */
export function decisionsPage({ asked, found, gaps = [], problems, now }: DecisionsView): Page {
  const isNewest = asked.cursor === undefined
  return {
    title: 'Decisions',
    ...(isNewest && problems.length === 0
      ? { live: { url: urlOf('/api/v1/stream', { of: 'decisions', ...asked.given }), as: 'list' as const } }
      : {}),
    content: html`
      <div class="headline">
        <h1>Decisions</h1>
        ${found === undefined ? undefined : html`<p class="quiet">${totalWords(found.total)}</p>`}
      </div>
      ${filterForm(asked)} ${chips(asked)} ${problems.map((problem) => banner('bad', problem))}
      ${gapsPart(gaps)} ${found === undefined ? undefined : listOf(found, asked, now)}
    `,
  }
}

const totalWords = ({ count, is }: Total): string =>
  `${is === 'exactly' ? '' : is === 'about' ? 'about ' : 'at least '}${counted(count, 'record')}`

const fields = [
  { name: 'ns', size: 12 },
  { name: 'schedule', size: 14 },
  { name: 'reason', size: 14 },
  { name: 'action', size: 14 },
  { name: 'user', size: 14 },
] as const

const filterForm = ({ given, size }: Asked): Piece =>
  html`<form class="filters" method="get" action="/decisions" role="search">
    <div class="field wide">
      <label for="q">Text</label>
      <input
        id="q"
        name="q"
        type="search"
        value=${given['q']}
        maxlength="200"
        placeholder="name, message, uid"
      />
    </div>
    ${choice('verdict', verdicts, given['verdict'])} ${choice('kind', kinds, given['kind'])}
    ${choice('from', spans, given['from'])}
    <details class="more" open=${fields.some(({ name }) => given[name] !== undefined)}>
      <summary>More filters</summary>
      <div class="filters">
        ${fields.map(
          ({ name, size }) =>
            html`<div class="field">
              <label for=${name}>${filterWords[name]}</label>
              <input id=${name} name=${name} value=${given[name]} size=${size} maxlength="300" />
            </div>`,
        )}
        <div class="field">
          <label for="to">${filterWords.to}</label>
          <input id="to" name="to" value=${given['to']} size="18" placeholder="2026-01-31T18:00Z" />
        </div>
      </div>
    </details>
    ${size === 50 ? undefined : html`<input type="hidden" name="size" value=${size} />`}
    <button>Show</button>
  </form>`

const kinds = ['Backup', 'Restore', 'Action', 'VeleroPlugin', 'Deployment'] as const
const spans = ['-15m', '-1h', '-24h', '-7d', '-30d'] as const

/** A choice among a few; what was given by hand stays. */
function choice(
  name: keyof typeof filterWords,
  options: readonly string[],
  given: string | undefined,
): Piece {
  const all = given === undefined || options.includes(given) ? options : [...options, given]
  return html`<div class="field">
    <label for=${name}>${filterWords[name]}</label>
    <select id=${name} name=${name}>
      <option value="">any</option>
      ${all.map((one) => html`<option value=${one} selected=${one === given}>${one.replace(/^-/, 'last ')}</option>`)}
    </select>
  </div>`
}

function chips({ given, size }: Asked): Piece {
  const names = filterNames.filter((name) => given[name] !== undefined)
  if (names.length === 0) return undefined
  const more = size === 50 ? {} : { size: String(size) }
  return html`<ul class="chips" aria-label="Filters">
    ${names.map(
      (name) =>
        html`<li>
          <a href=${urlOf('/decisions', { ...given, ...more, [name]: undefined })} class="chip"
            ><span>${`${filterWords[name]}: ${given[name] ?? ''}`}</span><span aria-hidden="true">✕</span
            ><span class="hidden">Remove this filter</span></a
          >
        </li>`,
    )}
    <li><a href="/decisions">Remove all</a></li>
  </ul>`
}

function listOf(found: Found, asked: Asked, now: number): Piece {
  const { given, size } = asked
  if (found.rows.length === 0) return noneOf(asked)
  const more = size === 50 ? {} : { size: String(size) }
  const at = (cursor: string | undefined) => urlOf('/decisions', { ...given, ...more, cursor })
  return html`
    ${table('Decisions, the newest first', columns(now), found.rows)}
    <div class="pages">
      <nav aria-label="Pages of decisions">
        ${asked.cursor === undefined ? undefined : html`<a href=${at(undefined)}>Newest</a>`}
        ${found.newer === undefined ? undefined : html`<a rel="prev" href=${at(found.newer)}>← Newer</a>`}
        ${found.older === undefined ? undefined : html`<a rel="next" href=${at(found.older)}>Older →</a>`}
      </nav>
      <p>
        Export what matches:${' '}
        ${(['csv', 'ndjson', 'json'] as const).map(
          (form) =>
            html`<a href=${urlOf(`/api/v1/decisions.${form}`, given)} download>${exportWords[form]}</a
              >${' '}`,
        )}
      </p>
    </div>
  `
}

const exportWords = { csv: 'CSV', ndjson: 'JSON lines', json: 'JSON' } as const

const noneOf = ({ given }: Asked): Piece =>
  Object.keys(given).length === 0
    ? empty(
        'No decision yet.',
        'Each Backup or Restore that is created is decided about. Create one to see it here:',
        command('velero backup create first --include-namespaces default'),
      )
    : empty('No decision matches these filters.', html`<a href="/decisions">Remove all filters</a>`)

/** The columns of decisions. */
export const columns = (now: number): readonly Column<DecisionRow>[] => [
  { head: 'Verdict', cell: ({ verdict }) => badge(verdict) },
  { head: 'When', cell: ({ last }) => moment(last, now) },
  {
    head: 'Object',
    as: 'name',
    cell: ({ id, kind, namespace, name }) =>
      html`<a href=${pathOf('decisions', id)}
        >${`${kind} ${namespace}/${name === '' ? '(no name yet)' : name}`}</a
      >`,
  },
  { head: 'Schedule', as: 'spare', cell: ({ schedule }) => schedule },
  { head: 'Times', as: 'number', cell: ({ attempts }) => number(attempts) },
  { head: 'Reason', cell: ({ reason }) => html`<code>${reason}</code>` },
  { head: 'Message', as: 'text', cell: ({ message }) => clamped(message) },
  { head: 'Asked by', as: 'spare', cell: ({ user }) => clamped(user) },
  { head: 'Took', as: 'number', cell: ({ milliseconds }) => lasting(milliseconds) },
]

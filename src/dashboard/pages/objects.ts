/** Backups and Restores: the list, and one with its actions. */
import type { ActionRun } from '../../api/action-run.ts'
import type { VeleroKind } from '../../core/velero.ts'
import type { ObjectRow } from '../objects.ts'
import { pathOf, urlOf } from '../query.ts'
import { counted } from '../words.ts'
import { html, type Piece } from './html.ts'
import type { Page } from './layout.ts'
import { badge, banner, command, empty, facts, moment, section, table, type Column } from './parts.ts'
import { timelineOf } from './timeline.ts'

/** What a list is made of. */
export type ObjectsView = {
  readonly kind: VeleroKind
  readonly rows: readonly ObjectRow[]
  /** How many match, of which `rows` are a page. */
  readonly count: number
  readonly text: string
  readonly phase: string
  readonly phases: readonly string[]
  /** Where the next page begins. */
  readonly older: string | undefined
  readonly isFirst: boolean
  readonly now: number
}

const pathOfKind = { Backup: '/backups', Restore: '/restores' } as const

/** The list. */
export function objectsPage(view: ObjectsView): Page {
  const { kind, rows, count, text, phase, older, isFirst, now } = view
  const path = pathOfKind[kind]
  return {
    title: `${kind}s`,
    ...(isFirst ? { live: { url: urlOf('/api/v1/stream', { of: 'state' }), as: 'page' as const } } : {}),
    content: html`
      <div class="headline">
        <h1>${kind}s</h1>
        <p class="quiet">${counted(count, kind)}</p>
      </div>
      ${filters(view, path)}
      ${
        rows.length === 0
          ? noneOf(kind, text !== '' || phase !== '')
          : table(`${kind}s, the newest first`, columns(kind, now), rows)
      }
      <nav class="pages" aria-label=${`Pages of ${kind}s`}>
        ${isFirst ? undefined : html`<a href=${urlOf(path, { q: text, phase })}>Newest</a>`}
        ${older === undefined ? undefined : html`<a rel="next" href=${urlOf(path, { q: text, phase, before: older })}>Older →</a>`}
      </nav>
    `,
  }
}

const filters = ({ text, phase, phases }: ObjectsView, path: string): Piece =>
  html`<form class="filters" method="get" action=${path} role="search">
    <div class="field wide">
      <label for="q">Name or schedule</label>
      <input id="q" name="q" type="search" value=${text} maxlength="253" />
    </div>
    <div class="field">
      <label for="phase">Phase</label>
      <select id="phase" name="phase">
        <option value="">any</option>
        ${phases.map((one) => html`<option value=${one} selected=${one === phase}>${one}</option>`)}
      </select>
    </div>
    <button>Show</button>
    ${text === '' && phase === '' ? undefined : html`<a href=${path}>Show all</a>`}
  </form>`

const noneOf = (kind: VeleroKind, isFiltered: boolean): Piece =>
  isFiltered
    ? empty(`No ${kind} matches.`, html`<a href=${pathOfKind[kind]}>Show all</a>`)
    : empty(
        `No ${kind} yet.`,
        'Make one to see it here, with what ran before and after it:',
        command(
          kind === 'Backup'
            ? 'velero backup create first --include-namespaces default'
            : 'velero restore create --from-backup first',
        ),
      )

const columns = (kind: VeleroKind, now: number): readonly Column<ObjectRow>[] => [
  {
    head: 'Name',
    as: 'name',
    cell: ({ namespace, name, uid }) =>
      html`<a href=${urlOf(pathOf(pathOfKind[kind].slice(1), namespace, name), { uid })}>${name}</a>`,
  },
  { head: 'Phase', cell: ({ phase }) => badge(phase) },
  {
    head: 'Actions before',
    cell: ({ runs, isUnguarded }) => (isUnguarded ? badge('Unguarded') : stageOf(runs, 'Pre')),
  },
  { head: 'Actions after', cell: ({ runs, isStuck }) => (isStuck ? badge('Stuck') : stageOf(runs, 'Post')) },
  { head: 'Schedule', as: 'spare', cell: ({ schedule }) => schedule },
  { head: 'Created', cell: ({ at }) => moment(at, now) },
  { head: 'Ended', as: 'spare', cell: ({ endedAt }) => moment(endedAt, now) },
  { head: 'Namespace', as: 'spare', cell: ({ namespace }) => namespace },
]

function stageOf(runs: readonly ActionRun[], stage: 'Pre' | 'Post'): Piece {
  const run = runs.findLast(({ spec }) => spec.stage.startsWith(stage))
  return run === undefined ? html`<span class="none">none</span>` : badge(run.status.phase ?? 'Pending')
}

/** What the page of one is made of. */
export type ObjectView = {
  readonly row: ObjectRow
  /** Others that had the same name: refused ones, or deleted ones. */
  readonly others: readonly ObjectRow[]
  /** In place of its runs, where the visitor may not see them. */
  readonly hidden: Piece
  readonly now: number
}

/** The page of one. */
export function objectPage({ row, others, hidden, now }: ObjectView): Page {
  const { kind, namespace, name } = row
  const path = pathOfKind[kind]
  return {
    title: `${kind} ${name}`,
    live: { url: urlOf('/api/v1/stream', { of: 'state' }), as: 'page' },
    content: html`
      <p class="crumbs"><a href=${path}>${kind}s</a></p>
      <h1>${kind} ${name}</h1>
      <p class="lead">
        ${badge(row.phase)} ${row.phase === 'Not created' ? 'refused' : 'created'} ${moment(row.at, now)}
      </p>
      ${warnings(row)}
      ${facts([
        ['Namespace', namespace],
        ['Schedule', row.schedule],
        ['Created', row.phase === 'Not created' ? undefined : moment(row.at)],
        ['Refused', row.phase === 'Not created' ? moment(row.at) : undefined],
        ['Ended', row.endedAt === undefined ? undefined : moment(row.endedAt)],
        ['uid', row.uid],
        ['Decisions', html`<a href=${urlOf('/decisions', { kind, ns: namespace, q: row.uid })}>about it</a>`],
      ])}
      ${hidden ?? runsOf(row, now)}
      ${others.length === 0 ? undefined : section('Others of this name', table('Others of this name', columns(kind, now), others))}
    `,
  }
}

function warnings({ phase, failure, isUnguarded, isStuck }: ObjectRow): Piece {
  return [
    phase === 'Not created'
      ? banner('bad', 'It was refused: the object was not created, and Velero never heard of it.')
      : undefined,
    isUnguarded ? banner('warn', 'It began without the actions that should have run before it.') : undefined,
    isStuck ? banner('warn', 'It started and has not ended for longer than it should take.') : undefined,
    failure === '' ? undefined : html`<p class="said">${failure}</p>`,
  ]
}

const runsOf = ({ runs }: ObjectRow, now: number): Piece =>
  runs.length === 0
    ? section('Actions', empty('No Action matched it: nothing ran before or after it.'))
    : runs.map((run) =>
        section(
          run.spec.stage,
          html`<p class="lead">
            ${badge(run.status.phase ?? 'Pending')}
            ${run.status.reason === undefined ? undefined : html`<code>${run.status.reason}</code>`}
          </p>`,
          run.status.message === undefined ? undefined : html`<p class="said">${run.status.message}</p>`,
          timelineOf(run, now),
          html`<p class="quiet">
            Run ${run.metadata.name}${run.spec.requestedBy ? `, asked for by ${run.spec.requestedBy}` : ''}
          </p>`,
        ),
      )

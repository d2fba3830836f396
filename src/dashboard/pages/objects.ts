/** Backups and Restores: the list, and one with its actions. */
import type { ActionRun } from '../../api/action-run.ts'
import type { VeleroKind } from '../../core/velero.ts'
import type { HoldRow } from '../holds.ts'
import type { ObjectRow } from '../objects.ts'
import { pathOf, urlOf } from '../query.ts'
import { counted } from '../words.ts'
import { html, type Piece } from './html.ts'
import type { Page } from './layout.ts'
import { badge, banner, command, empty, facts, moment, section, table, type Column } from './parts.ts'
import { runBadges, runPart, wereOrphaned } from './runs.ts'

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
  return run === undefined ? html`<span class="none">none</span>` : runBadges(run)
}

/** What the page of one is made of. */
export type ObjectView = {
  readonly row: ObjectRow
  /** Others that had the same name: refused ones, or deleted ones. */
  readonly others: readonly ObjectRow[]
  /** If it is held. */
  readonly hold: HoldRow | undefined
  /** In place of its runs, where the visitor may not see them. */
  readonly hidden: Piece
  readonly now: number
}

/** The page of one. */
export function objectPage({ row, others, hold, hidden, now }: ObjectView): Page {
  const { kind, namespace, name } = row
  const path = pathOfKind[kind]
  return {
    title: `${kind} ${name}`,
    live: { url: urlOf('/api/v1/stream', { of: 'state' }), as: 'page' },
    content: html`
      <p class="crumbs"><a href=${path}>${kind}s</a></p>
      <h1>${kind} ${name}</h1>
      <p class="lead">${badge(row.phase)} ${isRefused(row) ? 'refused' : 'created'} ${moment(row.at, now)}</p>
      ${hold === undefined ? undefined : heldPart(hold)} ${warnings(row)}
      ${facts([
        ['Namespace', namespace],
        ['Schedule', row.schedule],
        ['Held for', hold?.actions?.join(', ')],
        ['Created', isRefused(row) ? undefined : moment(row.at)],
        ['Refused', isRefused(row) ? moment(row.at) : undefined],
        ['Ended', row.endedAt === undefined ? undefined : moment(row.endedAt)],
        ['uid', row.uid],
        ['Decisions', html`<a href=${urlOf('/decisions', { kind, ns: namespace, q: row.uid })}>about it</a>`],
      ])}
      ${hidden ?? runsOf(row, now)}
      ${others.length === 0 ? undefined : section('Others of this name', table('Others of this name', columns(kind, now), others))}
    `,
  }
}

const isRefused = ({ phase }: ObjectRow): boolean => phase === 'Not created'

const heldPart = ({ kind, namespace, name, since, standing }: HoldRow): Piece =>
  html`${banner(
      'busy',
      html`<strong>Held</strong> since ${moment(since)}: Velero may not start it before its actions have
        ended${standing === '' ? '.' : `: ${standing}.`}`,
    )}
    <p class="quiet">To start it without them, or to let it fail (needs the verb release on actionruns):</p>
    ${command(
      ...['release', 'abort'].map(
        (verb) =>
          `tidewaiter holds ${verb} ${name} -n ${namespace}${kind === 'Restore' ? ' --kind restore' : ''}`,
      ),
    )}`

const notCreated = ({ runs }: ObjectRow): string =>
  wereOrphaned(runs)
    ? 'It was admitted, and never came to be: another webhook refused it, or the API server gave up.'
    : 'It was refused: the object was not created, and Velero never heard of it.'

function warnings(row: ObjectRow): Piece {
  const { failure, isUnguarded, isStuck } = row
  return [
    isRefused(row) ? banner('bad', notCreated(row)) : undefined,
    isUnguarded ? banner('warn', 'It began without the actions that should have run before it.') : undefined,
    isStuck ? banner('warn', 'It started and has not ended for longer than it should take.') : undefined,
    failure === '' ? undefined : html`<p class="said">${failure}</p>`,
  ]
}

const runsOf = ({ runs }: ObjectRow, now: number): Piece =>
  runs.length === 0
    ? section('Actions', empty('No Action matched it: nothing ran before or after it.'))
    : runs.map((run) => runPart(run, now))

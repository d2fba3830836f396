/** The first page: the state in words, the numbers, what needs somebody, Schedules, what was decided last. */
import type { DecisionRow, Gap, Stats } from '../history/store.ts'
import { longHoldMs, type Overview, type State } from '../overview.ts'
import { urlOf } from '../query.ts'
import type { ScheduleRow } from '../schedules.ts'
import type { Scope } from '../scope.ts'
import { counted, lasting, number, type Tone } from '../words.ts'
import { attention, heldOf } from './attention.ts'
import { chartOf } from './chart.ts'
import { columns as decisionColumns } from './decisions.ts'
import { gapsPart } from './gaps.ts'
import { html, type Piece } from './html.ts'
import type { Page } from './layout.ts'
import { badge, command, empty, moment, section, table, type Column } from './parts.ts'

/** What it is made of. */
export type OverviewView = {
  readonly overview: Overview
  readonly schedules: readonly ScheduleRow[]
  /** Absent where the history could not be asked, or the visitor may not see decisions; `hidden` says so in place of a part. */
  readonly stats: Stats | undefined
  readonly latest: readonly DecisionRow[]
  readonly gaps: readonly Gap[]
  readonly hidden: { readonly decisions: Piece; readonly schedules: Piece }
  readonly scopes: Readonly<Record<'objects' | 'runs' | 'decisions', Scope>>
  /** Why the history does not answer. */
  readonly trouble: string | undefined
  readonly hours: number
  readonly now: number
}

/** The page. */
export const overviewPage = (view: OverviewView): Page => {
  const { overview, hidden, trouble } = view
  return {
    title: 'Overview',
    live: { url: urlOf('/api/v1/stream', { of: 'all' }), as: 'page' },
    content: html`
      <h1 class="hidden">Overview</h1>
      <p class=${`state ${states[overview.state].tone}`}>
        <span class="icon" aria-hidden="true">${states[overview.state].icon}</span
        ><span>${overview.sentence}</span>
      </p>
      ${tiles(view)} ${attention(view.overview, view.now)} ${heldOf(view.overview, view.now)}
      ${section(
        'Schedules',
        view.schedules.length === 0
          ? (hidden.schedules ??
              empty(
                'No Schedule is known yet.',
                'Backups of a Velero Schedule are shown here by their Schedule:',
                command('velero schedule create nightly --schedule "0 3 * * *"'),
              ))
          : [table('Schedules', scheduleColumns(view.now), view.schedules), resets(view.schedules)],
      )}
      ${section('Decisions', hidden.decisions ?? (trouble === undefined ? decisionsOf(view) : empty(trouble)))}
    `,
  }
}

const states: Readonly<Record<State, { readonly tone: string; readonly icon: string }>> = {
  well: { tone: 'good', icon: '✓' },
  needy: { tone: 'bad', icon: '!' },
  unclear: { tone: 'unclear', icon: '?' },
}

function decisionsOf({ stats, latest, gaps, hours, now }: OverviewView): Piece {
  if (latest.length === 0)
    return html`${gapsPart(gaps)}
    ${empty(
      'No decision yet.',
      'Each Backup or Restore that is created is decided about. Create one to see it here:',
      command('velero backup create first --include-namespaces default'),
    )}`
  return html`
    ${stats === undefined ? undefined : chartOf(stats.buckets, { to: now, hours })} ${gapsPart(gaps)}
    ${table('The newest decisions', decisionColumns(now), latest)}
    <p><a href="/decisions">All decisions</a></p>
  `
}

type Tile = {
  readonly word: string
  readonly value: string
  readonly tone: Tone
  readonly href?: string
  readonly hint: string
}

const notTold: Readonly<Partial<Record<Scope, string>>> = {
  hidden: 'you may not see it',
  unread: 'not read yet',
}

/** What is not known is no number, and what is a part of it says so. */
function within(scope: Scope, tile: Tile): Tile {
  const why = notTold[scope]
  if (why !== undefined) return { word: tile.word, value: '–', tone: 'quiet', hint: why }
  return scope === 'some' ? { ...tile, hint: `${tile.hint}, of what is known here` } : tile
}

function heldTile(held: Overview['held'], now: number): Tile {
  const [first] = held
  if (first === undefined) return { word: 'Held', value: '0', tone: 'quiet', hint: 'wait for their actions' }
  const oldest = now - first.since
  const tone = oldest > longHoldMs ? 'warn' : 'busy'
  return { word: 'Held', value: number(held.length), tone, hint: `the oldest for ${lasting(oldest)}` }
}

/** A number of things; `tone` is for more than none. */
function tile(word: string, count: number | undefined, look: Pick<Tile, 'hint' | 'tone'>): Tile {
  const tone = (count ?? 0) > 0 ? look.tone : 'quiet'
  return { word, value: count === undefined ? '–' : number(count), hint: look.hint, tone }
}

function tilesOf({ overview, stats, scopes, now }: OverviewView): readonly Tile[] {
  const { running, refused, unguarded, stuck, held } = overview
  const list = urlOf('/decisions', { verdict: 'Refused', from: '-24h' })
  const decided = { word: '95 % decided within', value: lasting(stats?.p95), tone: 'quiet' as const }
  return [
    within(scopes.runs, tile('Running', running, { hint: 'stages whose actions run now', tone: 'busy' })),
    within(scopes.decisions, {
      ...tile('Refused', refused, { hint: 'in the last 24 hours', tone: 'bad' }),
      href: list,
    }),
    within(
      scopes.objects,
      tile('Unguarded', unguarded.length, { hint: 'began without their actions', tone: 'warn' }),
    ),
    within(scopes.objects, tile('Stuck', stuck.length, { hint: 'began and have not ended', tone: 'warn' })),
    within(scopes.objects, heldTile(held, now)),
    within(scopes.decisions, { ...decided, hint: 'of at most 28.5 s' }),
  ]
}

const tiles = (view: OverviewView): Piece =>
  html`<ul class="tiles">
    ${tilesOf(view).map(({ word, value, tone, href, hint }) => {
      const inside = html`<span class="word">${word}</span><span class="value">${value}</span
        ><span class="quiet">${hint}</span>`
      return html`<li class=${`tile ${tone}`}>
        ${href === undefined ? html`<div>${inside}</div>` : html`<a href=${href}>${inside}</a>`}
      </li>`
    })}
  </ul>`

function nextOf({ next, coolingUntil }: ScheduleRow, now: number): Piece {
  if (next === undefined) return html`<span class="none">–</span>`
  const cooling =
    coolingUntil === undefined
      ? undefined
      : html`<div>
          ${badge('Cool-down', 'warn')}${' '}<span class="quiet">ends ${moment(coolingUntil, now)}</span>
        </div>`
  if ('not' in next) return html`<span class="quiet">${next.not}</span>${cooling}`
  return html`${next.at <= now ? html`was due ` : undefined}${moment(next.at, now)}${cooling}`
}

const mostResets = 5

/** How to end a cool-down, where there is one. */
function resets(schedules: readonly ScheduleRow[]): Piece {
  const cooling = schedules.filter(({ coolingUntil }) => coolingUntil !== undefined).slice(0, mostResets)
  if (cooling.length === 0) return undefined
  return html`<p class="quiet">
      A cool-down ends by itself, or when an Action changes. Once its cause is mended (needs the verb release
      on actionruns):
    </p>
    ${command(...cooling.map(({ namespace, name }) => `tidewaiter cooldowns reset ${name} -n ${namespace}`))}`
}

const scheduleColumns = (now: number): readonly Column<ScheduleRow>[] => [
  {
    head: 'Schedule',
    as: 'name',
    cell: ({ namespace, name }) =>
      html`<a href=${urlOf('/decisions', { ns: namespace, schedule: name })}>${name}</a>`,
  },
  {
    head: 'State',
    cell: ({ refusedInARow, lastAdmitted, paused }) =>
      refusedInARow > 0
        ? badge('Refused')
        : paused
          ? badge('Paused', 'quiet')
          : lastAdmitted === undefined
            ? badge('Not run yet', 'quiet')
            : badge('Admitted', 'good'),
  },
  { head: 'Next run', cell: (row) => nextOf(row, now) },
  { head: 'Last admitted', cell: ({ lastAdmitted }) => moment(lastAdmitted, now) },
  {
    head: 'Refusals',
    as: 'number',
    cell: ({ refusedInARow, refusedSince }) =>
      refusedInARow === 0 ? '0' : html`${counted(refusedInARow, 'time')}, first ${moment(refusedSince, now)}`,
  },
  {
    head: 'Reason',
    cell: ({ lastReason }) => (lastReason === undefined ? '' : html`<code>${lastReason}</code>`),
  },
  {
    head: 'Cron',
    as: 'spare',
    cell: ({ cron }) =>
      cron === undefined ? html`<span class="quiet">not there</span>` : html`<code>${cron}</code>`,
  },
]

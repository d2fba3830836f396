/** The first page: the state in words, the numbers, what needs somebody, Schedules, what was decided last. */
import type { DecisionRow, Gap, Stats } from '../history/store.ts'
import { longHoldMs, type Overview } from '../overview.ts'
import { urlOf } from '../query.ts'
import type { ScheduleRow } from '../schedules.ts'
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
  /** Absent where the history could not be asked, or the visitor may not see decisions; `hidden` says so. */
  readonly stats: Stats | undefined
  readonly latest: readonly DecisionRow[]
  readonly gaps: readonly Gap[]
  readonly hidden: Piece
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
      <p class=${`state ${overview.isWell ? 'good' : 'bad'}`}>
        <span class="icon" aria-hidden="true">${overview.isWell ? '✓' : '!'}</span
        ><span>${overview.sentence}</span>
      </p>
      ${tiles(view)} ${attention(view.overview, view.now)} ${heldOf(view.overview, view.now)}
      ${section(
        'Schedules',
        view.schedules.length === 0
          ? empty(
              'No Schedule is known yet.',
              'Backups of a Velero Schedule are shown here by their Schedule:',
              command('velero schedule create nightly --schedule "0 3 * * *"'),
            )
          : [table('Schedules', scheduleColumns(view.now), view.schedules), resets(view.schedules)],
      )}
      ${section('Decisions', hidden ?? (trouble === undefined ? decisionsOf(view) : empty(trouble)))}
    `,
  }
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

function heldTile(held: Overview['held'], now: number): Tile {
  const [first] = held
  if (first === undefined) return { word: 'Held', value: '0', tone: 'quiet', hint: 'wait for their actions' }
  const oldest = now - first.since
  const tone = oldest > longHoldMs ? 'warn' : 'busy'
  return { word: 'Held', value: number(held.length), tone, hint: `the oldest for ${lasting(oldest)}` }
}

function tiles({ overview, stats, now }: OverviewView): Piece {
  const { running, refused, unguarded, stuck, held } = overview
  const known = (value: number | undefined): string => (value === undefined ? '–' : number(value))
  const all: readonly Tile[] = [
    {
      word: 'Running',
      value: known(running),
      tone: (running ?? 0) > 0 ? 'busy' : 'quiet',
      hint: 'stages whose actions run now',
    },
    {
      word: 'Refused',
      value: known(refused),
      tone: (refused ?? 0) > 0 ? 'bad' : 'quiet',
      href: urlOf('/decisions', { verdict: 'Refused', from: '-24h' }),
      hint: 'in the last 24 hours',
    },
    {
      word: 'Unguarded',
      value: number(unguarded.length),
      tone: unguarded.length > 0 ? 'warn' : 'quiet',
      hint: 'began without their actions',
    },
    {
      word: 'Stuck',
      value: number(stuck.length),
      tone: stuck.length > 0 ? 'warn' : 'quiet',
      hint: 'began and have not ended',
    },
    heldTile(held, now),
    { word: '95 % decided within', value: lasting(stats?.p95), tone: 'quiet', hint: 'of at most 28.5 s' },
  ]
  return html`<ul class="tiles">
    ${all.map(({ word, value, tone, href, hint }) => {
      const inside = html`<span class="word">${word}</span><span class="value">${value}</span
        ><span class="quiet">${hint}</span>`
      return html`<li class=${`tile ${tone}`}>
        ${href === undefined ? html`<div>${inside}</div>` : html`<a href=${href}>${inside}</a>`}
      </li>`
    })}
  </ul>`
}

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

/** The Actions: whether each can run, how it did, how long it takes. */
import { stages } from '../../api/action.ts'
import type { ActionRow } from '../action-rows.ts'
import { urlOf } from '../query.ts'
import { lasting, type Tone } from '../words.ts'
import { html, type Piece } from './html.ts'
import type { Page } from './layout.ts'
import { badge, command, empty, moment, section, table, type Column } from './parts.ts'

/** The page. `rates`: whether the visitor may see runs, of which the rates are made. */
export const actionsPage = (
  rows: readonly ActionRow[],
  { now, rates, several }: { readonly now: number; readonly rates: boolean; readonly several: boolean },
): Page => ({
  title: 'Actions',
  live: { url: urlOf('/api/v1/stream', { of: 'state' }), as: 'page' },
  content: html`<div class="aligned">
    <h1>Actions</h1>
    ${
      rows.length === 0
        ? empty(
            'No Action yet: every Backup and Restore starts as without Tidewaiter.',
            'Begin with a sample:',
            command('kubectl apply -f deploy/samples/actions.yaml'),
          )
        : undefined
    }
    ${[...stages, undefined].map((stage) => {
      const ofStage = rows.filter((row) => row.stage === stage)
      if (ofStage.length === 0) return undefined
      return section(
        stage ?? 'Cannot be understood',
        table(`Actions ${stage ?? 'that cannot be understood'}`, columns(now, { rates, several }), ofStage),
      )
    })}
  </div>`,
})

const columns = (
  now: number,
  { rates, several }: { readonly rates: boolean; readonly several: boolean },
): readonly Column<ActionRow>[] => [
  { head: 'Name', as: 'name', cell: ({ name }) => name },
  ...(several ? [{ head: 'Namespace', cell: ({ namespace }: ActionRow) => namespace }] : []),
  { head: 'State', cell: stateOf },
  {
    head: 'Last result',
    cell: ({ lastResult }) =>
      lastResult === undefined ? html`<span class="none">not run yet</span>` : badge(lastResult),
  },
  { head: 'Last run', cell: ({ lastAt }) => moment(lastAt, now) },
  ...(rates
    ? ([
        { head: 'Success', as: 'number', cell: rateOf },
        { head: '95 % within', as: 'number', cell: ({ p95 }: ActionRow) => lasting(p95) },
      ] as const)
    : []),
  { head: 'At most', as: 'number', cell: ({ timeoutSeconds: s }) => (s === undefined ? '–' : `${s} s`) },
  { head: 'On error', as: 'spare', cell: ({ onError }) => onError ?? '' },
  { head: 'Calls', as: 'text', cell: ({ calls }) => html`<code class="clamp">${calls ?? ''}</code>` },
]

const toneOfState: Readonly<Record<string, Tone>> = { True: 'good', False: 'bad', Unknown: 'quiet' }

const stateOf = ({ accepted, reason, message }: ActionRow): Piece =>
  html`${badge(accepted === 'True' ? 'Accepted' : reason, reason === 'Suspended' ? 'quiet' : toneOfState[accepted])}
  ${message === '' || accepted === 'True' ? undefined : html`<span class="clamp quiet">${message}</span>`}`

function rateOf({ succeeded, ended }: ActionRow): Piece {
  if (ended === 0) return '–'
  return html`${`${Math.floor((100 * succeeded) / ended)} %`} <span class="quiet">of ${String(ended)}</span>`
}

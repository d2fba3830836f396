/** The parts of the first page about what needs somebody, and about what is held. */
import type { ActionRun } from '../../api/action-run.ts'
import { endedAt } from '../../core/run/ending.ts'
import type { HoldRow } from '../holds.ts'
import type { Overview } from '../overview.ts'
import { pathOf, urlOf } from '../query.ts'
import { number } from '../words.ts'
import { html, type Piece } from './html.ts'
import { badge, clamped, moment, section, table } from './parts.ts'

const pageOf = ({
  kind,
  namespace,
  name,
  uid,
}: Pick<HoldRow, 'kind' | 'namespace' | 'name' | 'uid'>): string =>
  urlOf(pathOf(`${kind.toLowerCase()}s`, namespace, name), { uid })

type Need = {
  readonly what: string
  readonly href: string
  readonly word: string
  readonly more: string
  readonly at: number
}

const mostNeeds = 20

/** The condition that the word is about says more than how the run ended. */
function ofRun(run: ActionRun, word: string): Need {
  const { metadata, spec, status } = run
  const type = word === 'Undo stuck' ? 'UndoStuck' : word
  const known = (status.conditions ?? []).find((one) => one.type === type)
  return {
    what: `${spec.stage} of ${spec.objectRef.name}`,
    href: pageOf({ ...spec.objectRef, namespace: metadata.namespace }),
    word,
    more: known?.message ?? status.message ?? '',
    at: endedAt(run),
  }
}

/** What needs somebody; nothing where there is nothing. */
export function attention({ unguarded, stuck, failed, undoStuck, orphaned }: Overview, now: number): Piece {
  const objects = [
    ...unguarded.map((row) => ({ row, word: 'Unguarded' })),
    ...stuck.map((row) => ({ row, word: 'Stuck' })),
  ]
  const needs: readonly Need[] = [
    ...objects.map(({ row, word }) => ({
      what: `${row.kind} ${row.name}`,
      href: pageOf(row),
      word,
      more: row.schedule === '' ? '' : `Schedule ${row.schedule}`,
      at: row.at,
    })),
    ...failed.map((run) => ofRun(run, run.status.phase ?? 'Unknown')),
    ...undoStuck.map((run) => ofRun(run, 'Undo stuck')),
    ...orphaned.map((run) => ofRun(run, 'Orphaned')),
  ]
  if (needs.length === 0) return undefined
  const shown = [...needs].sort((a, b) => b.at - a.at).slice(0, mostNeeds)
  return section(
    'Needs somebody',
    table(
      'What needs somebody',
      [
        { head: 'What', as: 'name', cell: ({ what, href }) => html`<a href=${href}>${what}</a>` },
        { head: 'State', cell: ({ word }) => badge(word) },
        { head: 'When', cell: ({ at }) => moment(at, now) },
        { head: 'Why', as: 'text', cell: ({ more }) => clamped(more) },
      ],
      shown,
    ),
    needs.length > shown.length
      ? html`<p class="quiet">and ${number(needs.length - shown.length)} more</p>`
      : undefined,
  )
}

const mostHeld = 20

/** What is held, and what each waits for; nothing where nothing is. */
export function heldOf({ held }: Overview, now: number): Piece {
  if (held.length === 0) return undefined
  return section(
    'Held',
    table(
      'What is held, the longest first',
      [
        { head: 'What', as: 'name', cell: (row) => html`<a href=${pageOf(row)}>${row.kind} ${row.name}</a>` },
        { head: 'Since', cell: ({ since }) => moment(since, now) },
        { head: 'Waits for', as: 'text', cell: ({ standing }) => clamped(standing) },
        { head: 'Actions', as: 'text', cell: ({ actions }) => clamped(actions?.join(', ') ?? '') },
      ],
      held.slice(0, mostHeld),
    ),
    held.length > mostHeld
      ? html`<p class="quiet">and ${number(held.length - mostHeld)} more</p>`
      : undefined,
  )
}

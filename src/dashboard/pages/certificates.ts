/** When the certificates of the webhook end and turn, and which of them callers meet. */
import type { CertificateRow } from '../certificates.ts'
import { html, type Piece } from './html.ts'
import { badge, banner, clamped, empty, moment, table } from './parts.ts'

const dayMs = 86_400_000
// As the alerts do: who renews by hand needs a while, and ours have turned months before.
const soonMs = 30 * dayMs
const lateMs = 7 * dayMs

/** The table, and what is wrong with it. */
export function certificatesOf({
  certificates,
  trouble,
  now,
}: {
  readonly certificates: readonly CertificateRow[]
  readonly trouble: string | undefined
  readonly now: number
}): Piece {
  const rows = certificates.filter(({ met, byLeader }) => byLeader !== false || (met?.count ?? 0) > 0)
  const differ = rows.some(({ byLeader }) => byLeader === false)
  return [
    trouble === undefined ? undefined : banner('warn', `The webhook could not be called: ${trouble}`),
    differ
      ? banner(
          'warn',
          'Not every replica serves the certificate of the leader: for a minute after a renewal this is as it should be.',
        )
      : undefined,
    rows.length === 0
      ? empty('Nothing is known of them: no replica leads, and the webhook showed none.')
      : table('Certificates of the webhook', columns(now), rows),
  ]
}

const columns = (now: number) =>
  [
    { head: 'Use', cell: ({ use }: CertificateRow) => use },
    { head: 'State', cell: ({ until }: CertificateRow) => stateOf(until - now) },
    { head: 'Ends', cell: ({ until }: CertificateRow) => moment(until, now) },
    { head: 'Is renewed', cell: (row: CertificateRow) => turnOf(row, now) },
    { head: 'Met by callers', cell: metOf },
    {
      head: 'For',
      as: 'text',
      cell: ({ names }: CertificateRow) => clamped(names.join(', ')),
    },
    {
      head: 'SHA-256',
      as: 'spare',
      cell: ({ fingerprint }: CertificateRow) =>
        html`<code title=${fingerprint}>${fingerprint.replaceAll(':', '').slice(0, 16).toLowerCase()}</code>`,
    },
  ] as const

function stateOf(leftMs: number): Piece {
  if (leftMs <= 0) return badge('Ended', 'bad')
  if (leftMs < lateMs) return badge('Ends soon', 'bad')
  return leftMs < soonMs ? badge('Ends soon', 'warn') : badge('Good', 'good')
}

function turnOf({ use, turns, byLeader }: CertificateRow, now: number): Piece {
  if (turns !== undefined) return moment(turns, now)
  if (byLeader === false) return html`<span class="none">–</span>`
  return html`<span class="quiet">${use === 'Served' ? 'by who keeps it' : 'not any more'}</span>`
}

function metOf({ met, byLeader }: CertificateRow): Piece {
  if (met === undefined) return html`<span class="none">–</span>`
  return html`${`${met.count} of ${met.of}`}${byLeader === false ? html` ${badge('Not by the leader', 'warn')}` : undefined}`
}

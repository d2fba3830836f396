/** What runs here, who leads, what is followed, what the history holds, and what the one who looks may see. */
import type { CertificateRow } from '../certificates.ts'
import type { Progress } from '../history/projector.ts'
import type { Extent, Gaps } from '../history/store.ts'
import { views, type View } from '../rights.ts'
import { counted, lasting, number, size } from '../words.ts'
import { html, type Piece } from './html.ts'
import { certificatesOf } from './certificates.ts'
import type { Page } from './layout.ts'
import { badge, clamped, facts, moment, section, table } from './parts.ts'

/** A copy of what a namespace has. */
export type CopyState = {
  readonly namespace: string
  readonly synced: boolean
  readonly silentMs: number
  readonly trouble: string | undefined
  readonly unreadRuns: readonly string[]
}

/** What it is made of. */
export type SystemView = {
  readonly version: string
  readonly replica: string
  readonly cluster: string
  readonly startedAt: number
  readonly leader: string | undefined
  readonly certificates: readonly CertificateRow[]
  /** Why the webhook showed no certificate. */
  readonly trouble: string | undefined
  readonly copies: readonly CopyState[]
  readonly extent: Extent | undefined
  readonly gaps: Gaps | undefined
  readonly progress: Progress
  readonly rights: readonly { readonly view: View; readonly namespaces: readonly string[] }[]
  readonly now: number
}

/** The page. */
export const systemPage = (view: SystemView): Page => ({
  title: 'System',
  content: html`
    <h1>System</h1>
    ${facts([
      ['Version', view.version],
      ['This process', view.replica],
      ['Runs since', moment(view.startedAt)],
      ['Leader', view.leader ?? 'not known'],
      ['Cluster', html`<code>${view.cluster}</code>`],
    ])}
    ${section('Certificates of the webhook', certificatesOf(view))}
    ${section(
      'What is followed',
      table(
        'Namespaces',
        [
          { head: 'Namespace', as: 'name', cell: ({ namespace }) => namespace },
          { head: 'State', cell: copyBadge },
          {
            head: 'Last heard of',
            cell: ({ silentMs }) => (Number.isFinite(silentMs) ? `${lasting(silentMs)} ago` : 'not yet'),
          },
          { head: 'Trouble', as: 'text', cell: ({ trouble = '' }) => clamped(trouble) },
          { head: 'Runs that cannot be read', as: 'text', cell: ({ unreadRuns }) => unreadRuns.join(', ') },
        ],
        view.copies,
      ),
    )}
    ${section('History of decisions', historyOf(view))}
    ${section(
      'What you may see',
      table(
        'Views',
        [
          { head: 'Kind', as: 'name', cell: ({ view }) => `${views[view].resource}.${views[view].group}` },
          {
            head: 'In',
            cell: ({ namespaces }) =>
              namespaces.length === 0 ? badge('nowhere', 'quiet') : namespaces.join(', '),
          },
        ],
        view.rights,
      ),
    )}
  `,
})

function copyBadge({ synced, silentMs, trouble }: CopyState): Piece {
  if (!synced) return trouble === undefined ? badge('Reading', 'busy') : badge('Not readable', 'warn')
  return silentMs > staleMs ? badge('Behind', 'warn') : badge('Current', 'good')
}

/** The API server says something at least once a minute. */
export const staleMs = 75_000

const historyOf = ({ extent, gaps, progress, now }: SystemView) => {
  const { trouble, written, waiting, lost } = progress
  return facts([
    ['State', progressBadge(progress)],
    ['Not read yet', progress.reading.join(', ')],
    ['Trouble', trouble && `${trouble.message}, for ${lasting(now - trouble.since)}`],
    ...extentOf(extent, now),
    ...gapsOf(gaps),
    ['Written since the start', number(written)],
    ['Waiting', waiting === 0 ? undefined : number(waiting)],
    ['Lost', lost === 0 ? undefined : number(lost)],
  ])
}

function gapsOf(gaps: Gaps | undefined): readonly (readonly [string, Piece])[] {
  if (gaps === undefined) return []
  const { decisions, earlier, began } = gaps
  return [
    ['Begun', moment(began)],
    ['Known to be missing', counted(decisions, 'decision')],
    ['Gone before it began', earlier === 0 ? undefined : counted(earlier, 'decision')],
  ]
}

const progressBadge = ({ reading, trouble }: Progress): Piece => {
  if (reading.length > 0) return badge('Reading', 'busy')
  return trouble === undefined ? badge('Current', 'good') : badge('Trouble', 'bad')
}

const extentOf = (extent: Extent | undefined, now: number): readonly (readonly [string, Piece])[] =>
  extent === undefined
    ? [['Records', 'not known']]
    : [
        ['Records', counted(extent.records, 'record')],
        ['Oldest', extent.oldest && moment(extent.oldest, now)],
        ['Newest', extent.newest && moment(extent.newest, now)],
        ['Size', size(extent.bytes)],
      ]

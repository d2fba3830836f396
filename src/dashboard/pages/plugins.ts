/** The plugins that Velero must carry: what each check found. */
import { pluginConditions } from '../../api/velero-plugin.ts'
import { conditionIn } from '../../core/condition.ts'
import { conditionStatus } from '../../core/plugin/aboard.ts'
import { listedPlugin, type ListedPlugin } from '../../core/plugin/listing.ts'
import { textAt, type Json } from '../../core/velero.ts'
import { urlOf } from '../query.ts'
import { counted, type Tone } from '../words.ts'
import { html, type Piece } from './html.ts'
import type { Page } from './layout.ts'
import { badge, clamped, command, empty, facts, table, type Column } from './parts.ts'

/** The page. */
export const pluginsPage = (plugins: readonly Json[]): Page => ({
  title: 'Plugins',
  live: { url: urlOf('/api/v1/stream', { of: 'state' }), as: 'page' },
  content: html`
    <div class="headline">
      <h1>Plugins</h1>
      ${plugins.length === 0 ? undefined : html`<p class="quiet">${summaryOf(plugins)}</p>`}
    </div>
    ${
      plugins.length === 0
        ? empty(
            'No VeleroPlugin is declared.',
            'The kind explains itself:',
            command('kubectl explain veleroplugin.spec'),
          )
        : [listOf(plugins), ...plugins.map(pluginOf)]
    }
  `,
})

function summaryOf(plugins: readonly Json[]): string {
  const rolledOut = plugins.filter((one) => listedPlugin(one).rolledOut === 'True').length
  return `${counted(plugins.length, 'plugin')}, Velero runs with ${rolledOut === plugins.length ? 'all of them' : String(rolledOut)}`
}

const words: Readonly<Record<string, string>> = { True: 'Yes', False: 'No', Unknown: 'Not known' }
const tones: Readonly<Record<string, Tone>> = { True: 'good', False: 'bad', Unknown: 'quiet' }
const statusBadge = (status: string, tone = tones[status]): Piece => badge(words[status] ?? status, tone)

const anchorOf = ({ namespace, name }: ListedPlugin): string => `${namespace}.${name}`

const listOf = (plugins: readonly Json[]): Piece =>
  table(
    'Plugins, and how far each is',
    [
      {
        head: 'Plugin',
        as: 'name',
        cell: (row) => html`<a href=${`#${encodeURIComponent(anchorOf(row))}`}>${row.name}</a>`,
      },
      { head: 'May be used', cell: ({ ready }) => statusBadge(ready) },
      // That it is not aboard yet is a step, and no fault.
      { head: 'In the Deployment', cell: ({ injected, ready }) => stepBadge(injected, ready) },
      { head: 'Velero runs with it', cell: ({ rolledOut, ready }) => stepBadge(rolledOut, ready) },
      { head: 'Why not', as: 'text', cell: ({ message }) => clamped(message) },
    ],
    plugins.map(listedPlugin),
  )

const stepBadge = (status: string, ready: string): Piece =>
  status === 'False'
    ? badge(ready === 'True' ? 'Not yet' : 'No', ready === 'True' ? 'warn' : 'quiet')
    : statusBadge(status)

function pluginOf(plugin: Json): Piece {
  const listed = listedPlugin(plugin)
  const { namespace, name, image, digest, initContainer, ready } = listed
  const holding = pluginConditions.filter((type) => conditionStatus(plugin, type) === 'True').length
  return html`<section id=${anchorOf(listed)}>
    <h2>
      ${name}
      ${badge(ready === 'True' ? 'Ready' : ready === 'False' ? 'Not ready' : 'Not known yet', tones[ready])}
    </h2>
    ${facts([
      ['Image', html`<code>${image}</code>`],
      ['Digest', digest === '' ? undefined : html`<code>${digest}</code>`],
      ['Init container', initContainer],
      ['Namespace', namespace],
    ])}
    <details open=${holding < pluginConditions.length}>
      <summary>${`${holding} of ${pluginConditions.length} conditions hold`}</summary>
      ${table(`Checks of ${name}`, checkColumns(plugin), pluginConditions)}
    </details>
  </section>`
}

const checkColumns = (plugin: Json): readonly Column<(typeof pluginConditions)[number]>[] => [
  { head: 'Check', as: 'name', cell: (type) => type },
  { head: 'Holds', cell: (type) => statusBadge(conditionStatus(plugin, type)) },
  { head: 'Reason', cell: (type) => html`<code>${textAt(conditionIn(plugin, type), 'reason')}</code>` },
  { head: 'What was found', as: 'text', cell: (type) => textAt(conditionIn(plugin, type), 'message') },
]

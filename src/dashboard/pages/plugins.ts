/** The plugins that Velero must carry: what each check found. */
import { pluginConditions } from '../../api/velero-plugin.ts'
import { conditionOf, conditionStatus } from '../../core/plugin/aboard.ts'
import { listedPlugin } from '../../core/plugin/listing.ts'
import { textAt, type Json } from '../../core/velero.ts'
import { urlOf } from '../query.ts'
import type { Tone } from '../words.ts'
import { html, type Piece } from './html.ts'
import type { Page } from './layout.ts'
import { badge, command, empty, facts, table } from './parts.ts'

/** The page. */
export const pluginsPage = (plugins: readonly Json[]): Page => ({
  title: 'Plugins',
  live: { url: urlOf('/api/v1/stream', { of: 'state' }), as: 'page' },
  content: html`
    <h1>Plugins</h1>
    ${
      plugins.length === 0
        ? empty(
            'No VeleroPlugin is declared.',
            'The kind explains itself:',
            command('kubectl explain veleroplugin.spec'),
          )
        : plugins.map(pluginOf)
    }
  `,
})

const words: Readonly<Record<string, string>> = { True: 'Yes', False: 'No', Unknown: 'Not known' }
const tones: Readonly<Record<string, Tone>> = { True: 'good', False: 'bad', Unknown: 'quiet' }

function pluginOf(plugin: Json): Piece {
  const { namespace, name, image, digest, initContainer, ready } = listedPlugin(plugin)
  return html`<section>
    <h2>
      ${name}
      ${badge(ready === 'True' ? 'Ready' : ready === 'False' ? 'Not ready' : 'Not known yet', tones[ready])}
    </h2>
    ${facts([
      ['Namespace', namespace],
      ['Image', html`<code>${image}</code>`],
      ['Digest', digest === '' ? undefined : html`<code>${digest}</code>`],
      ['Init container', initContainer],
    ])}
    ${table(
      `Checks of ${name}`,
      [
        { head: 'Check', as: 'name', cell: (type) => type },
        {
          head: 'Holds',
          cell: (type) => {
            const status = conditionStatus(plugin, type)
            return badge(words[status] ?? status, tones[status])
          },
        },
        { head: 'Reason', cell: (type) => html`<code>${textAt(conditionOf(plugin, type), 'reason')}</code>` },
        { head: 'What was found', as: 'text', cell: (type) => textAt(conditionOf(plugin, type), 'message') },
      ],
      pluginConditions,
    )}
  </section>`
}

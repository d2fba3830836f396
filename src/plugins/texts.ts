/** From the texts of a ConfigMap to the documents in them that declare plugins. */
import type { FieldProblem } from '../api/problems.ts'
import { readDocument, type Override, type PluginDocument } from '../core/plugin/sources.ts'
import { readYaml } from './yaml-text.ts'

/** Texts, and what they stand in: `ConfigMap velero/tidewaiter-plugins`. */
export type TextsIn = { readonly label: string; readonly texts: readonly Override[] }

/** Reads all texts. One that cannot be read is a document without plugins, and with a problem: it may declare some. */
export function documentsIn({ label, texts }: TextsIn): readonly PluginDocument[] {
  return texts.flatMap(({ path, text }) => {
    const { documents, problems } = readYaml(text)
    const found = documents.flatMap(({ value }): readonly PluginDocument[] => {
      const read = readDocument(value)
      return read.kind === 'plugins' ? [{ ...read.document, label: `${label} (${read.document.label})` }] : []
    })
    const unread = problems.map(({ line, message }) => ({
      path,
      want: `hold YAML that can be read: line ${line} ${message}`,
    }))
    return unread.length === 0 ? found : [...found, unreadable(label, unread)]
  })
}

/** A document of which nothing is known but that it cannot be read. */
export const unreadable = (label: string, problems: readonly FieldProblem[]): PluginDocument => ({
  label,
  namespace: undefined,
  plugins: [],
  overrides: [],
  problems,
  warnings: [],
})

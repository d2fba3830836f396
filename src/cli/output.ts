/** How commands print what they found: -o and --no-headers, alike for all of them. */
import { Option, type Command } from 'commander'
import { Document, visit } from 'yaml'
import { plainLines } from './plain.ts'

const formats: readonly string[] = ['table', 'wide', 'json', 'yaml', 'name']
/** What `withOutput` leaves in a command. */
export type OutputFlags = { readonly output: string }
/** What `withTable` leaves in a command. */
export type TableFlags = OutputFlags & { readonly headers: boolean }

/** Adds -o. */
export const withOutput = (command: Command): Command =>
  command.addOption(new Option('-o, --output <format>', formats.join(', ')).default('table', 'table'))

/** Adds -o and --no-headers, for what prints a table. */
export const withTable = (command: Command): Command =>
  withOutput(command).option('--no-headers', 'no line with the names of the columns')

/** What is wrong with -o. */
export const outputProblems = ({ output }: OutputFlags): readonly string[] =>
  formats.includes(output)
    ? []
    : [`-o must be ${formats.slice(0, -1).join(', ')} or ${formats.at(-1)}, got "${output}"`]

/** A value as JSON, safe on a terminal: JSON itself escapes only what is below a space. */
export const asJson = (value: unknown): string => `${plainLines(JSON.stringify(value, null, 2))}\n`

/** A value as YAML as kubectl reads it (1.1), safe on a terminal. */
export function asYaml(value: unknown): string {
  const document = new Document(value, { version: '1.1', aliasDuplicateObjects: false })
  visit(document, {
    Scalar: (_, scalar) => {
      // Only a text in double quotes may hold escapes.
      if (typeof scalar.value === 'string' && plainLines(scalar.value) !== scalar.value)
        scalar.type = 'QUOTE_DOUBLE'
    },
  })
  return plainLines(document.toString({ lineWidth: 0, singleQuote: true }))
}

/** Objects of the API server as kubectl prints them: one, or a List. Who wrote which field is left out, as kubectl does. */
export const asList = (items: readonly object[]): object => ({
  apiVersion: 'v1',
  kind: 'List',
  items: items.map(withoutFields),
})

/** An object without its managed fields. */
export function withoutFields(object: object): object {
  const metadata: unknown = 'metadata' in object ? object.metadata : undefined
  if (typeof metadata !== 'object' || metadata === null) return object
  const kept = Object.entries(metadata).filter(([key]) => key !== 'managedFields')
  return { ...object, metadata: Object.fromEntries(kept) }
}

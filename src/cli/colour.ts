/** Colour, only where a person looks (no-color.org). */
import type { CliWorld } from './world.ts'

const codes = { green: 32, red: 31, yellow: 33 } as const
/** The colours in use. */
export type Colour = keyof typeof codes

/** How a text is coloured on stdout; not at all where nobody looks or wants it. */
export function painter(world: CliWorld): (text: string, colour: Colour) => string {
  const { env } = world
  const isWanted = world.isTerminal('stdout') && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
  return (text, colour) => (isWanted ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text)
}

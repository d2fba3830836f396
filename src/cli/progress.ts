/** How far the checks are, on one line that a person at a terminal sees, and nobody else. */
import type { CliWorld } from './world.ts'

const wipe = '\r\u001b[2K'

/** Shows how many of `all` are done. */
export function progress(
  world: CliWorld,
  all: number,
): { readonly done: (count: number) => void; readonly end: () => void } {
  if (!world.isTerminal('stderr')) return { done: () => {}, end: () => {} }
  const done = (count: number) => world.stderr(`${wipe}checking images: ${count} of ${all}`)
  done(0)
  return { done, end: () => world.stderr(wipe) }
}

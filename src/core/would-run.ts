/**
 * What a dry run says an action would do. A warning has 250 characters, and all of an answer 4,096, so what matters most
 * comes first: of every action what it would call, then the bodies, then the headers.
 */
import type { Stage } from '../api/action.ts'

/** The longest line of a warning, in characters: kubectl and the API server cut at 256. */
export const longestLine = 250

/** One action of a dry run: a line that says what it would do, and lines that say it in full. */
export type WouldRun = {
  readonly head: string
  readonly body: readonly string[]
  readonly rest: readonly string[]
}

/** `request` is as it is recorded, secrets masked: the request line, headers, an empty line, the body. */
export function wouldRun(stage: Stage, name: string, request: string): WouldRun {
  const [before = '', ...after] = request.split('\n\n')
  const [line = '', ...headers] = before.split('\n')
  const head = `tidewaiter: dry run, ${stage} action "${name}" would run: ${line}`
  const part = (what: string, text: string) => linesOf(`tidewaiter: dry run, "${name}" ${what}`, text)
  return {
    head,
    body: part('body', after.join('\n\n')),
    rest: [
      ...(lengthOf(head) > longestLine ? part('request', line) : []),
      ...part('headers', headers.join('; ')),
    ],
  }
}

/** All lines of a dry run, what matters most first. */
export const headsFirst = (all: readonly WouldRun[]): readonly string[] => [
  ...all.map(({ head }) => head),
  ...all.flatMap(({ body }) => body),
  ...all.flatMap(({ rest }) => rest),
]

/** How many characters a text has. */
export const lengthOf = (text: string): number => Array.from(text).length
// ` 12/34: `
const longestCount = 8

/** A text as lines that each say which of how many they are, if there is more than one. */
function linesOf(what: string, text: string): readonly string[] {
  const points = Array.from(text.replaceAll(/\s+/g, ' ').trim())
  if (points.length === 0) return []
  const room = Math.max(1, longestLine - lengthOf(what) - longestCount)
  const count = Math.ceil(points.length / room)
  return Array.from({ length: count }, (_, i) => {
    const piece = points.slice(i * room, (i + 1) * room).join('')
    return `${what}${count === 1 ? '' : ` ${i + 1}/${count}`}: ${piece}`
  })
}

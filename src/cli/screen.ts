/** What standard output can show: how wide it is, whether in colours, and in which characters. */
import type { CliWorld } from './world.ts'

/** How a text is meant. */
export type Tone = 'good' | 'bad' | 'warn' | 'dim' | 'bold'

/** The characters that are drawn with. */
export type Marks = {
  readonly ellipsis: string
  readonly bar: string
  /** Time that is not used. */
  readonly rest: string
  /** Something too short for its scale. */
  readonly tick: string
}

/** What is printed to. */
export type Screen = {
  /** In columns; undefined where it is no terminal, and nothing is ever cut. */
  readonly width: number | undefined
  readonly paint: (text: string, tone: Tone | undefined) => string
  readonly marks: Marks
}

const codes: Readonly<Record<Tone, readonly [number, number]>> = {
  good: [32, 39],
  bad: [31, 39],
  warn: [33, 39],
  dim: [2, 22],
  bold: [1, 22],
}

const coloured: Screen['paint'] = (text, tone) => {
  if (tone === undefined || text === '') return text
  const [from, to] = codes[tone]
  return `\u001b[${from}m${text}\u001b[${to}m`
}

const unicode: Marks = { ellipsis: '…', bar: '█', rest: '·', tick: '▏' }
const ascii: Marks = { ellipsis: '..', bar: '#', rest: '.', tick: '|' }

// Narrower, nothing could be read anyway; and a terminal that does not know its width says 0.
const narrowest = 20

/** What standard output is. */
export function screenOf({ env, columns }: Pick<CliWorld, 'env' | 'columns'>): Screen {
  const given = columns?.()
  const width = given === undefined ? undefined : given === 0 ? 80 : Math.max(narrowest, given)
  // https://no-color.org: set and not empty.
  const colours = width !== undefined && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
  return {
    width,
    paint: colours ? coloured : (text) => text,
    marks: isUtf8(env) ? unicode : ascii,
  }
}

/** The first that is set decides, as in setlocale(3). */
function isUtf8(env: CliWorld['env']): boolean {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find((one) => one !== undefined && one !== '')
  return /utf-?8/i.test(locale ?? '')
}

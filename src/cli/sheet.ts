/** What is known of one thing, as lines of a name and a value. */
import { linesOf, padTo, plain, widthOf } from './plain.ts'
import type { Screen, Tone } from './screen.ts'

/** One line; one without a value is left out. */
export type Fact = readonly [name: string, value: string | undefined, tone?: Tone | undefined]

const gap = 2

/** The facts below each other; a value that is too long for the terminal goes on in the next line. */
export function sheet(facts: readonly Fact[], screen: Screen, indent = ''): string {
  const known = facts.flatMap(([name, value, tone]) =>
    value === undefined || value === '' ? [] : [{ name, value: plain(value), tone }],
  )
  const width = Math.max(0, ...known.map(({ name }) => widthOf(name))) + gap
  return known
    .flatMap(({ name, value, tone }) =>
      wrapped(value, screen, indent.length + width).map((line, i) => {
        const head = padTo(i === 0 ? name : '', width)
        return `${indent}${head}${screen.paint(line, tone)}\n`
      }),
    )
    .join('')
}

// In a pipe a value stays one line, so that it can be searched for.
const wrapped = (text: string, { width }: Screen, used: number): readonly string[] =>
  width === undefined ? [text] : linesOf(text, Math.max(10, width - used))

/** A text of several lines, indented; a line that is too long for the terminal goes on in the next. */
export function paragraph(text: string, screen: Screen, indent: string): string {
  return text
    .split('\n')
    .flatMap((line) => wrapped(plain(line), screen, indent.length))
    .map((line) => `${indent}${line}`.trimEnd())
    .map((line) => `${line}\n`)
    .join('')
}

/** Tables: as wide as they need to be in a pipe, and never wider than a terminal. */
import { cutTo, padTo, piecesOf, plain, widthOf } from './plain.ts'
import type { Screen, Tone } from './screen.ts'

/** One column. */
export type Column<Row> = {
  readonly head: string
  /** The text of a row, as it came; what a terminal would obey is escaped here. */
  readonly cell: (row: Row) => string
  readonly tone?: (row: Row) => Tone | undefined
  /** Only with -o wide. */
  readonly wide?: boolean
  /** What one copies from it: on a narrow terminal it goes on in the next line instead of being cut. */
  readonly whole?: boolean
  /** Left out of a terminal that is too narrow for all columns. */
  readonly spare?: boolean
}

/** How a table is written. */
export type TableStyle = {
  readonly screen: Screen
  readonly headers: boolean
  readonly wide: boolean
  /** Of a table that is written in pieces: how wide each column was so far, by its head. */
  readonly widths?: Map<string, number>
}

// As kubectl, where there is room for it.
const gapOf = (width: number | undefined): number => (width === undefined ? 3 : 2)
// Every phase fits.
const leastCut = 9
const leastWhole = 12

type Sized<Row> = {
  readonly column: Column<Row>
  readonly texts: readonly string[]
  readonly least: number
  width: number
}

/** The table as lines, each ended. */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { screen, headers, wide, widths = new Map() }: TableStyle,
): string {
  const chosen = columns.filter((column) => wide || column.wide !== true)
  for (const { head } of headers ? chosen : [])
    widths.set(head, Math.max(widthOf(head), widths.get(head) ?? 0))
  const sized = fitted(
    chosen.map((column) => sizedOf(column, rows, widths)),
    screen.width,
  )
  const head: Drawn<Row> = { screen, textOf: ({ column }) => column.head, toneOf: () => undefined }
  const body = rows.map((row, i) =>
    line(sized, {
      screen,
      textOf: ({ texts }) => texts[i] ?? '',
      toneOf: ({ column }) => column.tone?.(row),
    }),
  )
  return [...(headers ? [line(sized, head)] : []), ...body].join('')
}

function sizedOf<Row>(column: Column<Row>, rows: readonly Row[], widths: Map<string, number>): Sized<Row> {
  const texts = rows.map((row) => plain(column.cell(row)))
  // Not spread into Math.max: a stack has room for fewer arguments than a cluster has runs.
  const width = texts.reduce((most, text) => Math.max(most, widthOf(text)), widths.get(column.head) ?? 0)
  widths.set(column.head, width)
  return { column, texts, width, least: Math.min(width, column.whole === true ? leastWhole : leastCut) }
}

const total = (all: readonly { readonly width: number }[], gap: number): number =>
  all.reduce((sum, { width }) => sum + width, 0) + gap * Math.max(0, all.length - 1)

/** Makes the widest column narrower until all fit; where that is not enough, spare columns go, the last first. */
function fitted<Row>(all: readonly Sized<Row>[], width: number | undefined): readonly Sized<Row>[] {
  if (width === undefined) return all
  const sized = all.map((one) => ({ ...one }))
  while (total(sized, gapOf(width)) > width) {
    const [widest] = sized
      .filter((one) => one.width > one.least)
      .sort((a, b) => Number(a.column.whole ?? false) - Number(b.column.whole ?? false) || b.width - a.width)
    if (widest !== undefined) widest.width -= 1
    else {
      const spare = all.findLastIndex(({ column }) => column.spare === true)
      return spare === -1 ? sized : fitted(all.toSpliced(spare, 1), width)
    }
  }
  return sized
}

type Drawn<Row> = {
  readonly screen: Screen
  readonly textOf: (one: Sized<Row>) => string
  readonly toneOf: (one: Sized<Row>) => Tone | undefined
}

/** One row: a line, or as many as its longest cell that goes on has. */
function line<Row>(sized: readonly Sized<Row>[], { screen, textOf, toneOf }: Drawn<Row>): string {
  const cells = sized.map((one) => {
    const text = textOf(one)
    const pieces =
      one.column.whole === true
        ? piecesOf(text, Math.max(1, one.width))
        : [cutTo(text, one.width, screen.marks.ellipsis)]
    return { pieces, width: one.width, tone: toneOf(one) }
  })
  const count = Math.max(...cells.map(({ pieces }) => pieces.length))
  return Array.from({ length: count }, (_, i) => {
    const parts = cells.map(({ pieces, width, tone }) => {
      const text = pieces[i] ?? ''
      return screen.paint(text, tone) + padTo('', width - widthOf(text))
    })
    return `${parts.join(' '.repeat(gapOf(screen.width))).trimEnd()}\n`
  }).join('')
}

/** Tables as kubectl prints them: a line of headings, columns three spaces apart, nothing after the last one. */

/** Lines of a table, each with its end. `paint` colours a cell once it has its width. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  paint: (cell: string, column: number) => string = (cell) => cell,
): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? '').length)),
  )
  const line = (row: readonly string[], cellOf: (cell: string, column: number) => string) =>
    row
      .map((cell, column) =>
        column === row.length - 1
          ? cellOf(cell, column)
          : cellOf(cell.padEnd((widths[column] ?? 0) + 3), column),
      )
      .join('')
      .trimEnd()
  return [line(headings, (cell) => cell), ...rows.map((row) => line(row, paint))]
    .map((text) => `${text}\n`)
    .join('')
}

/** How measurements are printed: a Markdown table, and on which machine. */
import { cpus, totalmem } from 'node:os'

/** The middle one. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** The value that this part of all values is not above. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}

/** `2 x AMD EPYC, 24 GB, Node 24.21.0`. */
export function machine(): string {
  const [first] = cpus()
  return `${cpus().length} x ${first?.model.trim() ?? '?'}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}`
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

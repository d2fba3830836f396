/** `tidewaiter decisions export`: records for spreadsheets and programs, all that are chosen, one after another. */
import { inCluster, type ClusterFlags } from './cluster.ts'
import { clockOf } from './command.ts'
import { filterOf, findDecisions, type FilterFlags, type FoundDecision } from './found-decisions.ts'
import { asJson, asList } from './output.ts'
import { tellUsage } from './usage.ts'
import type { CliWorld } from './world.ts'

/** Its flags. */
export type ExportFlags = ClusterFlags &
  FilterFlags & { readonly allNamespaces: boolean | undefined; readonly output: string }

const formats = ['csv', 'ndjson', 'json']

/** Exports, or tells what is wrong with the flags; `problems` are those that were found already. */
export async function exportDecisions(
  flags: ExportFlags,
  problems: readonly string[],
  world: CliWorld,
): Promise<void> {
  const filter = filterOf(flags, clockOf(world).now())
  const wrong = formats.includes(flags.output)
    ? []
    : [`-o must be csv, ndjson or json, got "${flags.output}"`]
  const all = [...problems, ...wrong, ...filter.problems]
  if (all.length > 0) return tellUsage(world, 'tidewaiter decisions export', all)
  await inCluster(flags, world, async (cluster) => {
    const namespace = flags.allNamespaces === true ? undefined : flags.namespace
    const found = (await findDecisions(cluster, namespace)).filter(filter.holds).slice(0, filter.limit)
    world.stdout(exported(found, flags.output))
    world.exitCode(0)
  })
}

function exported(found: readonly FoundDecision[], format: string): string {
  if (format === 'json') return asJson(asList(found.map(({ raw }) => raw)))
  if (format === 'ndjson') return found.map(({ raw }) => `${JSON.stringify(raw)}\n`).join('')
  // RFC 4180: lines end with CR LF.
  return [Object.keys(cells), ...found.map(rowOf)].map((row) => `${row.map(csvCell).join(',')}\r\n`).join('')
}

type Record = NonNullable<FoundDecision['record']>

const cells: Readonly<globalThis.Record<string, (record: Record) => string | number | undefined>> = {
  namespace: ({ metadata }) => metadata.namespace,
  name: ({ metadata }) => metadata.name,
  verdict: ({ spec }) => spec.verdict,
  reason: ({ spec }) => spec.reason,
  operation: ({ spec }) => spec.operation,
  kind: ({ spec }) => spec.kind,
  object: ({ status }) => status.last.name,
  uid: ({ status }) => status.last.uid,
  schedule: ({ spec }) => spec.schedule,
  action: ({ spec }) => spec.action,
  user: ({ spec }) => spec.user,
  attempts: ({ status }) => status.count,
  first: ({ status }) => status.first.time,
  last: ({ status }) => status.last.time,
  milliseconds: ({ status }) => status.last.milliseconds,
  run: ({ status }) => status.last.run,
  replica: ({ spec }) => spec.replica,
  message: ({ status }) => status.last.message,
}

const rowOf = ({ record, namespace, name, problem }: FoundDecision): readonly string[] =>
  Object.entries(cells).map(([column, cell]) => {
    if (record !== undefined) return String(cell(record) ?? '')
    return { namespace, name, verdict: 'Unreadable', message: problem }[column] ?? ''
  })

/** A cell that a spreadsheet would take for a formula is made text by an apostrophe (OWASP, CSV injection). */
export function csvCell(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(harmless) || harmless !== text ? `"${harmless.replaceAll('"', '""')}"` : harmless
}

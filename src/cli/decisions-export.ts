/** `tidewaiter decisions export`: records for spreadsheets and programs, all that are chosen, one after another. */
import { csvHead, csvLine, csvPart } from '../core/decision/csv.ts'
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
  return [csvHead, ...found.map(lineOf)].join('')
}

const lineOf = ({ record, namespace, name, problem }: FoundDecision): string =>
  record === undefined
    ? csvPart({ namespace, record: name, verdict: 'Unreadable', message: problem })
    : csvLine(record)

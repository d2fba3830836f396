/** `tidewaiter decisions list`: what was decided, the newest first. */
import { spell } from '../core/refusal.ts'
import { inCluster, type ClusterFlags } from './cluster.ts'
import { clockOf } from './command.ts'
import { filterOf, findDecisions, type FilterFlags, type FoundDecision } from './found-decisions.ts'
import { asJson, asList, asYaml, outputProblems, type TableFlags } from './output.ts'
import { screenOf, type Tone } from './screen.ts'
import { table, type Column } from './table.ts'
import { tellUsage } from './usage.ts'
import { agoOf } from './when.ts'
import type { CliWorld } from './world.ts'

/** Its flags. */
export type ListFlags = ClusterFlags &
  TableFlags &
  FilterFlags & { readonly allNamespaces: boolean | undefined }

/** Lists, or tells what is wrong with the flags; `problems` are those that were found already. */
export async function listDecisions(
  flags: ListFlags,
  problems: readonly string[],
  world: CliWorld,
): Promise<void> {
  const filter = filterOf(flags, clockOf(world).now())
  const all = [...problems, ...outputProblems(flags), ...filter.problems]
  if (all.length > 0) return tellUsage(world, 'tidewaiter decisions list', all)
  await inCluster(flags, world, async (cluster) => {
    const namespace = flags.allNamespaces === true ? undefined : flags.namespace
    const found = await findDecisions(cluster, namespace)
    const chosen = found.filter(filter.holds).slice(0, filter.limit)
    world.stdout(writtenDecisions(chosen, { flags, world }))
    if (chosen.length === 0) world.stderr(noneSentence(found.length, namespace))
    world.exitCode(0)
  })
}

function noneSentence(unfiltered: number, namespace: string | undefined): string {
  const where = namespace === undefined ? 'in any namespace' : `in namespace ${namespace} (-n, -A)`
  return unfiltered === 0
    ? `No decisions ${where}. One is recorded when a Backup, a Restore or an Action is created; they are kept for 7 days.\n`
    : `None of the ${unfiltered} decisions ${where} is such a one.\n`
}

type Writing = {
  readonly flags: ListFlags
  readonly world: CliWorld
  /** In pieces, as they come: a document for each, and columns as wide as those before. */
  readonly inLines?: { readonly widths: Map<string, number> }
}

/** Decisions in the format that the flags ask for. */
export function writtenDecisions(
  found: readonly FoundDecision[],
  { flags, world, inLines }: Writing,
): string {
  switch (flags.output) {
    case 'json':
      return inLines !== undefined
        ? found.map(({ raw }) => `${JSON.stringify(raw)}\n`).join('')
        : asJson(asList(found.map(({ raw }) => raw)))
    case 'yaml':
      return inLines !== undefined
        ? found.map(({ raw }) => `---\n${asYaml(raw)}`).join('')
        : asYaml(asList(found.map(({ raw }) => raw)))
    case 'name':
      return found.map(({ name }) => `admissiondecision.tidewaiter.io/${name}\n`).join('')
    default: {
      if (found.length === 0) return ''
      const style = {
        screen: screenOf(world),
        headers: flags.headers,
        wide: flags.output === 'wide',
        ...inLines,
      }
      return table(columns(flags.allNamespaces === true, clockOf(world).now()), found, style)
    }
  }
}

const tones: Readonly<Record<string, Tone>> = { Allowed: 'good', Refused: 'bad', Error: 'bad' }

/** How a verdict is meant. */
export const toneOfVerdict = (verdict: string | undefined): Tone => tones[verdict ?? ''] ?? 'warn'

const columns = (isOfAll: boolean, now: number): readonly Column<FoundDecision>[] => [
  ...(isOfAll ? [{ head: 'NAMESPACE', cell: ({ namespace }: FoundDecision) => namespace }] : []),
  { head: 'NAME', cell: ({ name }) => name, whole: true },
  {
    head: 'VERDICT',
    cell: ({ record }) => record?.spec.verdict ?? 'Unreadable',
    tone: ({ record }) => toneOfVerdict(record?.spec.verdict),
  },
  { head: 'KIND', cell: ({ record }) => record?.spec.kind ?? '-', spare: true },
  { head: 'OBJECT', cell: ({ record }) => record?.status.last.name || '-', spare: true },
  { head: 'SCHEDULE', cell: ({ record }) => record?.spec.schedule ?? '-', spare: true },
  { head: 'REASON', cell: ({ record }) => record?.spec.reason ?? '-' },
  { head: 'ATTEMPTS', cell: ({ record }) => String(record?.status.count ?? '-'), spare: true },
  {
    head: 'DURATION',
    cell: ({ record }) => (record === undefined ? '-' : spell(record.status.last.milliseconds)),
    spare: true,
  },
  { head: 'LAST', cell: ({ record }) => agoOf(record?.status.last.time, now) },
  { head: 'USER', cell: ({ record }) => record?.spec.user ?? '-', wide: true, spare: true },
  { head: 'REPLICA', cell: ({ record }) => record?.spec.replica ?? '-', wide: true, spare: true },
  { head: 'UID', cell: ({ record }) => record?.status.last.uid ?? '-', wide: true, spare: true },
  {
    head: 'MESSAGE',
    cell: ({ record, problem }) => record?.status.last.message ?? (problem || '-'),
    wide: true,
    spare: true,
  },
]

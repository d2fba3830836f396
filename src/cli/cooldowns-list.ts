/** `tidewaiter cooldowns list`: which Schedules wait, and why. */
import type { ScheduleStreak } from '../core/cooldown.ts'
import { inCluster, type ClusterFlags } from './cluster.ts'
import { clockOf } from './command.ts'
import { findCooldowns } from './found-cooldowns.ts'
import { asJson, asYaml, outputProblems, type TableFlags } from './output.ts'
import { screenOf } from './screen.ts'
import { table, type Column } from './table.ts'
import { tellUsage } from './usage.ts'
import { ageOf } from './when.ts'
import type { CliWorld } from './world.ts'

/** Its flags. */
export type ListFlags = ClusterFlags & TableFlags

/** Lists, or tells what is wrong with the flags; `problems` are those that were found already. */
export async function listCooldowns(
  flags: ListFlags,
  problems: readonly string[],
  world: CliWorld,
): Promise<void> {
  const all = [...problems, ...outputProblems(flags)]
  if (all.length > 0) return tellUsage(world, 'tidewaiter cooldowns list', all)
  await inCluster(flags, world, async (cluster) => {
    const now = clockOf(world).now()
    const { waiting } = await findCooldowns(cluster, flags.namespace, now)
    world.stdout(written(waiting, { flags, now, world }))
    if (waiting.length === 0) world.stderr(`No Schedule waits in namespace ${flags.namespace} (-n).\n`)
    world.exitCode(0)
  })
}

type Writing = { readonly flags: ListFlags; readonly now: number; readonly world: CliWorld }

function written(waiting: readonly ScheduleStreak[], { flags, now, world }: Writing): string {
  switch (flags.output) {
    case 'json':
      return asJson(waiting.map(shown))
    case 'yaml':
      return asYaml(waiting.map(shown))
    case 'name':
      return waiting.map(({ schedule }) => `schedule.velero.io/${schedule}\n`).join('')
    default: {
      if (waiting.length === 0) return ''
      const style = { screen: screenOf(world), headers: flags.headers, wide: flags.output === 'wide' }
      return table(columns(now), waiting, style)
    }
  }
}

const iso = (ms: number): string => new Date(ms).toISOString()

const shown = ({ schedule, refusals, until, run }: ScheduleStreak): object => ({
  schedule,
  namespace: run.metadata.namespace,
  refusals,
  until: iso(until),
  run: run.metadata.name,
  message: run.status.message ?? '',
})

const columns = (now: number): readonly Column<ScheduleStreak>[] => [
  { head: 'SCHEDULE', cell: ({ schedule }) => schedule, whole: true },
  { head: 'REFUSALS', cell: ({ refusals }) => String(refusals) },
  { head: 'WAITS', cell: ({ until }) => ageOf(until - now) },
  { head: 'RUN', cell: ({ run }) => run.metadata.name, whole: true },
  { head: 'UNTIL', cell: ({ until }) => iso(until), wide: true, spare: true },
  { head: 'MESSAGE', cell: ({ run }) => run.status.message ?? '-', wide: true, spare: true },
]

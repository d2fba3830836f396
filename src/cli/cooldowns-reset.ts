/** `tidewaiter cooldowns reset`: ends the wait of Schedules. The records stay: what says that they count no more is on the Schedule. */
import { resetAnnotation, type ScheduleStreak } from '../core/cooldown.ts'
import { endedAt } from '../core/run/ending.ts'
import { isKubeError } from '../kube/errors.ts'
import type { Reached } from '../wiring/reach.ts'
import { inCluster, type ClusterFlags } from './cluster.ts'
import { clockOf } from './command.ts'
import { findCooldowns, schedulesIn } from './found-cooldowns.ts'
import { plain } from './plain.ts'
import { tellUsage } from './usage.ts'
import type { CliWorld } from './world.ts'

/** Its flags. */
export type ResetFlags = ClusterFlags & { readonly all: boolean }

type Line = { readonly flags: ResetFlags; readonly problems: readonly string[] }

/** Resets, or tells what is wrong with the command line. */
export async function resetCooldowns(
  words: readonly string[],
  { flags, problems }: Line,
  world: CliWorld,
): Promise<void> {
  const names = words.filter((word) => !word.startsWith('-'))
  const all = [...problems, ...namesProblems(names, flags)]
  if (all.length > 0) return tellUsage(world, 'tidewaiter cooldowns reset', all)
  await inCluster(flags, world, async (cluster) => {
    const now = clockOf(world).now()
    const { waiting, schedules } = await findCooldowns(cluster, flags.namespace, now)
    const wanted = flags.all ? waiting.map(({ schedule }) => schedule) : [...new Set(names)]
    if (wanted.length === 0) world.stderr(`No Schedule waits in namespace ${flags.namespace} (-n).\n`)
    let isDone = true
    for (const schedule of wanted) {
      const streak = waiting.find((one) => one.schedule === schedule)
      const said = await resetOne(streak, { schedule, isThere: schedules.has(schedule), cluster, flags })
      if (said.isDone) world.stdout(`${plain(said.text)}\n`)
      else world.stderr(`tidewaiter: ${plain(said.text)}\n`)
      isDone &&= said.isDone
    }
    world.exitCode(isDone ? 0 : 1)
  })
}

const namesProblems = (names: readonly string[], { all }: ResetFlags): readonly string[] =>
  names.length > 0 === all
    ? [`reset wants the names of Schedules, or --all, got ${all ? 'both' : 'neither'}`]
    : []

type Wanted = {
  readonly schedule: string
  readonly isThere: boolean
  readonly cluster: Reached
  readonly flags: ResetFlags
}
type Said = { readonly isDone: boolean; readonly text: string }

async function resetOne(streak: ScheduleStreak | undefined, wanted: Wanted): Promise<Said> {
  const { schedule, isThere, cluster, flags } = wanted
  const { namespace } = flags
  const none = { isDone: false, text: `there is no Schedule ${schedule} in namespace ${namespace} (-n)` }
  if (!isThere) return none
  if (streak === undefined) return { isDone: true, text: `Schedule ${schedule} does not wait` }
  const at = new Date(endedAt(streak.run)).toISOString()
  const annotations = { [resetAnnotation]: at }
  try {
    await schedulesIn(cluster, namespace).mergePatch(schedule, { metadata: { annotations } })
  } catch (error) {
    if (isKubeError(error, 'NOT_FOUND')) return none
    // The guard: 403, or 422 from an API server before 1.31.
    if (isKubeError(error, 'FORBIDDEN', 'DENIED', 'INVALID'))
      return { isDone: false, text: `the wait of Schedule ${schedule} was not ended: ${error.message}` }
    throw error
  }
  return { isDone: true, text: `Schedule ${schedule} waits no more for what was refused until ${at}` }
}

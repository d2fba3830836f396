/** `tidewaiter runs list`: which runs there are, the newest first. */
import type { RunStatus } from '../api/action-run.ts'
import { stages, type Stage } from '../api/action.ts'
import { runPhases } from '../api/action-run.ts'
import { spell } from '../core/refusal.ts'
import { limitOf, oneOf } from './choices.ts'
import { inCluster, type ClusterFlags } from './cluster.ts'
import { clockOf } from './command.ts'
import { beganAt, findRuns, type FoundRun } from './found-runs.ts'
import { asJson, asList, asYaml, outputProblems, type TableFlags } from './output.ts'
import { notesOf, phaseCell, toneOfRun, undoTally } from './runs-undo.ts'
import { screenOf } from './screen.ts'
import { table, type Column } from './table.ts'
import { tellUsage } from './usage.ts'
import { agoOf, sinceOf } from './when.ts'
import type { CliWorld } from './world.ts'

/** Its flags. */
export type ListFlags = ClusterFlags &
  TableFlags & {
    readonly allNamespaces: boolean | undefined
    readonly backup: string | undefined
    readonly restore: string | undefined
    readonly stage: string | undefined
    readonly phase: string | undefined
    readonly since: string | undefined
    readonly limit: string | undefined
  }

/** Lists, or tells what is wrong with the flags; `problems` are those that were found already. */
export async function listRuns(
  flags: ListFlags,
  problems: readonly string[],
  world: CliWorld,
): Promise<void> {
  const now = clockOf(world).now()
  const read = filterOf(flags, now)
  const all = [...problems, ...outputProblems(flags), ...read.problems]
  if (all.length > 0) return tellUsage(world, 'tidewaiter runs list', all)
  await inCluster(flags, world, async (cluster) => {
    const namespace = flags.allNamespaces === true ? undefined : flags.namespace
    const whole = ['json', 'yaml'].includes(flags.output)
    const found = await findRuns(cluster, { namespace, stage: read.stage, whole })
    const runs = found.filter(read.holds).slice(0, read.limit)
    world.stdout(written(runs, { flags, now, world }))
    if (runs.length === 0) world.stderr(noneSentence(found.length, namespace))
    world.exitCode(0)
  })
}

const noneSentence = (unfiltered: number, namespace: string | undefined): string => {
  const where = namespace === undefined ? 'in any namespace' : `in namespace ${namespace} (-n, -A)`
  return unfiltered === 0
    ? `No runs ${where}. One is written for each Backup and Restore that an Action matches.\n`
    : `None of the ${unfiltered} runs ${where} is such a one.\n`
}

type Filter = {
  readonly problems: readonly string[]
  readonly stage: Stage | undefined
  readonly limit: number
  readonly holds: (found: FoundRun) => boolean
}

function filterOf({ backup, restore, stage, phase, since, limit }: ListFlags, now: number): Filter {
  const wantedStage = oneOf('--stage', stage, stages)
  const wantedPhase = oneOf('--phase', phase, runPhases)
  const most = limitOf(limit)
  const from = since === undefined ? { ok: -Infinity } : sinceOf(since, now)
  return {
    problems: [
      ...wantedStage.problems,
      ...wantedPhase.problems,
      ...('want' in from ? [`--since must ${from.want}, got "${since}"`] : []),
      ...(backup !== undefined && restore !== undefined
        ? ['--backup and --restore exclude each other: a run is for one of them']
        : []),
      ...most.problems,
    ],
    limit: most.limit,
    stage: wantedStage.ok,
    holds: (found) =>
      isOf(found, 'Backup', backup) &&
      isOf(found, 'Restore', restore) &&
      (wantedPhase.ok === undefined || phaseOf(found) === wantedPhase.ok) &&
      'ok' in from &&
      beganAt(found) >= from.ok,
  }
}

const isOf = ({ run }: FoundRun, kind: 'Backup' | 'Restore', name: string | undefined): boolean =>
  name === undefined || (run?.spec.objectRef.kind === kind && run.spec.objectRef.name === name)

const phaseOf = ({ run }: FoundRun): string =>
  run === undefined ? 'Unreadable' : (run.status.phase ?? 'Pending')

type Writing = { readonly flags: ListFlags; readonly now: number; readonly world: CliWorld }

function written(runs: readonly FoundRun[], { flags, now, world }: Writing): string {
  switch (flags.output) {
    case 'json':
      return asJson(asList(runs.map(({ raw }) => raw)))
    case 'yaml':
      return asYaml(asList(runs.map(({ raw }) => raw)))
    case 'name':
      return runs.map(({ name }) => `actionrun.tidewaiter.io/${name}\n`).join('')
    default: {
      if (runs.length === 0) return ''
      const style = { screen: screenOf(world), headers: flags.headers, wide: flags.output === 'wide' }
      return table(columns(flags.allNamespaces === true, now), runs, style)
    }
  }
}

const columns = (isOfAll: boolean, now: number): readonly Column<FoundRun>[] => [
  ...(isOfAll ? [{ head: 'NAMESPACE', cell: ({ namespace }: FoundRun) => namespace }] : []),
  { head: 'NAME', cell: ({ name }) => name, whole: true },
  { head: 'PHASE', cell: cellOf, tone: ({ run }) => (run === undefined ? 'bad' : toneOfRun(run)) },
  { head: 'STAGE', cell: ({ run }) => run?.spec.stage ?? '-', spare: true },
  { head: 'DONE', cell: doneOf, spare: true },
  { head: 'TOOK', cell: ({ run }) => (run === undefined ? '-' : tookOf(run.status, now)), spare: true },
  { head: 'AGE', cell: ({ createdAt }) => agoOf(createdAt, now) },
  { head: 'OBJECT', cell: objectOf, wide: true, spare: true },
  { head: 'UNDONE', cell: ({ run }) => (run === undefined ? '-' : undoTally(run)), wide: true, spare: true },
  { head: 'NOTES', cell: ({ run }) => (run === undefined ? '-' : notesOf(run)), wide: true, spare: true },
  { head: 'REASON', cell: ({ run }) => run?.status.reason ?? '-', wide: true, spare: true },
  { head: 'OWNER', cell: ({ run }) => run?.status.owner ?? '-', wide: true, spare: true },
  {
    head: 'MESSAGE',
    cell: ({ run, problem }) => run?.status.message ?? (problem || '-'),
    wide: true,
    spare: true,
  },
]

const cellOf = (found: FoundRun): string => (found.run === undefined ? phaseOf(found) : phaseCell(found.run))

const objectOf = ({ run }: FoundRun): string =>
  run === undefined ? '-' : `${run.spec.objectRef.kind}/${run.spec.objectRef.name}`

/** How many of its actions have succeeded. */
function doneOf({ run }: FoundRun): string {
  if (run === undefined) return '-'
  const done = (run.status.actions ?? []).filter(({ phase }) => phase === 'Succeeded').length
  return `${done}/${run.spec.actions.length}`
}

/** How long it took, or is taking. */
function tookOf({ startTimestamp, completionTimestamp }: RunStatus, now: number): string {
  const from = Date.parse(startTimestamp ?? '')
  if (Number.isNaN(from)) return '-'
  const to = Date.parse(completionTimestamp ?? '')
  return spell((Number.isNaN(to) ? now : to) - from)
}

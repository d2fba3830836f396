/** `tidewaiter runs`: what was done for Backups and Restores, from the ActionRuns in the cluster. */
import { Command } from 'commander'
import { stages } from '../api/action.ts'
import { runPhases } from '../api/action-run.ts'
import { namePattern } from '../api/metadata.ts'
import { withClusterFlags } from './cluster.ts'
import { withOutput, withTable } from './output.ts'
import { listRuns, type ListFlags } from './runs-list.ts'
import { showRun } from './runs-show.ts'
import type { ShowFlags } from './show.ts'
import { strays, takingAll } from './usage.ts'
import type { CliWorld } from './world.ts'

/** The command. */
export function runsCommand(world: CliWorld): Command {
  return new Command('runs')
    .description('what was done before and after Backups and Restores')
    .addCommand(listCommand(world))
    .addCommand(showCommand(world))
}

function listCommand(world: CliWorld): Command {
  const command = withTable(withClusterFlags(takingAll(new Command('list'))))
  return command
    .description('list runs, the newest first')
    .option('-A, --all-namespaces', 'of every namespace')
    .option('--backup <name>', 'only of this Backup')
    .option('--restore <name>', 'only of this Restore')
    .option('--stage <stage>', `only of this stage: ${stages.join(', ')}`)
    .option('--phase <phase>', `only in this phase: ${runPhases.join(', ')}`)
    .option('--since <time>', 'only those that began since: 90s, 15m, 2h, 3d, 1w ago, or a time of RFC 3339')
    .option('--limit <number>', 'at most so many, the newest')
    .action((flags: ListFlags) => listRuns(flags, strays(command), world))
}

function showCommand(world: CliWorld): Command {
  const command = withOutput(withClusterFlags(takingAll(new Command('show'))))
  return command
    .argument('[name]', 'the name of the run')
    .description('show one run: its actions on a scale of time, what each was told and gave back')
    .action((name: string | undefined, flags: ShowFlags) => {
      const problems = [...strays(command, 1), ...nameProblems(name)]
      return showRun({ name: name ?? '', flags, problems }, world)
    })
}

function nameProblems(name: string | undefined): readonly string[] {
  if (name === undefined || name.startsWith('-')) return ['show wants the name of a run, got nothing']
  return isName.test(name) ? [] : [`show wants the name of a run, got ${JSON.stringify(name)}`]
}

const isName = new RegExp(namePattern, 'u')

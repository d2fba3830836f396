/** `tidewaiter decisions`: what was decided about requests, and why, from the AdmissionDecisions in the cluster. */
import { Command } from 'commander'
import { verdicts } from '../api/admission-decision.ts'
import { namePattern } from '../api/metadata.ts'
import { withClusterFlags } from './cluster.ts'
import { exportDecisions, type ExportFlags } from './decisions-export.ts'
import { listDecisions, type ListFlags } from './decisions-list.ts'
import { showDecision } from './decisions-show.ts'
import { verifyDecisions, type VerifyFlags } from './decisions-verify.ts'
import { watchDecisions } from './decisions-watch.ts'
import { withOutput, withTable } from './output.ts'
import type { ShowFlags } from './show.ts'
import { strays, takingAll } from './usage.ts'
import type { CliWorld } from './world.ts'

/** The command. */
export function decisionsCommand(world: CliWorld): Command {
  return new Command('decisions')
    .description('what was decided about Backups, Restores and Actions, and why')
    .addCommand(listCommand(world))
    .addCommand(showCommand(world))
    .addCommand(watchCommand(world))
    .addCommand(verifyCommand(world))
    .addCommand(exportCommand(world))
}

const plainCommand = (name: string): Command => withClusterFlags(takingAll(new Command(name)))

const filtered = (command: Command): Command =>
  command
    .option('-A, --all-namespaces', 'of every namespace')
    .option('--verdict <verdict>', `only ${verdicts.join(', ')}`)
    .option('--kind <kind>', 'only about objects of this kind')
    .option('--schedule <name>', 'only about what this Schedule made')
    .option('--reason <reason>', 'only for this reason')
    .option('--user <name>', 'only asked for by this user')

const bounded = (command: Command): Command =>
  filtered(command)
    .option('--since <time>', 'only those made since: 90s, 15m, 2h, 3d, 1w ago, or a time of RFC 3339')
    .option('--until <time>', 'only those made until then')
    .option('--limit <number>', 'at most so many, the newest')

function listCommand(world: CliWorld): Command {
  const command = withTable(bounded(plainCommand('list')))
  return command
    .description('list decisions, the newest first; repeats of one are one line')
    .action((flags: ListFlags) => listDecisions(flags, strays(command), world))
}

function watchCommand(world: CliWorld): Command {
  const command = withTable(filtered(plainCommand('watch')))
  return command
    .description('show the last ten decisions, and more as they come')
    .action((flags: ListFlags) => watchDecisions(flags, strays(command), world))
}

function showCommand(world: CliWorld): Command {
  const command = withOutput(plainCommand('show'))
  return command
    .argument('[name]', 'the name of the record')
    .description('show one decision: who asked, which Actions were looked at, what was sent and answered')
    .action((name: string | undefined, flags: ShowFlags) => {
      const isName = name !== undefined && new RegExp(namePattern, 'u').test(name)
      const got = name === undefined || name.startsWith('-') ? 'nothing' : JSON.stringify(name)
      const problems = [
        ...strays(command, 1),
        ...(isName ? [] : [`show wants the name of a decision, got ${got}`]),
      ]
      return showDecision({ name: name ?? '', flags, problems }, world)
    })
}

const gather = (value: string, before: readonly string[]): readonly string[] => [...before, value]

function verifyCommand(world: CliWorld): Command {
  const command = plainCommand('verify')
  return command
    .description('check that no decision was removed or changed, and say what cannot be seen')
    .option('--audit-log <file>', 'an audit log of the API server, or - for stdin (repeatable)', gather, [])
    .option(
      '--key <key>',
      'a key that may sign, as a checkpoint of the audit log names it (repeatable)',
      gather,
      [],
    )
    .option('-o, --output <format>', 'table or json', 'table')
    .action((flags: VerifyFlags) => verifyDecisions(flags, strays(command), world))
}

function exportCommand(world: CliWorld): Command {
  const command = bounded(plainCommand('export'))
  return command
    .description('print decisions for a spreadsheet or a program')
    .option('-o, --output <format>', 'csv, ndjson or json', 'csv')
    .action((flags: ExportFlags) => exportDecisions(flags, strays(command), world))
}

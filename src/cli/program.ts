/** The command line: one file per command, put together here. */
import { Command, CommanderError } from 'commander'
import { actionsCommand } from './actions.ts'
import { cooldownsCommand } from './cooldowns.ts'
import { dashboardCommand } from './dashboard.ts'
import { decisionsCommand } from './decisions.ts'
import { helmValuesCommand } from './helm-values.ts'
import { holdsCommand } from './holds.ts'
import { planCommand } from './plan.ts'
import { pluginsCommand } from './plugins.ts'
import { preflightCommand } from './preflight.ts'
import { runsCommand } from './runs.ts'
import { serveCommand } from './serve.ts'
import { calledAs, sentenceOf, tellUsage } from './usage.ts'
import { uninstallCommand } from './uninstall.ts'
import { versionCommand } from './version.ts'
import type { CliWorld } from './world.ts'

const epilogue = `
Exit codes: 0 yes, 1 no (a refusal, a failed check), 2 usage, 3 the cluster could not be asked, 4 could not start.`

/** Commands that other builds of the program add (the sandbox is not in the production image). */
export type Extra = (world: CliWorld) => Command

/** The whole command line of the program. */
export function programOf(world: CliWorld, extras: readonly Extra[] = []): Command {
  const program = new Command(calledAs(world))
    .description(
      'Runs actions once before and after a Velero Backup or Restore, and refuses it when they fail.',
    )
    .version(world.version, '-V, --version', 'print the version')
    .addHelpText('after', epilogue)
  const commands = [
    serveCommand(world),
    planCommand(world),
    decisionsCommand(world),
    runsCommand(world),
    holdsCommand(world),
    actionsCommand(world),
    cooldownsCommand(world),
    dashboardCommand(world),
    helmValuesCommand(world),
    preflightCommand(world),
    pluginsCommand(world),
    uninstallCommand(world),
    versionCommand(world),
  ]
  for (const command of [...commands, ...extras.map((extra) => extra(world))]) program.addCommand(command)
  for (const command of [program, ...below(program)]) quieten(command, world)
  return program
}

/** Every command under this one. */
const below = ({ commands }: Command): readonly Command[] =>
  commands.flatMap((command) => [command, ...below(command)])

function quieten(command: Command, { stdout, stderr, columns }: CliWorld): void {
  // Errors are told below, in the words of every other one.
  const outputError = () => {}
  const helpWidth = columns?.() ?? 80
  command.exitOverride().configureOutput({
    writeOut: stdout,
    writeErr: stderr,
    outputError,
    getOutHelpWidth: () => helpWidth,
    getErrHelpWidth: () => helpWidth,
  })
}

/** Runs one command line. */
export async function run(
  args: readonly string[],
  world: CliWorld,
  extras: readonly Extra[] = [],
): Promise<void> {
  const program = programOf(world, extras)
  try {
    await program.parseAsync([...args], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    const help = ['commander.helpDisplayed', 'commander.help', 'commander.version'].includes(error.code)
    // Nothing was asked for: then help is an error.
    if (help) return world.exitCode(error.exitCode === 0 ? 0 : 2)
    const { command, path } = asked(program, args)
    const names = command.commands.map((one) => one.name())
    tellUsage(world, ['tidewaiter', ...path].join(' '), [sentenceOf(error, names)])
  }
}

/** The command that the first words of a command line name. */
function asked(
  command: Command,
  [word, ...rest]: readonly string[],
): { readonly command: Command; readonly path: readonly string[] } {
  const next = command.commands.find((one) => one.name() === word)
  if (next === undefined || word === undefined) return { command, path: [] }
  const found = asked(next, rest)
  return { command: found.command, path: [word, ...found.path] }
}

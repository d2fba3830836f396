/** The command line: one file per command, put together here. */
import { Command, CommanderError } from 'commander'
import { helmValuesCommand } from './helm-values.ts'
import { pluginsCommand } from './plugins.ts'
import { preflightCommand } from './preflight.ts'
import { serveCommand } from './serve.ts'
import { sentenceOf, tellUsage } from './usage.ts'
import { versionCommand } from './version.ts'
import type { CliWorld } from './world.ts'

const epilogue = `
Exit codes: 0 yes, 1 no (a refusal, a failed check), 2 usage, 3 the cluster could not be asked, 4 could not start.`

/** Commands that other builds of the program add (the sandbox is not in the production image). */
export type Extra = (world: CliWorld) => Command

/** Runs one command line. */
export async function run(
  args: readonly string[],
  world: CliWorld,
  extras: readonly Extra[] = [],
): Promise<void> {
  const program = new Command('tidewaiter')
    .description(
      'Runs actions once before and after a Velero Backup or Restore, and refuses it when they fail.',
    )
    .version(world.version, '-V, --version', 'print the version')
    .addHelpText('after', epilogue)
  const commands = [
    serveCommand(world),
    helmValuesCommand(world),
    preflightCommand(world),
    pluginsCommand(world),
    versionCommand(world),
  ]
  for (const command of [...commands, ...extras.map((extra) => extra(world))]) program.addCommand(command)
  for (const command of withInner(program)) {
    // Errors are told below, in the words of every other one.
    const outputError = () => {}
    command.exitOverride().configureOutput({ writeOut: world.stdout, writeErr: world.stderr, outputError })
  }
  try {
    await program.parseAsync([...args], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    const help = ['commander.helpDisplayed', 'commander.help', 'commander.version'].includes(error.code)
    // Nothing was asked for: then help is an error.
    if (help) return world.exitCode(error.exitCode === 0 ? 0 : 2)
    const { line, command } = meant(program, args)
    tellUsage(world, line, [sentenceOf(error, command.commands.map(nameOf))])
  }
}

const nameOf = (command: Command): string => command.name()

const withInner = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(withInner)]

/** The command that was meant, as far as it is there. */
function meant(
  outer: Command,
  [name, ...rest]: readonly string[],
): { readonly line: string; readonly command: Command } {
  const inner = outer.commands.find((command) => command.name() === name)
  if (inner === undefined) return { line: outer.name(), command: outer }
  const { line, command } = meant(inner, rest)
  return { line: `${outer.name()} ${line}`, command }
}

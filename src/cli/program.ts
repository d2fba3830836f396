/** The command line: one file per command, put together here. */
import { Command, CommanderError } from 'commander'
import { calledAs, sentenceOf, tellUsage } from './usage.ts'
import type { CliWorld } from './world.ts'

const epilogue = `
Exit codes: 0 yes, 1 no (a refusal, a failed check), 2 usage, 3 the cluster could not be asked, 4 could not start.`

/** Makes a command. */
export type MakeCommand = (world: CliWorld) => Command
/** Commands by name, each loaded when it is needed: what serves webhooks need not wait for what shows tables. */
export type Commands = Readonly<Record<string, () => Promise<MakeCommand>>>

/** In the order of the help. */
const own: Commands = {
  serve: async () => (await import('./serve.ts')).serveCommand,
  plan: async () => (await import('./plan.ts')).planCommand,
  decisions: async () => (await import('./decisions.ts')).decisionsCommand,
  runs: async () => (await import('./runs.ts')).runsCommand,
  holds: async () => (await import('./holds.ts')).holdsCommand,
  actions: async () => (await import('./actions.ts')).actionsCommand,
  cooldowns: async () => (await import('./cooldowns.ts')).cooldownsCommand,
  dashboard: async () => (await import('./dashboard.ts')).dashboardCommand,
  keys: async () => (await import('./keys.ts')).keysCommand,
  'helm-values': async () => (await import('./helm-values.ts')).helmValuesCommand,
  preflight: async () => (await import('./preflight.ts')).preflightCommand,
  plugins: async () => (await import('./plugins.ts')).pluginsCommand,
  uninstall: async () => (await import('./uninstall.ts')).uninstallCommand,
  version: async () => (await import('./version.ts')).versionCommand,
}

/**
 * The command line of the program: with the one command that the first word names, or with all of them. `extras`: commands that other builds
 * add (the sandbox is not in the production image).
 */
export async function programOf(world: CliWorld, extras: Commands = {}, word = ''): Promise<Command> {
  const program = new Command(calledAs(world))
    .description(
      'Runs actions once before and after a Velero Backup or Restore, and refuses it when they fail.',
    )
    .version(world.version, '-V, --version', 'print the version')
    .addHelpText('after', epilogue)
  const known: Commands = { ...own, ...extras }
  const wanted = Object.entries(known).filter(([name]) => !Object.hasOwn(known, word) || name === word)
  const makers = await Promise.all(wanted.map(([, load]) => load()))
  for (const make of makers) program.addCommand(make(world))
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
export async function run(args: readonly string[], world: CliWorld, extras: Commands = {}): Promise<void> {
  const program = await programOf(world, extras, args[0])
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

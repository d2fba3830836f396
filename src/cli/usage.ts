/** What is wrong with a command line, told alike by every command: what was wanted, what was got, what to do next. */
import type { Command, CommanderError } from 'commander'
import { nearest } from '../api/nearest.ts'
import type { CliWorld } from './world.ts'

/** Tells every problem of a command line, and ends with 2. `command` is what to ask for help. */
export function tellUsage(world: CliWorld, command: string, problems: readonly string[]): void {
  for (const problem of problems) world.stderr(`tidewaiter: ${problem}\n`)
  world.stderr(`Run \`${command} --help\` for what there is.\n`)
  world.exitCode(2)
}

/** Has a command take whatever it is given, so that `strays` can tell all of it and not only the first. */
export const takingAll = (command: Command): Command => command.allowUnknownOption().allowExcessArguments()

/** What was given to a command that it does not know; a word after an unknown option is taken for its value. */
export function strays(command: Command): readonly string[] {
  const known = command.options.flatMap(({ long }) => long ?? [])
  return command.args.flatMap((arg, i) => {
    if (arg.startsWith('-') && arg !== '-') return [unknownOption(arg, nameOf(command), known)]
    if (/^-[^=]*$/.test(command.args[i - 1] ?? '')) return []
    return [`${nameOf(command)} takes options only, got the word "${arg}"`]
  })
}

/** As it is typed: `serve`, `plugins list`. */
function nameOf(command: Command): string {
  const { parent } = command
  return parent === null || parent.parent === null ? command.name() : `${nameOf(parent)} ${command.name()}`
}

function unknownOption(arg: string, command: string, known: readonly string[]): string {
  const [name = arg] = arg.split('=')
  return `${name} is no option of ${command}${meant(nearest(name, known))}`
}

const meant = (name: string | undefined): string => (name === undefined ? '' : `: did you mean ${name}?`)

/** What the parser found, in our words. */
export function sentenceOf({ code, message }: CommanderError, commands: readonly string[]): string {
  const [, quoted = ''] = /'([^']*)'/.exec(message) ?? []
  if (code === 'commander.unknownCommand')
    return `${quoted} is no command${meant(nearest(quoted, commands)) || `: there is ${commands.join(', ')}`}`
  if (code === 'commander.optionMissingArgument') {
    const [, flag = quoted, value = 'a value'] = /(--[a-z-]+) <(.+)>/.exec(quoted) ?? []
    return `${flag} wants ${value}, got nothing`
  }
  return message.replace(/^error: /, '')
}

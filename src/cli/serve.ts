/** `tidewaiter serve`: the webhooks and the controller, until it is told to stop. */
import { Command, Option } from 'commander'
import { pino } from 'pino'
import { ConfigError, knobs, parseConfig, variableOf, type Knob } from '../config.ts'
import { startService } from '../service.ts'
import { StartError } from '../start-error.ts'
import { systemClock } from '../system-clock.ts'
import type { CliWorld } from './world.ts'

const gather = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  ...value.split(','),
]

function optionOf(knob: Knob): Option {
  const option = new Option(
    `--${knob.flag} <${knob.value}>`,
    `${knob.doc}${knob.fallback === '' ? '' : ` (default: ${knob.fallback})`} [${variableOf(knob.flag)}]`,
  )
  return knob.list === true ? option.argParser(gather) : option
}

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** The command. */
export function serveCommand(world: CliWorld): Command {
  const command = new Command('serve').description('run the admission webhooks and the controller')
  for (const knob of knobs) command.addOption(optionOf(knob))
  return command.action(async (flags: Readonly<Record<string, string | readonly string[] | undefined>>) => {
    const named = Object.fromEntries(Object.entries(flags).map(([name, value]) => [kebab(name), value]))
    await serve(named, world)
  })
}

async function serve(
  flags: Readonly<Record<string, string | readonly string[] | undefined>>,
  world: CliWorld,
): Promise<void> {
  const asked = new AbortController()
  // Hooked before the start: whoever stops a process that is just starting is heard too.
  world.onStop(() => asked.abort(new Error('asked to stop')))
  try {
    const config = parseConfig(flags, world.env)
    const log = pino({
      level: config.logLevel,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    })
    const service = await startService(config, {
      clock: systemClock,
      log,
      env: world.env,
      version: world.version,
      hostname: world.hostname,
      stop: asked.signal,
    })
    await aborted(asked.signal)
    await service.stop()
    world.exitCode(0)
  } catch (error) {
    if (asked.signal.aborted) return
    world.exitCode(codeOf(error))
    world.stderr(`tidewaiter: ${error instanceof Error ? error.message : String(error)}\n`)
    if (codeOf(error) === 2) world.stderr('Run `tidewaiter serve --help` for the flags.\n')
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function codeOf(error: unknown): number {
  if (error instanceof ConfigError) return 2
  return error instanceof StartError ? error.exitCode : 4
}

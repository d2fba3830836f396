/** `tidewaiter serve`: the webhooks and the controller, until it is told to stop. */
import { Command, Option } from 'commander'
import { pino } from 'pino'
import { ConfigError, knownVariables, parseConfig, type Config, type Flags } from '../config.ts'
import { egressProblems } from '../core/egress.ts'
import { knobs, variableOf, type Knob } from '../knobs.ts'
import { parseAddress } from '../net/address.ts'
import { startService } from '../service.ts'
import { StartError } from '../start-error.ts'
import { systemClock } from '../system-clock.ts'
import { aborted } from '../until.ts'
import { logForm } from './log-form.ts'
import { unknownVariables } from './unknown-variables.ts'
import { strays, takingAll, tellUsage } from './usage.ts'
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
  const command = takingAll(new Command('serve')).description('run the admission webhooks and the controller')
  for (const knob of knobs) command.addOption(optionOf(knob))
  return command.action(async (flags: Flags) => {
    const named = Object.fromEntries(Object.entries(flags).map(([name, value]) => [kebab(name), value]))
    const configured = configure(named, strays(command), world)
    const ignored = unknownVariables(world.env, knownVariables)
    if ('config' in configured) await serve(configured.config, ignored, world)
    else tellUsage(world, 'tidewaiter serve', [...configured.problems, ...ignored])
  })
}

type Configured = { readonly config: Config } | { readonly problems: readonly string[] }

/** The configuration, or everything that is wrong with it: one round mends all. */
function configure(flags: Flags, unknown: readonly string[], world: CliWorld): Configured {
  try {
    const config = parseConfig(flags, world.env, (read) => [
      ...egressProblems(
        { allow: read.egressAllow, only: read.egressOnly, proxyFor: read.egressProxyFor },
        parseAddress,
      ),
      ...unknown,
    ])
    return { config }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { problems: error.problems }
  }
}

async function serve(config: Config, ignored: readonly string[], world: CliWorld): Promise<void> {
  const asked = new AbortController()
  // Hooked before the start: whoever stops a process that is just starting is heard too.
  world.onStop(() => asked.abort(new Error('asked to stop')))
  try {
    const log = pino({ ...logForm, level: config.logLevel })
    // Only told: a variable of a newer version must not keep an older one from starting.
    for (const sentence of ignored) log.warn({}, sentence)
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
    const said = error instanceof Error ? error.message : String(error)
    if (codeOf(error) === 2) return tellUsage(world, 'tidewaiter serve', [said])
    world.exitCode(codeOf(error))
    world.stderr(`tidewaiter: ${said}\n`)
  }
}

const codeOf = (error: unknown): number => (error instanceof StartError ? error.exitCode : 4)

/** What the harness may be told. */
import { existsSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { firstStart } from './first-starts.ts'
import { scenarios } from './scenarios.ts'

/** Where plans that went wrong are kept, and the log of the service. */
export const folder = '.crash'

/** What was covered, for `--continue`. */
export const bookFile = `${folder}/covered.json`

/** The file of one plan, by its name: `SEED/RUN`. */
export const planFile = (name: string): string => `${folder}/${name.replace('/', '-')}.json`

/** How it is called. */
export const usage = `usage: npm run crash -- [OPTIONS]

  --runs N            how many objects meet their faults (1000), after what first starts meet
  --minutes N         none begins after this (6); first starts have a third of it
  --seed N            decides about the faults at random (1)
  --lanes N           of each scenario so many at once (2)
  --replicas N        processes of the service (2)
  --speed N           how many times as fast as on the wall time passes (5; 2 on a busy machine)
  --traces N          clean runs of each lane before the first fault (2)
  --scenarios REGEXP  only these scenarios; first-start is a new install in a cluster of its own
  --sites REGEXP      faults only at these call sites
  --faults REGEXP     only these faults
  --replay SEED/RUN   the plan of that run again, until it goes wrong, twenty times at most
  --until-wrong       ends with the first that is wrong
  --continue          counts as covered what earlier runs of the same code covered, and tries what they did not reach
  --whole             what clean traces show must be covered, all of it: else it is not well
  --verbose           tells each run
  --help

Exit code: 0 all is as it must be, 1 it is not, 2 these options cannot be understood, 130 it was stopped.`

const [load = 0] = loadavg()
// Where others keep the machine busy leases would run out: there time passes more slowly.
const usualSpeed = load > 2 * availableParallelism() ? '2' : '5'
const options = {
  runs: { type: 'string', default: '1000' },
  seed: { type: 'string', default: '1' },
  minutes: { type: 'string', default: '6' },
  lanes: { type: 'string', default: '2' },
  speed: { type: 'string', default: usualSpeed },
  replicas: { type: 'string', default: '2' },
  traces: { type: 'string', default: '2' },
  scenarios: { type: 'string', default: '' },
  sites: { type: 'string', default: '' },
  faults: { type: 'string', default: '' },
  replay: { type: 'string' },
  'until-wrong': { type: 'boolean', default: false },
  continue: { type: 'boolean', default: false },
  whole: { type: 'boolean', default: false },
  verbose: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

/** Numbers, and the most that makes sense: each process and each lane takes memory. */
const numbers = {
  runs: 1_000_000,
  seed: 999_999_999,
  minutes: 1440,
  lanes: 16,
  speed: 20,
  replicas: 8,
  traces: 100,
} as const
const patterns = ['scenarios', 'sites', 'faults'] as const

type Values = ReturnType<typeof valuesOf>
type Numbers = { readonly [Name in keyof typeof numbers]: number }
type Patterns = { readonly [Name in (typeof patterns)[number]]: RegExp }

/** How much, and how. */
export type CrashOptions = Numbers &
  Patterns & {
    readonly replay: string | undefined
    readonly untilWrong: boolean
    readonly goesOn: boolean
    readonly whole: boolean
    readonly verbose: boolean
  }

/** Reads the arguments. */
export function parsed(
  args: readonly string[],
): CrashOptions | { readonly help: true } | { readonly problem: string } {
  try {
    const values = valuesOf(args)
    return values.help ? { help: true } : { ...read(values), ...patternsOf(values) }
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
}

const valuesOf = (args: readonly string[]) => parseArgs({ args: [...args], options }).values

function read(values: Values) {
  const found = Object.entries(numbers).map(([name, most]) => {
    const text = values[name as keyof typeof numbers]
    if (!/^[1-9]\d{0,8}$/.test(text) || Number(text) > most)
      throw new RangeError(`--${name} must be a whole number from 1 to ${most}, got "${text}"`)
    return [name, Number(text)]
  })
  const { replay, verbose, whole } = values
  if (replay !== undefined && !existsSync(planFile(replay)))
    throw new RangeError(
      `--replay must be SEED/RUN of a run that went wrong here, got "${replay}": there is no ${planFile(replay)}`,
    )
  const { 'until-wrong': untilWrong, continue: goesOn } = values
  return { ...(Object.fromEntries(found) as Numbers), replay, untilWrong, goesOn, whole, verbose }
}

function patternsOf(values: Values): Patterns {
  const found = patterns.map((name) => {
    try {
      return [name, new RegExp(values[name])]
    } catch (error) {
      throw new SyntaxError(`--${name} must be a regular expression: ${String(error)}`, { cause: error })
    }
  })
  const all = Object.fromEntries(found) as Patterns
  const names = [firstStart, ...scenarios.map(({ name }) => name)]
  if (!names.some((name) => all.scenarios.test(name)))
    throw new RangeError(`--scenarios must match one of: ${names.join(', ')}, got "${values.scenarios}"`)
  return all
}

/** What a soak may be told. */
import { parseArgs } from 'node:util'

/** How much, and how. */
export type SoakOptions = {
  readonly backups: number
  readonly lanes: number
  readonly seed: number
  readonly minutes: number
  /** Where logs and profiles go. */
  readonly dir: string
  readonly profile: boolean
}

/** How it is called. */
export const usage = `usage: npm run soak -- [OPTIONS]

  --backups N    how many Backups are created in all (100000)
  --lanes N      how many of them are under way at once (16); a lane of Restores comes with them
  --seed N       which kind of Backup comes when (1)
  --minutes N    no Backup begins after this (600)
  --dir FOLDER   where logs and profiles go (.soak)
  --profile      writes profiles of processor time, for the service and for the API server with Velero
  --help

Exit code: 0 all is as it must be, 1 it is not, 2 these options cannot be understood, 130 it was stopped.`

const options = {
  backups: { type: 'string', default: '100000' },
  lanes: { type: 'string', default: '16' },
  seed: { type: 'string', default: '1' },
  minutes: { type: 'string', default: '600' },
  dir: { type: 'string', default: '.soak' },
  profile: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

const numbers = ['backups', 'lanes', 'seed', 'minutes'] as const
/** As many lanes there may be: the API server and Velero work on so many at once. */
export const mostLanes = 64

/** Reads the arguments. */
export function parsed(
  args: readonly string[],
): SoakOptions | { readonly help: true } | { readonly problem: string } {
  let values: ReturnType<typeof valuesOf>
  try {
    values = valuesOf(args)
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
  if (values.help) return { help: true }
  for (const name of numbers)
    if (!/^[1-9]\d{0,8}$/.test(values[name]))
      return { problem: `--${name} must be a whole number from 1 on, got "${values[name]}"` }
  const [backups, lanes, seed, minutes] = numbers.map((name) => Number(values[name]))
  const { dir, profile } = values
  if ((lanes ?? 0) > mostLanes) return { problem: `--lanes must be at most ${mostLanes}, got ${lanes}` }
  return { backups: backups ?? 1, lanes: lanes ?? 1, seed: seed ?? 1, minutes: minutes ?? 1, dir, profile }
}

const valuesOf = (args: readonly string[]) => parseArgs({ args: [...args], options }).values

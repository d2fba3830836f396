/** Runs the harness of a copy of the service where bugs are looked for. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { Where } from './bug.ts'
import { wrongIn, type Told } from './verdict.ts'

// A bug may make an object wait for an end that never comes: that takes a minute, and longer on a busy machine.
const longestMs = 6 * 60_000
const much = ['--seed=1', '--lanes=2', '--traces=1', '--runs=80', '--minutes=3', '--until-wrong']

/** The options of the harness that say where; they name the place. */
export const optionsOf = ({ scenarios, sites, faults }: Where): readonly string[] => [
  `--scenarios=${scenarios}`,
  `--sites=${sites}`,
  `--faults=${faults}`,
]

/** Runs it until something is wrong, or enough was tried. */
export async function look(folder: string, where: Where): Promise<Told> {
  const child = spawn(process.execPath, ['test/crash/main.ts', ...optionsOf(where), ...much], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: longestMs,
  })
  const end = (): void => void child.kill()
  process.once('exit', end)
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  process.off('exit', end)
  return { code, wrong: wrongIn(out), last: `${out}${err}`.slice(-600) }
}

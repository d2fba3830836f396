/** What a preflight found, for people and for programs. */
import { standingOf } from '../core/plugin/findings.ts'
import { tallyOf, type PreflightCheck, type Tally } from '../core/plugin/preflight.ts'
import { painter, type Colour } from './colour.ts'
import type { PreflightFound } from './preflight-run.ts'
import { table } from './table.ts'
import type { CliWorld } from './world.ts'

/** Prints it, and sets the exit code. */
export function tellPreflight(found: PreflightFound, output: string, world: CliWorld): void {
  const tally = tallyOf(found.checks)
  const ok = tally.no === 0 && tally.unknown === 0
  if (output === 'json') world.stdout(`${JSON.stringify(asJson(found, ok), null, 2)}\n`)
  else {
    for (const warning of found.warnings) world.stderr(`tidewaiter: warning: ${warning}\n`)
    if (found.checks.length > 0) world.stdout(inTable(found.checks, world))
    world.stderr(`tidewaiter: ${summary(tally)}\n`)
  }
  world.exitCode(ok ? 0 : 1)
}

const statuses = (ok: boolean | undefined): string => (ok === undefined ? 'Unknown' : ok ? 'True' : 'False')

const asJson = ({ checks, findings, warnings }: PreflightFound, ok: boolean): object => ({
  ok,
  checks: checks.map(({ subject, check, ok: held, reason, message }) => ({
    subject,
    check,
    status: statuses(held),
    reason,
    message,
  })),
  plugins: findings.map((one) => ({
    name: one.plugin.name,
    declaredIn: one.plugin.declaredIn,
    image: one.plugin.image,
    enforcement: one.plugin.enforcement,
    standing: standingOf(one),
    ...(one.digest === undefined ? {} : { digest: one.digest }),
  })),
  warnings,
})

const words = (ok: boolean | undefined): string => (ok === undefined ? '?' : ok ? 'yes' : 'no')
const colours: Readonly<Record<string, Colour>> = { yes: 'green', no: 'red', '?': 'yellow' }
const resultColumn = 2

function inTable(checks: readonly PreflightCheck[], world: CliWorld): string {
  const paint = painter(world)
  const rows = checks.map(({ subject, check, ok, reason, message }) => [
    subject.kind === 'File' ? subject.name : `${subject.kind.toLowerCase()} ${subject.name}`,
    check,
    words(ok),
    reason,
    // A row is a line.
    message.replaceAll(/\s+/gu, ' '),
  ])
  return table(['SUBJECT', 'CHECK', 'RESULT', 'REASON', 'MESSAGE'], rows, (cell, column) => {
    const colour = column === resultColumn ? colours[cell.trim()] : undefined
    return colour === undefined ? cell : paint(cell, colour)
  })
}

function summary({ yes, no, unknown }: Tally): string {
  const all = yes + no + unknown
  if (no === 0 && unknown === 0) return all === 0 ? 'nothing had to be checked' : `all ${all} checks say yes`
  return `of ${all} checks ${yes} say yes, ${no} no, and ${unknown} could not be decided: mend what is said, and run again`
}

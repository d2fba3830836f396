/** What a preflight found, for people and for programs. */
import { standingOf } from '../core/plugin/findings.ts'
import { tallyOf, type PreflightCheck, type Tally } from '../core/plugin/preflight.ts'
import { asJson } from './output.ts'
import { plain } from './plain.ts'
import type { PreflightFound } from './preflight-run.ts'
import { screenOf, type Tone } from './screen.ts'
import { table, type Column } from './table.ts'
import type { CliWorld } from './world.ts'

/** Prints it, and sets the exit code. */
export function tellPreflight(found: PreflightFound, output: string, world: CliWorld): void {
  const tally = tallyOf(found.checks)
  const ok = tally.no === 0 && tally.unknown === 0
  if (output === 'json') world.stdout(asJson(valueOf(found, ok)))
  else {
    for (const warning of found.warnings) world.stderr(`tidewaiter: warning: ${plain(warning)}\n`)
    if (found.checks.length > 0) world.stdout(inTable(found.checks, world))
    world.stderr(`tidewaiter: ${summary(tally)}\n`)
  }
  world.exitCode(ok ? 0 : 1)
}

const statuses = (ok: boolean | undefined): string => (ok === undefined ? 'Unknown' : ok ? 'True' : 'False')

const valueOf = ({ checks, findings, warnings }: PreflightFound, ok: boolean): object => ({
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
const tones: Readonly<Record<string, Tone>> = { yes: 'good', no: 'bad', '?': 'warn' }

const columns: readonly Column<PreflightCheck>[] = [
  {
    head: 'SUBJECT',
    cell: ({ subject }) =>
      subject.kind === 'File' ? subject.name : `${subject.kind.toLowerCase()} ${subject.name}`,
  },
  { head: 'CHECK', cell: ({ check }) => check },
  { head: 'RESULT', cell: ({ ok }) => words(ok), tone: ({ ok }) => tones[words(ok)] },
  { head: 'REASON', cell: ({ reason }) => reason, spare: true },
  // A row is a line, but on a terminal what is to be done is never cut off.
  { head: 'MESSAGE', cell: ({ message }) => message.replaceAll(/\s+/gu, ' '), whole: true },
]

const inTable = (checks: readonly PreflightCheck[], world: CliWorld): string =>
  table(columns, checks, { screen: screenOf(world), headers: true, wide: false })

function summary({ yes, no, unknown }: Tally): string {
  const all = yes + no + unknown
  if (no === 0 && unknown === 0) return all === 0 ? 'nothing had to be checked' : `all ${all} checks say yes`
  return `of ${all} checks ${yes} say yes, ${no} no, and ${unknown} could not be decided: mend what is said, and run again`
}

/** `tidewaiter decisions verify`: whether the records are as they were written, and what that check cannot see. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { auditedIn, type Audited } from '../core/decision/audit-log.ts'
import type { Finding } from '../core/decision/finding.ts'
import { verify, type Report } from '../core/decision/verify.ts'
import { StartError } from '../start-error.ts'
import { hash, isSignedBy } from '../wiring/crypto.ts'
import { inCluster, type ClusterFlags } from './cluster.ts'
import { clockOf } from './command.ts'
import { findDecisions } from './found-decisions.ts'
import { asJson } from './output.ts'
import { screenOf } from './screen.ts'
import { sheet } from './sheet.ts'
import { tellUsage } from './usage.ts'
import type { CliWorld } from './world.ts'

/** Its flags. */
export type VerifyFlags = ClusterFlags & {
  readonly auditLog: readonly string[]
  readonly key: readonly string[]
  readonly output: string
}

/** Checks, or tells what is wrong with the flags; `problems` are those that were found already. Ends with 1 if something is wrong. */
export async function verifyDecisions(
  flags: VerifyFlags,
  problems: readonly string[],
  world: CliWorld,
): Promise<void> {
  const all = [...problems, ...flagProblems(flags)]
  if (all.length > 0) return tellUsage(world, 'tidewaiter decisions verify', all)
  await inCluster(flags, world, async (cluster) => {
    // The records first: what the log has beyond them came later, and is too young to be missed.
    const found = await findDecisions(cluster, flags.namespace)
    const audited = flags.auditLog.length === 0 ? undefined : await readLogs(flags.auditLog, world)
    const report = verify({
      namespace: flags.namespace,
      records: found.flatMap(({ record }) => record ?? []),
      unreadable: found.flatMap(({ record, name, problem }) =>
        record === undefined ? [{ name, problem }] : [],
      ),
      audited,
      keys: flags.key,
      now: clockOf(world).now(),
      crypto: { hash, isSignedBy },
    })
    world.stdout(flags.output === 'json' ? asJson(report) : told(report, world))
    world.exitCode(report.isIntact ? 0 : 1)
  })
}

const flagProblems = ({ auditLog, key, output }: VerifyFlags): readonly string[] => [
  ...(['table', 'json'].includes(output) ? [] : [`-o must be table or json, got "${output}"`]),
  ...key
    .filter((one) => !/^[\w-]{43}$/.test(one))
    .map((one) => `--key must be 43 characters of base64url, as spec.key of a record, got "${one}"`),
  ...(auditLog.filter((file) => file === '-').length > 1
    ? ['--audit-log - must be given once: stdin is read to its end']
    : []),
]

// An event that carries whole objects has a few MiB at most.
const longestLine = 16 * 1024 * 1024

async function readLogs(files: readonly string[], world: CliWorld): Promise<readonly Audited[]> {
  const audited: Audited[] = []
  for (const file of files) {
    const input = file === '-' ? Readable.from(world.stdin()) : createReadStream(file)
    try {
      for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
        // Most of a log is about others.
        if (!line.includes('.tidewaiter.io/') || line.length > longestLine) continue
        audited.push(...auditedIn(jsonIn(line)))
      }
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new StartError(4, `--audit-log must name a file that can be read, got ${file}: ${why}`, { cause })
    }
  }
  return audited
}

function jsonIn(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    // The end of a log that is being written, or of one that was cut.
    return undefined
  }
}

const many = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

function told(report: Report, world: CliWorld): string {
  const screen = screenOf(world)
  const { records, decisions, replicas, keys, findings, isIntact } = report
  const toned = ({ sort, code, about, message }: Finding) =>
    [code, `${about}: ${message}`, sort === 'wrong' ? 'bad' : undefined] as const
  const part = (title: string, sort: Finding['sort']) => {
    const those = findings.filter((one) => one.sort === sort)
    return those.length === 0
      ? ''
      : `\n${screen.paint(title, 'bold')}\n${sheet(those.map(toned), screen, '  ')}`
  }
  return [
    sheet(
      [
        [
          'Verified',
          `${many(decisions, 'decision')} in ${many(records, 'record')} of ${many(replicas, 'replica')}`,
        ],
        ['Signed by', keys.join(', ')],
        [
          'Result',
          isIntact ? 'nothing was removed or changed, as far as can be seen' : 'not intact',
          isIntact ? 'good' : 'bad',
        ],
      ],
      screen,
    ),
    part('Wrong', 'wrong'),
    part('Cannot be seen', 'unseen'),
  ].join('')
}

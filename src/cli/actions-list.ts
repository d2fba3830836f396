/** `tidewaiter actions list`: whether each can run, when it does, and how it did. */
import { stages, type Action, type Stage } from '../api/action.ts'
import { parseAction } from '../api/parse.ts'
import { sentenceOf } from '../api/problems.ts'
import { callOf } from '../core/calls.ts'
import { compareNames } from '../core/order.ts'
import { recordKey, recordsOf, type ActionRecord } from '../core/record.ts'
import { textAt, type Json } from '../core/velero.ts'
import { isKubeError } from '../kube/errors.ts'
import type { Reached } from '../wiring/reach.ts'
import { acceptedOf, type Accepted } from './accepted.ts'
import { inCluster, type ClusterFlags } from './cluster.ts'
import { clockOf } from './command.ts'
import { findRuns } from './found-runs.ts'
import { asJson, asYaml, outputProblems, type TableFlags } from './output.ts'
import { toneOfPhase } from './phases.ts'
import { plain } from './plain.ts'
import { screenOf, type Tone } from './screen.ts'
import { table, type Column } from './table.ts'
import { calledAs, tellUsage } from './usage.ts'
import { agoOf } from './when.ts'
import type { CliWorld } from './world.ts'

/** Its flags. */
export type ActionsFlags = ClusterFlags & TableFlags & { readonly allNamespaces: boolean | undefined }

/** One Action as it is listed; what is not known is absent. */
type Listed = Accepted & {
  readonly namespace: string
  readonly name: string
  readonly stage?: Stage | undefined
  /** Its place among the Actions of its stage, from 1. */
  readonly order?: number | undefined
  /** How a pre stage waits for it: Auto, Refuse or Hold. */
  readonly mode?: string | undefined
  readonly timeoutSeconds?: number | undefined
  readonly onError?: string | undefined
  readonly calls?: string | undefined
  readonly lastRunTimestamp?: string | undefined
  readonly lastResult?: string | undefined
  /** By the runs that are kept. */
  readonly succeeded?: number | undefined
  readonly ended?: number | undefined
}

/** Lists, or tells what is wrong with the flags; `problems` are those that were found already. */
export async function actionsListed(
  flags: ActionsFlags,
  problems: readonly string[],
  world: CliWorld,
): Promise<void> {
  const all = [...problems, ...outputProblems(flags)]
  if (all.length > 0) return tellUsage(world, 'tidewaiter actions list', all)
  await inCluster(flags, world, async (cluster) => {
    const namespace = flags.allNamespaces === true ? undefined : flags.namespace
    const { items } = await cluster.calls.own('actions', namespace).list()
    const records = await recordsIn(cluster, namespace, world)
    const listed = inOrder(items.map((raw) => listedOf(raw, records)))
    world.stdout(written(listed, flags, world))
    if (listed.length === 0) {
      const where = namespace === undefined ? 'in any namespace' : `in namespace ${namespace} (-n, -A)`
      world.stderr(
        `No Actions ${where}: every Backup and Restore starts as without tidewaiter. Examples: docs/expressions.md\n`,
      )
    }
    if (['table', 'wide'].includes(flags.output)) tellWaiting(listed, world)
    world.exitCode(0)
  })
}

/** What is not run until somebody adopts it must not be one word in a column. */
function tellWaiting(listed: readonly Listed[], world: CliWorld): void {
  const waiting = listed.filter(({ reason }) => reason === 'Unadopted')
  for (const namespace of new Set(waiting.map((one) => one.namespace))) {
    const names = waiting.filter((one) => one.namespace === namespace).map(({ name }) => name)
    const [what, them] = names.length === 1 ? ['1 Action is', 'it'] : [`${names.length} Actions are`, 'them']
    world.stderr(
      plain(
        `${what} not run until somebody adopts ${them}: ${calledAs(world)} actions adopt -n ${namespace} ${names.join(' ')}`,
      ) + '\n',
    )
  }
}

/** Who may see Actions and no runs sees Actions. */
async function recordsIn(
  cluster: Reached,
  namespace: string | undefined,
  world: CliWorld,
): Promise<ReadonlyMap<string, ActionRecord> | undefined> {
  try {
    const runs = await findRuns(cluster, { namespace, whole: false })
    return recordsOf(runs.flatMap(({ run }) => run ?? []))
  } catch (error) {
    if (!isKubeError(error)) throw error
    world.stderr(`tidewaiter: warning: how often they succeed is not known: ${plain(error.message)}\n`)
    return undefined
  }
}

function listedOf(raw: Json, records: ReadonlyMap<string, ActionRecord> | undefined): Listed {
  const namespace = textAt(raw, 'metadata', 'namespace')
  const name = textAt(raw, 'metadata', 'name')
  const record = records?.get(recordKey(namespace, name))
  const known = records === undefined ? {} : { succeeded: record?.succeeded ?? 0, ended: record?.ended ?? 0 }
  const parsed = parseAction(raw)
  if ('ok' in parsed) return { namespace, name, ...known, ...sayingOf(parsed.ok, raw, record) }
  const message = parsed.problems.map(sentenceOf).join('; ')
  return { namespace, name, accepted: 'False', reason: 'Invalid', message, ...known }
}

type Saying = Omit<Listed, 'namespace' | 'name' | 'succeeded' | 'ended'>

function sayingOf(action: Action, raw: Json, record: ActionRecord | undefined): Saying {
  const { spec, status } = action
  return {
    stage: spec.stage,
    ...acceptedOf(raw),
    ...(spec.stage.startsWith('Pre') ? { mode: spec.mode } : {}),
    timeoutSeconds: spec.timeoutSeconds,
    onError: spec.onError,
    calls: callOf(spec),
    lastRunTimestamp: record?.lastAt ?? status?.lastRunTimestamp,
    lastResult: record?.lastResult ?? status?.lastResult,
  }
}

/** By namespace and stage, then in the order in which they run. */
function inOrder(all: readonly Listed[]): readonly Listed[] {
  const rank = ({ stage }: Listed) => (stage === undefined ? stages.length : stages.indexOf(stage))
  const sorted = [...all].sort(
    (a, b) => compareNames(a.namespace, b.namespace) || rank(a) - rank(b) || compareNames(a.name, b.name),
  )
  let order = 0
  return sorted.map((one, i) => {
    const before = sorted[i - 1]
    order = before?.stage === one.stage && before?.namespace === one.namespace ? order + 1 : 1
    return one.stage === undefined ? one : { ...one, order }
  })
}

function written(listed: readonly Listed[], flags: ActionsFlags, world: CliWorld): string {
  switch (flags.output) {
    case 'json':
      return asJson({ items: listed })
    case 'yaml':
      return asYaml({ items: listed })
    case 'name':
      return listed.map(({ name }) => `action.tidewaiter.io/${name}\n`).join('')
    default: {
      if (listed.length === 0) return ''
      const style = { screen: screenOf(world), headers: flags.headers, wide: flags.output === 'wide' }
      return table(columns(flags.allNamespaces === true, clockOf(world).now()), listed, style)
    }
  }
}

const columns = (isOfAll: boolean, now: number): readonly Column<Listed>[] => [
  ...(isOfAll ? [{ head: 'NAMESPACE', cell: ({ namespace }: Listed) => namespace }] : []),
  { head: 'STAGE', cell: ({ stage }) => stage ?? '-', spare: true },
  { head: 'ORDER', cell: ({ order }) => String(order ?? '-'), spare: true },
  { head: 'NAME', cell: ({ name }) => name, whole: true },
  { head: 'ACCEPTED', cell: acceptedText, tone: acceptedTone },
  {
    head: 'LAST-RESULT',
    cell: ({ lastResult }) => lastResult ?? '-',
    tone: ({ lastResult }) => toneOfPhase(lastResult ?? ''),
  },
  { head: 'LAST-RUN', cell: ({ lastRunTimestamp }) => agoOf(lastRunTimestamp, now), spare: true },
  { head: 'SUCCESS', cell: rateOf, spare: true },
  { head: 'MODE', cell: ({ mode }) => mode ?? '-', wide: true, spare: true },
  {
    head: 'TIMEOUT',
    cell: ({ timeoutSeconds: s }) => (s === undefined ? '-' : `${s}s`),
    wide: true,
    spare: true,
  },
  { head: 'ON-ERROR', cell: ({ onError }) => onError ?? '-', wide: true, spare: true },
  { head: 'CALLS', cell: ({ calls }) => calls ?? '-', wide: true, spare: true },
  { head: 'MESSAGE', cell: ({ message }) => message || '-', wide: true, spare: true },
]

const acceptedText = ({ accepted, reason }: Listed): string => (accepted === 'True' ? 'True' : reason)

function acceptedTone({ accepted, reason }: Listed): Tone | undefined {
  if (accepted === 'True') return 'good'
  return reason === 'Suspended' ? 'dim' : reason === 'NotSeenYet' ? 'warn' : 'bad'
}

function rateOf({ succeeded, ended }: Listed): string {
  if (succeeded === undefined || ended === undefined || ended === 0) return '-'
  return `${Math.floor((100 * succeeded) / ended)}% of ${ended}`
}

/** What `tidewaiter plan` does: reads files, foresees each object, prints, and says yes or no. */
import { foresee } from '../admission/foresee.ts'
import type { ForesightPorts } from '../admission/gate-ports.ts'
import { createCel, type Cel } from '../cel/cel.ts'
import type { RequestUser } from '../core/admission-request.ts'
import { readKeySet, type OutputsKey } from '../core/exported/keys.ts'
import { textAt } from '../core/velero.ts'
import { parsePem } from '../net/pem.ts'
import type { LocatedProblem } from '../plugins/collect.ts'
import { clusterForesight, offlineForesight, type ForesightWorld } from '../wiring/foresight.ts'
import { digest } from '../wiring/exported.ts'
import { keysFor, keysPublishedIn, usualPlaces } from '../wiring/found-keys.ts'
import { readTrustedKeys } from '../wiring/trusted-keys.ts'
import { StartError } from '../start-error.ts'
import type { Reached } from '../wiring/reach.ts'
import { createAccessReview } from '../kube/access-review.ts'
import { inCluster, type ClusterFlags } from './cluster.ts'
import { clockOf, logTo, untilStopped } from './command.ts'
import { readInputs } from './input-files.ts'
import { asJson, asYaml, outputProblems, type OutputFlags } from './output.ts'
import { plain } from './plain.ts'
import {
  actionsIn,
  documentsOf,
  isAction,
  isSubject,
  subjectProblems,
  type Located,
} from './plan-documents.ts'
import { fieldDoubts, wrongFields } from './plan-fields.ts'
import { nowOf, type NowPorts } from './plan-now.ts'
import { probe, type ProbePorts } from './plan-probe.ts'
import { isSoundNow, reportOf, type Report } from './plan-report.ts'
import { subjectOf } from './plan-subject.ts'
import { planText } from './plan-text.ts'
import { screenOf } from './screen.ts'
import { tellUsage } from './usage.ts'
import { nowPorts, probePorts } from './plan-world.ts'
import { whoAmI } from './who-am-i.ts'
import type { CliWorld } from './world.ts'

/** Its flags. */
export type PlanFlags = ClusterFlags &
  OutputFlags & {
    readonly filename: readonly string[]
    readonly actions: readonly string[]
    readonly trustedKeys: readonly string[]
    readonly probe: boolean
  }

/** Plans, or tells what is wrong with the flags; `problems` are those that were found already. */
export async function plan(flags: PlanFlags, problems: readonly string[], world: CliWorld): Promise<void> {
  const all = [...problems, ...outputProblems(flags), ...flagProblems(flags)]
  if (all.length > 0) return tellUsage(world, 'tidewaiter plan', all)
  if (flags.actions.length === 0)
    return inCluster(flags, world, async (cluster, signal) =>
      planInCluster(cluster, { flags, world, signal }),
    )
  return untilStopped(world, (signal) => planOffline({ flags, world, signal }))
}

const flagProblems = ({ filename, actions }: PlanFlags): readonly string[] => [
  ...(filename.length === 0 ? ['-f must name a file, a folder, or - for stdin, got nothing'] : []),
  ...([...filename, ...actions].filter((name) => name === '-').length > 1
    ? ['- must be given once: stdin is read to its end']
    : []),
]

type Task = { readonly flags: PlanFlags; readonly world: CliWorld; readonly signal: AbortSignal }

async function planOffline(task: Task): Promise<void> {
  const { flags, world } = task
  const given = await givenIn([...flags.filename, ...flags.actions], task)
  const cel = createCel()
  const tools = { checkExpression: cel.check, unknownFields: cel.unknownFields, parsePem }
  const { actions, problems, doubts } = actionsIn(given.all, tools)
  for (const { file, line, message } of [...doubts, ...given.subjects.flatMap(fieldDoubts)])
    world.stderr(`${plain(`${file}:${line}: warning: ${message}`)}\n`)
  const wrong = [...given.problems, ...problems]
  if (wrong.length > 0) return refuse(wrong, world)
  const trusted = await keysIn(flags.trustedKeys)
  const ports = offlineForesight(actions, worldOf(cel, { given, trusted }, world))
  await planAll(given.subjects, task, {
    ports,
    user: { username: 'this user', groups: [], extra: {} },
    knowsSkips: false,
    probes: probePorts(task.world, task.signal),
    now: undefined,
  })
}

async function planInCluster(cluster: Reached, task: Task): Promise<void> {
  const { flags, world, signal } = task
  const given = await givenIn(flags.filename, task)
  if (given.problems.length > 0) return refuse(given.problems, world)
  const ignored = given.all.filter(isAction).length
  if (ignored > 0)
    world.stderr(
      `tidewaiter: warning: ${ignored} Actions of the files are not looked at, those of the cluster are; for files give --actions\n`,
    )
  const wrong = await wrongFields(given.subjects, cluster, task)
  if (wrong.length > 0) return refuse(wrong, world)
  const review = createAccessReview({ client: cluster.client, clock: clockOf(world) })
  const trusted = [...(await keysIn(flags.trustedKeys)), ...(await publishedFor(given.subjects, cluster))]
  const ports = clusterForesight(
    { calls: cluster.calls, review },
    worldOf(createCel(), { given, trusted }, world),
  )
  await planAll(given.subjects, task, {
    ports,
    user: await whoAmI(cluster),
    knowsSkips: true,
    probes: probePorts(world, signal, { calls: cluster.calls, review }),
    now: nowPorts(world, signal, { ...cluster, review }),
  })
}

type Given = {
  readonly all: readonly Located[]
  readonly subjects: readonly Located[]
  readonly problems: readonly LocatedProblem[]
}

async function givenIn(paths: readonly string[], { flags, world }: Task): Promise<Given> {
  const { all, problems } = documentsOf(await readInputs([...new Set(paths)], world), flags.namespace)
  const subjects = all.filter(isSubject)
  const nothing =
    subjects.length > 0 || problems.length > 0
      ? []
      : [
          {
            file: flags.filename.join(', '),
            line: 1,
            message: 'must hold a Backup, a Restore or a Schedule (velero.io/v1), and holds none',
          },
        ]
  return { all, subjects, problems: [...problems, ...subjects.flatMap(subjectProblems), ...nothing] }
}

async function keysIn(files: readonly string[]): Promise<readonly OutputsKey[]> {
  const read = await readTrustedKeys(files)
  if ('ok' in read) return read.ok
  throw new StartError(4, `--trusted-keys: ${read.problems.join('; ')}`)
}

/** The keys of the installs that look after these namespaces, as far as this user may see them. */
async function publishedFor(
  subjects: readonly Located[],
  { calls }: Reached,
): Promise<readonly OutputsKey[]> {
  const namespaces = [...new Set(subjects.map(({ value }) => textAt(value, 'metadata', 'namespace')))]
  const places = [...new Set([...usualPlaces, ...namespaces])]
  const looked = await Promise.all(places.map((place) => keysPublishedIn(calls, place)))
  const keys = await keysFor(
    calls,
    namespaces,
    looked.flatMap(({ found }) => found),
  )
  return keys.flatMap(({ text }) => {
    const read = readKeySet(text, digest)
    return 'ok' in read ? read.ok : []
  })
}

type Known = { readonly given: Given; readonly trusted: readonly OutputsKey[] }

const worldOf = (cel: Cel, { given, trusted }: Known, world: CliWorld): ForesightWorld => ({
  clock: clockOf(world),
  log: logTo(world),
  cel,
  version: world.version,
  documents: given.all.map(({ value }) => value),
  trusted,
})

function refuse(problems: readonly LocatedProblem[], world: CliWorld): void {
  for (const { file, line, message } of problems) world.stderr(`${plain(`${file}:${line}: ${message}`)}\n`)
  const count = problems.length === 1 ? 'this problem' : `these ${problems.length} problems`
  world.stderr(`tidewaiter: no plan: mend ${count}, and run again\n`)
  world.exitCode(1)
}

type Tools = {
  readonly ports: ForesightPorts
  readonly user: RequestUser
  /** Whether the cluster was asked who may skip. */
  readonly knowsSkips: boolean
  readonly probes: ProbePorts
  /** Absent without a cluster. */
  readonly now: NowPorts | undefined
}

async function planAll(subjects: readonly Located[], task: Task, tools: Tools): Promise<void> {
  const reports: Report[] = []
  for (const one of subjects) reports.push(await planOne(one, task, tools))
  task.world.stdout(written(reports, task))
  const isYes = (report: Report) =>
    report.admitted && isSoundNow(report) && (report.probes ?? []).every(({ found }) => found !== 'no')
  task.world.exitCode(reports.every(isYes) ? 0 : 1)
}

async function planOne(
  { file, value }: Located,
  { flags, signal }: Task,
  { ports, user, knowsSkips, probes, now: looking }: Tools,
): Promise<Report> {
  const subject = subjectOf(value, { user, now: ports.clock.now(), signal })
  const { namespace } = subject.request
  const foresight = await foresee(subject.kind, subject.request, ports)
  const asks = knowsSkips && foresight.skips.length > 0
  const maySkip = asks ? await ports.maySkip(user, namespace) : undefined
  const now = looking === undefined ? new Map() : await nowOf(foresight, namespace, looking)
  const report = reportOf({ file, subject, foresight, maySkip, now })
  return flags.probe ? { ...report, probes: await probe(foresight, namespace, probes) } : report
}

function written(reports: readonly Report[], { flags, world }: Task): string {
  switch (flags.output) {
    case 'json':
      return asJson({ plans: reports })
    case 'yaml':
      return asYaml({ plans: reports })
    case 'name':
      return [
        ...new Set(
          reports
            .flatMap(({ before, after }) => [...before, ...after])
            .filter(({ does }) => does !== 'skip')
            .map(({ name }) => name),
        ),
      ]
        .map((name) => `action.tidewaiter.io/${name}\n`)
        .join('')
    default: {
      const telling = { screen: screenOf(world), wide: flags.output === 'wide' }
      return reports.map((report) => planText(report, telling)).join('\n')
    }
  }
}

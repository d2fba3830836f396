/** `tidewaiter decisions show`: one record in full: what was decided, how often, why, and what was sent. */
import type { AdmissionDecision, DecisionCall } from '../api/admission-decision.ts'
import { spell } from '../core/refusal.ts'
import { inCluster, type ClusterFlags } from './cluster.ts'
import { clockOf } from './command.ts'
import { toneOfVerdict } from './decisions-list.ts'
import { foundDecision, type FoundDecision } from './found-decisions.ts'
import { asJson, asYaml, outputProblems, withoutFields, type OutputFlags } from './output.ts'
import { screenOf, type Screen } from './screen.ts'
import { paragraph, sheet, type Fact } from './sheet.ts'
import { tellUsage } from './usage.ts'
import { agoOf } from './when.ts'
import type { CliWorld } from './world.ts'

/** Its flags. */
export type ShowFlags = ClusterFlags & OutputFlags

/** Shows one, or tells what is wrong with the flags; `problems` are those that were found already. */
export async function showDecision(
  name: string,
  { flags, problems }: { readonly flags: ShowFlags; readonly problems: readonly string[] },
  world: CliWorld,
): Promise<void> {
  const all = [...problems, ...outputProblems(flags)]
  if (all.length > 0) return tellUsage(world, 'tidewaiter decisions show', all)
  await inCluster(flags, world, async (cluster) => {
    const raw = await cluster.calls.own('admissiondecisions', flags.namespace).find(name)
    if (raw === undefined) {
      world.stderr(
        `tidewaiter: there is no AdmissionDecision ${JSON.stringify(name)} in namespace ${flags.namespace}; \`decisions list\` says which there are\n`,
      )
      return world.exitCode(1)
    }
    world.stdout(written(foundDecision(raw), flags.output, world))
    world.exitCode(0)
  })
}

function written({ record, raw, name, problem }: FoundDecision, output: string, world: CliWorld): string {
  switch (output) {
    case 'json':
      return asJson(withoutFields(raw))
    case 'yaml':
      return asYaml(withoutFields(raw))
    case 'name':
      return `admissiondecision.tidewaiter.io/${name}\n`
    default: {
      const screen = screenOf(world)
      const facts: readonly Fact[] = [
        ['Name', name],
        ['Unreadable', problem, 'bad'],
      ]
      return record === undefined ? sheet(facts, screen) : told(record, screen, clockOf(world).now())
    }
  }
}

function told(record: AdmissionDecision, screen: Screen, now: number): string {
  const { considered = [], calls = [], recent = [] } = record.status
  const bold = (title: string) => screen.paint(title, 'bold')
  const widest = Math.max(0, ...considered.map(({ found }) => found.length))
  return [
    sheet(headOf(record, now), screen),
    block(bold('Actions'), considered, ({ action, stage, found, because }) => {
      const why = because === undefined ? '' : `: ${because}`
      return paragraph(`${found.padEnd(widest)}  ${stage} ${action}${why}`, screen, '  ')
    }),
    block(bold('Calls'), calls, (call) => callOf(call, screen)),
    block(bold('Before'), recent.slice(-10), ({ seq, time, name, milliseconds }) =>
      paragraph(`${seq}  ${time}  ${name}  ${spell(milliseconds)}`, screen, '  '),
    ),
  ].join('')
}

/** A call; the headers that were sent are below the line of the request. */
function callOf({ action, phase, attempts, request, answer }: DecisionCall, screen: Screen): string {
  const tries = attempts === undefined ? '' : `, ${attempts === 1 ? '1 attempt' : `${attempts} attempts`}`
  const [line, ...headers] = request?.split('\n') ?? []
  return sheet(
    [
      ['Action', `${action} (${phase}${tries})`],
      ['Sent', line],
      ...headers.map((header): Fact => ['', header]),
      ['Got', answer],
    ],
    screen,
    '  ',
  )
}

/** What each of them says, under a title; nothing where there is none. */
const block = <T>(title: string, all: readonly T[], each: (one: T) => string): string =>
  all.length === 0 ? '' : `\n${title}\n${all.map(each).join('')}`

function headOf({ metadata, spec, status }: AdmissionDecision, now: number): readonly Fact[] {
  const { first, last, count, groups, cut, seqs } = status
  const at = ({ time }: typeof last) => `${time} (${agoOf(time, now)} ago)`
  return [
    ['Decision', `${metadata.namespace}/${metadata.name}`, 'bold'],
    ['Verdict', `${spec.verdict} (${spec.reason})`, toneOfVerdict(spec.verdict)],
    ['Message', last.message],
    [
      'Object',
      `${spec.operation} ${spec.kind} ${last.name}${last.uid === undefined ? '' : ` (uid ${last.uid})`}`,
    ],
    ['Schedule', spec.schedule],
    ['Action', spec.action],
    ['Run', last.run],
    ['Asked by', spec.user],
    ['Groups', groups?.join(', ')],
    ['Took', spell(last.milliseconds)],
    ['Warnings', (last.warnings ?? 0) > 0 ? String(last.warnings) : undefined],
    ['Attempts', String(count)],
    ['First', at(first)],
    ['Last', at(last)],
    ['Replica', spec.replica],
    ['Numbers', seqs],
    ['Left out', cut],
  ]
}

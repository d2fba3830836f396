/** `tidewaiter decisions show`: one record in full: what was decided, how often, why, and what was sent. */
import type { AdmissionDecision, DecisionCall } from '../api/admission-decision.ts'
import { spell } from '../core/refusal.ts'
import { toneOfVerdict } from './decisions-list.ts'
import { foundDecision } from './found-decisions.ts'
import type { Screen } from './screen.ts'
import { paragraph, sheet, type Fact } from './sheet.ts'
import { showOne, type Asked, type Telling } from './show.ts'
import { agoOf } from './when.ts'
import type { CliWorld } from './world.ts'

/** Shows one, or tells what is wrong with the flags. */
export const showDecision = (asked: Asked, world: CliWorld): Promise<void> =>
  showOne(
    {
      command: 'decisions show',
      kind: 'AdmissionDecision',
      plural: 'admissiondecisions',
      read: (raw) => {
        const { record, problem } = foundDecision(raw)
        return record === undefined ? { problem } : { ok: record }
      },
      told,
      next: () => Promise.resolve('`decisions list` says which there are'),
    },
    asked,
    world,
  )

function told(record: AdmissionDecision, { screen, now }: Telling): string {
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

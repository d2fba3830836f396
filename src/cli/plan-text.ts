/** A plan for people. */
import { wholeSeconds } from '../core/plan.ts'
import { spell } from '../core/refusal.ts'
import type { Probed } from './plan-probe.ts'
import { failsNow, type Report, type ReportRow } from './plan-report.ts'
import { cutTo, plain } from './plain.ts'
import type { Screen, Tone } from './screen.ts'
import { paragraph } from './sheet.ts'

/** How it is told. */
export type Telling = { readonly screen: Screen; readonly wide: boolean }

/** The plan for one object. */
export function planText(report: Report, telling: Telling): string {
  const { screen } = telling
  return [
    headOf(report, screen),
    report.planned ? sections(report, telling) : '',
    takenOffOf(report, screen),
    skipsOf(report, screen),
    probesOf(report.probes, screen),
  ].join('')
}

function sections(report: Report, telling: Telling): string {
  const { screen } = telling
  const { kind, before, after } = report
  return [
    section(`Before it starts (Pre${kind})`, before, telling),
    before.length > 0 ? budgetOf(report, screen) : '',
    section(`After it ended (Post${kind})`, after, telling),
    exportedOf(report, screen),
    leftOutOf(report, screen),
  ].join('')
}

function headOf(report: Report, screen: Screen): string {
  const { kind, namespace, name, schedule, admitted, held, reason, message } = report
  const from = schedule === undefined ? '' : `, as the Schedule ${schedule} makes it`
  const starts =
    reason === 'NotStarting' ? ', and starts nothing: its status.phase says that it began before' : ''
  const fails = report.before.some(failsNow)
  const verdict = admitted ? `would be admitted${heldThen(held, fails)}${starts}` : 'would be refused'
  const head = paragraph(`${kind} ${namespace}/${name}${from}: ${verdict}`, screen, '')
  const why = admitted ? (held === undefined ? '' : heldWords(held)) : message
  return `${toned(head, admitted && !fails ? 'good' : 'bad', screen)}${why === '' ? '' : paragraph(why, screen, '  ')}`
}

const heldThen = (held: string | undefined, fails: boolean): string =>
  held === undefined ? '' : `, and held${fails ? '; as things are now, it would then fail' : ''}`

const heldWords = (why: string): string =>
  `held: ${why}; Velero starts it when the actions before it have ended`

/** Each line by itself: a colour does not reach over the end of a line. */
const toned = (lines: string, tone: Tone, { paint }: Screen): string =>
  lines
    .split('\n')
    .map((line) => paint(line, tone))
    .join('\n')

function section(title: string, rows: readonly ReportRow[], telling: Telling): string {
  const { screen } = telling
  const head = `  ${screen.paint(title, 'bold')}\n`
  if (rows.length === 0) return `${head}    nothing\n`
  return head + rows.map((row, i) => rowText(row, i + 1, telling)).join('')
}

function rowText(row: ReportRow, place: number, telling: Telling): string {
  const { screen } = telling
  const facts = [
    `at most ${spell(row.timeoutSeconds * 1000)}`,
    ...(row.when === undefined ? [] : [`after ${row.when.join(', ')}`]),
    ...(row.onError === 'Continue' ? ['onError: Continue'] : []),
    ...(row.exclusive === undefined ? [] : [`exclusive: ${row.exclusive}`]),
    ...(row.exports === undefined ? [] : [`exports ${row.exports.join(', ')}`]),
    ...(row.undoAt === undefined ? [] : [`undone ${undoneWhen[row.undoAt]}`]),
    ...(row.dryRun ? ['dryRun: rendered only'] : []),
  ]
  const head = paragraph(`${place}. ${row.name} (${facts.join('; ')})`, screen, '    ')
  return head + doesText(row, telling) + nowText(row, screen)
}

const nowTones = { yes: 'good', no: 'bad', waits: 'warn', unknown: 'warn' } as const

/** What is true at this moment may not be when it runs. */
const nowText = ({ now = [] }: ReportRow, screen: Screen): string =>
  now
    .map(({ found, said }) => {
      const head = found === 'unknown' ? 'not known now' : 'now'
      return toned(paragraph(`${head}: ${said}`, screen, indent), nowTones[found], screen)
    })
    .join('')

const undoneWhen = { Abort: 'if it never starts', Always: 'when it has ended' } as const

const indent = '       '

function doesText(
  { does, because = '', cause = '', request = '', calls = '', stage }: ReportRow,
  telling: Telling,
): string {
  const { screen } = telling
  const said = (text: string) => paragraph(text, screen, indent)
  switch (does) {
    case 'call':
      return requestText(request, telling)
    case 'skip':
      return said(because)
    case 'later':
      return `${said(calls)}${said('rendered with outputs of the actions before it')}`
    case 'fail': {
      const { head, tone } = failureOf(stage, cause)
      return `${said(calls)}${toned(said(`${head}: ${because}`), tone, screen)}`
    }
  }
}

function failureOf(stage: string, cause: string): { readonly head: string; readonly tone: Tone } {
  if (cause === 'account') return { head: 'cannot act', tone: 'bad' }
  // What a post action needs of the end may be there then.
  return stage.startsWith('Pre')
    ? { head: 'cannot be rendered', tone: 'bad' }
    : { head: 'cannot be rendered before it ended', tone: 'warn' }
}

// Every call carries them, and they say nothing of the action.
const ours = /^(Idempotency-Key|traceparent|User-Agent): /
const longestBody = 240

function requestText(request: string, { screen, wide }: Telling): string {
  const [head = '', ...rest] = request.split('\n\n')
  const body = rest.join('\n\n')
  const lines = head.split('\n').filter((line) => wide || !ours.test(line))
  const shown = wide ? body : cutBody(body, screen)
  return (
    lines.map((line) => paragraph(line, screen, indent)).join('') +
    (body === '' ? '' : paragraph(shown, screen, indent))
  )
}

function cutBody(body: string, { marks }: Screen): string {
  const line = plain(body)
  const cut = cutTo(line, longestBody, marks.ellipsis)
  return cut === line ? line : `${cut} (-o wide shows ${body.length} characters)`
}

function budgetOf({ budget }: Report, screen: Screen): string {
  if (budget === undefined) return ''
  const [wanted, left] = [budget.wantedSeconds, budget.leftSeconds]
  const text = `At most ${spell(wanted * 1000)} of the ${spell(wholeSeconds(left * 1000))} that an admission request has`
  return toned(paragraph(text, screen, '    '), wanted > left ? 'bad' : 'dim', screen)
}

function leftOutOf({ leftOut }: Report, screen: Screen): string {
  if (leftOut.length === 0) return ''
  const lines = leftOut.map(({ name, stage, because }) =>
    paragraph(`${name} (${stage}): ${because}`, screen, '    '),
  )
  return `  ${screen.paint('Not run for it', 'bold')}\n${lines.join('')}`
}

const longestShown = 240

function exportedOf({ exported }: Report, screen: Screen): string {
  if (exported === undefined) return ''
  const { backup, cluster = '', key = '', at = '', outputs = {}, problem } = exported
  const said =
    problem ??
    `of Backup ${backup}, signed at ${at} in the cluster ${cluster} by the key ${key}, which is trusted: ${cutTo(JSON.stringify(outputs), longestShown, screen.marks.ellipsis)}`
  const lines = paragraph(said, screen, '    ')
  return `  ${screen.paint('Exported outputs', 'bold')}\n${problem === undefined ? lines : toned(lines, 'bad', screen)}`
}

function takenOffOf({ takenOff }: Report, screen: Screen): string {
  if (takenOff.length === 0) return ''
  const said = `${takenOff.join(', ')}: only tidewaiter writes these`
  return `  ${screen.paint('Taken off', 'bold')}\n${paragraph(said, screen, '    ')}`
}

function skipsOf({ skips, maySkip }: Report, screen: Screen): string {
  if (skips.length === 0) return ''
  const may =
    maySkip === undefined
      ? 'whether you may skip is judged by the cluster (the verb skip on actions)'
      : maySkip
        ? 'you may skip'
        : 'you may not skip (the verb skip on actions)'
  return `  ${screen.paint('Skips', 'bold')}\n${paragraph(`${skips.join(', ')}: ${may}`, screen, '    ')}`
}

const tones: Readonly<Record<Probed['found'], Tone>> = { yes: 'good', no: 'bad', unknown: 'warn' }

function probesOf(probes: readonly Probed[] | undefined, screen: Screen): string {
  if (probes === undefined) return ''
  const lines = probes.map(({ what, found, said }) =>
    toned(paragraph(`${what}: ${said}`, screen, '    '), tones[found], screen),
  )
  return `  ${screen.paint('Probed from here', 'bold')}\n${lines.join('') || '    nothing to probe\n'}`
}

/** `tidewaiter runs show`: one run in full, with its actions drawn to scale. */
import type { ActionRun } from '../api/action-run.ts'
import { spell } from '../core/refusal.ts'
import { keyOf } from '../core/hold/keys.ts'
import { isInline } from '../core/run/ending.ts'
import { entries, specOf, type Entry } from '../core/run/rows.ts'
import type { Reached } from '../wiring/reach.ts'
import { findRuns, foundRun } from './found-runs.ts'
import { toneOfPhase } from './phases.ts'
import { conditionFacts, heldFact, phaseFact, undoFacts } from './runs-undo.ts'
import { paragraph, sheet } from './sheet.ts'
import { showOne, type Asked, type Telling } from './show.ts'
import { timeline, type Scale } from './timeline.ts'
import { agoOf } from './when.ts'
import type { CliWorld } from './world.ts'

/** Shows one, or tells what is wrong with the flags. */
export const showRun = (asked: Asked, world: CliWorld): Promise<void> =>
  showOne(
    {
      command: 'runs show',
      kind: 'ActionRun',
      plural: 'actionruns',
      read: (raw) => {
        const { run, problem } = foundRun(raw)
        return run === undefined ? { problem } : { ok: run }
      },
      told,
      next: whichThereAre,
    },
    asked,
    world,
  )

/** Most people have the name of a Backup at hand, not of a run. */
async function whichThereAre(name: string, namespace: string, cluster: Reached): Promise<string> {
  const all = await findRuns(cluster, { namespace, whole: false })
  const ofObject = all.filter(({ run }) => run?.spec.objectRef.name === name).map((found) => found.name)
  return ofObject.length > 0
    ? `the runs of ${name} are ${ofObject.slice(0, 10).join(', ')}`
    : '`runs list` says which there are'
}

function told(run: ActionRun, telling: Telling): string {
  const { screen } = telling
  const all = entries(run.spec, run.status)
  const head = headOf(run, telling)
  const drawn = drawnOf(run, all, telling)
  const details = all.map((entry) => detailOf(entry, run, telling)).join('')
  return `${head}${drawn}\n${screen.paint('Actions', 'bold')}\n${details === '' ? '  none\n' : details}`
}

function headOf(run: ActionRun, { screen, now }: Telling): string {
  const { metadata, spec, status } = run
  const { objectRef, stage, scheduleName, requestedBy } = spec
  const began = status.startTimestamp
  const ended = status.completionTimestamp
  return sheet(
    [
      ['Run', `${metadata.namespace}/${metadata.name}`, 'bold'],
      ['Object', `${objectRef.kind} ${objectRef.name} (uid ${objectRef.uid})`],
      ['Stage', stage],
      phaseFact(run),
      ['Ended as', status.endedAs],
      ['Message', status.message],
      ['Schedule', scheduleName],
      ['Asked by', requestedBy],
      ['Began', began === undefined ? 'not yet' : `${began} (${agoOf(began, now)} ago)`],
      ['Ended', ended === undefined ? undefined : `${ended} (${agoOf(ended, now)} ago)`],
      heldFact(run, now),
      ['Owner', status.owner],
      ...conditionFacts(run),
    ],
    screen,
  )
}

/** The bars, where something was begun. */
function drawnOf(run: ActionRun, all: readonly Entry[], { screen, now }: Telling): string {
  const began = all.filter(({ row }) => row.startTimestamp !== undefined)
  if (began.length === 0) return ''
  const { scale, of } = scaleOf(run, began, now)
  const bars = timeline(
    began.map((entry) => ({
      ...timesOf(entry, now),
      name: entry.action.name,
      took: tookOf(entry, now),
      tone: toneOfPhase(entry.row.phase),
    })),
    scale,
    screen,
  )
  return `\n${screen.paint(`Timeline, ${spell(scale.to - scale.from)} ${of}`, 'bold')}\n${bars}`
}

/** A pre stage has the time of its admission request; a post stage takes its own. */
function scaleOf(
  { spec, status }: ActionRun,
  began: readonly Entry[],
  now: number,
): { readonly scale: Scale; readonly of: string } {
  const times = began.map((entry) => timesOf(entry, now))
  const from = Math.min(...times.map((one) => one.from))
  const last = Math.max(...times.map((one) => one.to))
  // Once it is being undone, the deadline is that of the undo.
  const deadline = status.undoneFrom === undefined ? Date.parse(status.deadline ?? '') : Number.NaN
  return isInline({ spec }) && deadline >= last
    ? { scale: { from, to: deadline }, of: 'to be admitted in' }
    : { scale: { from, to: last }, of: 'in all' }
}

function timesOf({ row }: Entry, now: number): Scale {
  const from = Date.parse(row.startTimestamp ?? '') || now
  return { from, to: Date.parse(row.completionTimestamp ?? '') || now }
}

function tookOf(entry: Entry, now: number): string {
  const { from, to } = timesOf(entry, now)
  return spell(to - from)
}

function detailOf(entry: Entry, run: ActionRun, { screen, now, wide }: Telling): string {
  const { action, row } = entry
  const spec = specOf(action)
  const facts = sheet(
    [
      ['Phase', row.phase, toneOfPhase(row.phase)],
      ['Took', row.startTimestamp && `${tookOf(entry, now)} of at most ${spell(spec.timeoutSeconds * 1000)}`],
      ['Attempts', row.attempts === 0 ? undefined : String(row.attempts)],
      ['Began', row.startTimestamp],
      ['Message', row.message ?? action.skip],
      ['Outputs', outputsOf(row.outputs)],
      ['Exclusive', keyOf(action.name, spec)],
      ...undoFacts(row, run, now),
      ['Try-out', spec.dryRun ? 'dryRun: it was rendered, and nothing was sent' : undefined],
    ],
    screen,
    '    ',
  )
  const sent = (title: string, text: string | undefined) =>
    wide && text !== undefined ? `    ${title}\n${paragraph(text, screen, '      ')}` : ''
  const requests = sent('Request', row.request) + sent('Request of its undo', row.undo?.request)
  return `${paragraph(action.name, screen, '  ')}${facts}${requests}`
}

const outputsOf = (outputs: unknown): string | undefined =>
  outputs === undefined || Object.keys(outputs as object).length === 0 ? undefined : JSON.stringify(outputs)

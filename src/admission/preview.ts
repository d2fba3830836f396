/** The answer to a dry-run request: what would run, rendered, secrets masked. Nothing is written, nothing is called. */
import type { Stage } from '../api/action.ts'
import { refusal } from '../core/refusal.ts'
import { stagesOf } from '../core/run/names.ts'
import { headsFirst, wouldRun, type WouldRun } from '../core/would-run.ts'
import { allow, deny, type Verdict } from '../core/verdict.ts'
import type { Case, Plans } from './case.ts'
import { wayFor } from './held.ts'
import { foreseen, type Foreseen } from './foreseen.ts'
import { overBudget } from './limits.ts'

/** Lists as warnings what would run. An action that cannot even be rendered refuses, as it would. */
export async function preview(plans: Plans, at: Case): Promise<Verdict> {
  const way = wayFor(plans.pre.actions, at.arrival)
  const refused = way.hold ? undefined : overBudget(plans.pre.actions, at)
  if (refused !== undefined) return refused
  const rows: Foreseen[] = []
  for await (const row of foreseen(plans.pre.actions, stagesOf(at.arrival.kind).pre, at)) {
    rows.push(row)
    // It ends the stage: whether the ones after it can be rendered does not matter.
    if (row.does === 'fail') break
  }
  return previewed(rows, plans, at)
}

/** The answer that these rows of a pre stage stand for. */
export function previewed(rows: readonly Foreseen[], plans: Plans, { arrival }: Case): Verdict {
  const { pre, post } = stagesOf(arrival.kind)
  const way = wayFor(plans.pre.actions, arrival)
  const lines: WouldRun[] = way.hold ? [plain(`tidewaiter: dry run, it would be held: ${way.why}`)] : []
  for (const row of rows) {
    if (row.does === 'fail') {
      const why = `${pre} action "${row.action.name}" could not run: ${row.problem}`
      const next = 'Mend the Action, or skip it'
      return deny('CannotRender', refusal(arrival.subject, why, next), { warnings: headsFirst(lines) })
    }
    lines.push(lineOf(row, pre))
  }
  for (const { name } of plans.post.actions)
    lines.push(plain(`tidewaiter: dry run, ${post} action "${name}" would run after it ended`))
  return allow('DryRun', 'dry run: nothing was run', headsFirst(lines))
}

const plain = (head: string): WouldRun => ({ head, body: [], rest: [] })

function lineOf(row: Exclude<Foreseen, { readonly does: 'fail' }>, stage: Stage): WouldRun {
  const { name } = row.action
  switch (row.does) {
    case 'skip':
      return plain(`tidewaiter: dry run, ${stage} action "${name}" would be ${row.because}`)
    case 'later':
      return wouldRun(stage, name, 'with outputs of the actions before it')
    case 'call':
      return wouldRun(stage, name, row.request)
  }
}

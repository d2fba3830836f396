/** What must have come of one object, and whether it has. Pure. */
import type { Changed } from './application.ts'
import type { SeenObject, SeenRun } from './cluster.ts'
import type { Counts } from './effects.ts'
import type { Ending, Kind } from './kinds.ts'

/** One object as it stands. */
export type Standing = {
  /** Undefined: it is not there. */
  readonly object: SeenObject | undefined
  readonly runs: readonly SeenRun[]
  /** Claims and keys that it still has. */
  readonly claims: readonly string[]
}

/** What is not yet as it must be in the end. */
export function missing(kind: Kind, { object, runs, claims }: Standing): readonly string[] {
  return [
    ...(object?.phase === kind.ends ? [] : [`it is ${object?.phase ?? 'not there'}`]),
    ...(['pre', 'post'] as const).flatMap((stage) => ofStage(kind[stage], stage, { object, runs })),
    ...claims.map((claim) => `it has ${claim}`),
  ]
}

function ofStage(
  ending: Ending | undefined,
  stage: 'pre' | 'post',
  { object, runs }: Pick<Standing, 'object' | 'runs'>,
): readonly string[] {
  const run = runs.find((one) => one.stage.toLowerCase().startsWith(stage))
  if (ending === undefined) return run === undefined ? [] : [`it has a ${stage} run`]
  const told = object?.notes[stage]
  // What it ended as, an undo after it is not told; nor is what was skipped.
  const isTold = object === undefined || told === ending.as || ending.as === 'Skipped'
  return [
    ...(run?.phase === ending.phase ? [] : [`its ${stage} run is ${run?.phase ?? 'not there'}`]),
    ...Object.entries(ending.actions).flatMap(([role, phase]) => {
      const is = run?.actions[role]
      return is === phase ? [] : [`its action ${role} is ${is ?? 'not there'}, not ${phase}`]
    }),
    ...(isTold ? [] : [`it says ${stage}=${told ?? 'nothing'}, not ${ending.as}`]),
  ]
}

/** The counts of an object by role: `10-freeze/undo`. */
export function byRole(counts: Counts): Counts {
  const named = Object.entries(counts).map(([key, count]) => {
    const [, , action = '', undo] = key.split('/')
    return [`${action.replace(/-l\d+$/, '')}${undo === undefined ? '' : '/undo'}`, count] as const
  })
  return Object.fromEntries(named)
}

/** How often what a kind acts on was changed while it was there, where that is not once and once back. */
export function mischanged(
  { acts = [] }: Kind,
  changed: Readonly<Record<string, Changed>>,
): readonly string[] {
  return Object.entries(changed).flatMap(([role, { times, isAsBefore }]) => {
    const wanted = acts.includes(role) ? 2 : 0
    return [
      ...(times === wanted ? [] : [`${role} changed its object ${times} times, not ${wanted}`]),
      ...(isAsBefore ? [] : [`what ${role} changed was not put back`]),
    ]
  })
}

/** How the effects of an object differ from those it must have had: each once. */
export function miscounted({ effects }: Kind, counts: Counts): readonly string[] {
  const heard = byRole(counts)
  const wanted = effects.flatMap((role) =>
    heard[role] === 1 ? [] : [`${role} was heard ${heard[role] ?? 0} times`],
  )
  const others = Object.keys(heard).filter((role) => !effects.includes(role))
  return [...wanted, ...others.map((role) => `${role} was heard, and nobody asked for it`)]
}

/** Bugs that the harness must find: each is a small change of the service's source. */

import type { Bug } from './bug.ts'

const inFile =
  (file: string) =>
  (
    name: string,
    [text, planted]: readonly [text: string, planted: string],
    [scenarios, sites, faults, wrong]: readonly [
      scenarios: string,
      sites: string,
      faults: string,
      wrong: RegExp,
    ],
  ): Bug => ({ name, file, text, planted, scenarios, sites, faults, wrong })

// What several of them cause.
const leftDone = /^10-\w+ was done, the object never ran, and nobody undid it$/
const keyIsFree = /^its exclusive key was given back before its undo or its post stage had ended$/
const leftAlone = /^it never comes to an end: (it is held, |the (Pre|Post) run is )/
const wentBack =
  /was (un)?done again after it was recorded as|^it ran, and the record of its pre actions ends as|: (the Pre run is Undoing|an undo is owed)$/

// Where several of them are looked for: they share its control.
const everyCall = ['^(post-once|held)$', '^call ', ''] as const
const changedSince = ['^(patched|scaled)-changed$', '^act ', '^delayed'] as const

const drive = inFile('core/run/drive.ts')
const machine = inFile('core/run/machine.ts')
const runs = inFile('wiring/runs.ts')
const undo = inFile('control/undo.ts')
const scope = inFile('core/hold/undo-scope.ts')

/** All of them. */
export const bugs: readonly Bug[] = [
  inFile('actions/answer.ts')(
    'what a server answers counts as success, whatever it says',
    [`  return wanted.includes(String(status))`, `  return status > 0 || wanted.includes(String(status))`],
    ['^(inline|held)-refused$', '^call ', '', /^20-check is recorded as done, and was answered 503$/],
  ),
  inFile('core/counted.ts')(
    'a failed post action that counts is told, and no error is counted',
    [`: 0) + countedFailures(run),`, `: 0),`],
    [
      '^post-counted$',
      '^call 90',
      '',
      /^90-note failed and counts, and the object ends as PartiallyFailed with 0 errors$/,
    ],
  ),
  undo(
    'exclusive keys are given back while the record of the post stage is not there yet',
    [`postEnded: post === 'over' }`, `postEnded: post !== 'open' }`],
    ['^(inline|held)$', '^create actionruns PostBackup', '^(500|409|cut|killed)', keyIsFree],
  ),
  drive(
    'an action is done before its claim is written',
    [
      `: await ports.write(current, next.status)
    if`,
      `: next.effects.some(works) && next.status.phase === 'Running' && current.status.phase === 'Pending' ? { ...current, status: next.status } : await ports.write(current, next.status)
    if`,
    ],
    [...everyCall, /^\d\d-\w+ was done while no record claimed it$/],
  ),
  runs(
    'a write of a record overlooks what another wrote: no fencing by resourceVersion',
    [
      `.replaceStatus(name, runBody({ ...run, status }), { timeoutMs: writeMs }),`,
      `.mergePatch(name, { status }, { subresource: 'status' }),`,
    ],
    ['^held$', '^(update|patch) actionruns/status', '^late', wentBack],
  ),
  runs(
    'a write that meets a conflict counts as written',
    [
      `if (isKubeError(error, 'CONFLICT')) return 'conflict'`,
      `if (isKubeError(error, 'CONFLICT')) return { ...run, status }`,
    ],
    [
      '^held$',
      '^update actionruns/status P',
      '^(409|late)',
      / was (done while no record claimed it|undone while no record said so)$/,
    ],
  ),
  inFile('control/post.ts')(
    'the result is told before it is recorded',
    [
      `  const see = run.status.phase === 'Running' ? 'overdue' : 'claim'
  const seen: Seen = { see, owner: ports.owner, until, progress: at.progress }`,
      `  if (at.object !== undefined) await tellPost(run, at.object, ports)
  const see = run.status.phase === 'Running' ? 'overdue' : 'claim'
  const seen: Seen = { see, owner: ports.owner, until, progress: at.progress }`,
    ],
    [...everyCall, /^the object says post=(Pending|Running), its record /],
  ),
  undo(
    'exclusive keys are given back too early',
    [`if (!keysAreOver(run, { undo: due, postEnded: post === 'over' }))`, `if (post === 'unplanned')`],
    ['^(inline|held)$', '^call 90', '', keyIsFree],
  ),
  undo(
    'exclusive keys are never given back',
    [`  await ports.freeKeys(run, keysOf(run))\n`, ``],
    [
      '^held-refused$',
      '^call ',
      '^delayed',
      /^it never comes to an end: an exclusive key of it is not given back /,
    ],
  ),
  inFile('control/hold.ts')(
    'what is exported is put on a Backup after it was let go',
    [
      `  const annotations = { ...preAnnotation(run), ...exported }
`,
      `  const annotations = preAnnotation(run)
  setTimeout(() => void ports.objects.patch(object, { metadata: { annotations: exported } }), 100)
`,
    ],
    ['^exported$', '^call ', '^delayed', /^Velero could start it, and it carried no outputs$/],
  ),
  inFile('wiring/exclusive.ts')(
    'an exclusive key that another object has counts as taken',
    [`=== run.spec.objectRef.uid) return { ok: true }`, `!== '') return { ok: true }`],
    ['^exclusive', '^call ', '^delayed', /, which shares its exclusive key, came in between$/],
  ),
  machine(
    'what was cut short counts as without effect, and is not undone',
    [
      `outcome.status === 'failed' && !outcome.mayHaveHadEffect && row.cutShort !== true`,
      `outcome.status === 'failed'`,
    ],
    ['^held$', '^call 10-freeze$', '^cut', leftDone],
  ),
  machine(
    'an action of a dead owner is done again though it is not idempotent',
    [
      `const mayRepeat = ({ action }: Entry): boolean =>
  specOf(action).idempotent || changedNothing(action) !== undefined`,
      `const mayRepeat = ({ action }: Entry): boolean => action.name !== ''`,
    ],
    ['^post-once$', '^call 95', '^killed after', /^95-once says idempotent: false and was done \d+ times$/],
  ),
  machine(
    'what a dead owner had begun counts as done',
    [
      `if (mayRepeat(lost)) return start(mine, { ...lost, row: { ...lost.row, cutShort: true } }, now)`,
      `if (mayRepeat(lost)) return goOn(put(mine, { ...lost.row, phase: 'Succeeded' }), seen.progress, now)`,
    ],
    ['^(held|post-once)$', '^call ', '^killed before', /^\d\d-\w+ is recorded as done, and was not$/],
  ),
  inFile('core/run/undo.ts')(
    'what is Unknown is not undone',
    [`'Running', 'Succeeded', 'Failed', 'Unknown'])`, `'Running', 'Succeeded', 'Failed'])`],
    ['^inline$', '^call 10-freeze$', '^killed after', leftDone],
  ),
  scope(
    'what was admitted and never came to be is not undone',
    [
      `return left > 0 ? { notYet: true, inMs: left } : { due: 'All' }`,
      `return { notYet: true, inMs: Math.max(left, 60_000) }`,
    ],
    ['^inline$', '^update actionruns/status PreBackup Succeeded', '^(cut|killed after)', leftDone],
  ),
  inFile('control/pre.ts')(
    'a stage that a dead replica left over is left alone',
    [
      `  const ended = await abandoned(run, isHere, ports)`,
      `  if (isHere === false) return undefined\n  const ended = await abandoned(run, isHere, ports)`,
    ],
    ['^inline$', '^call ', '^killed', /^it never comes to an end: the Pre run is Running$/],
  ),
  inFile('admission/stage.ts')(
    'what has a record already is let pass',
    [
      `if (created === 'exists') return joined(planned, pre, ports)`,
      `if (created === 'exists') return allow('ActionsSucceeded')`,
    ],
    [
      '^inline$',
      '^create actionruns PreBackup',
      '^twice',
      /^it began to run, and its pre action 10-freeze had not been done$/,
    ],
  ),
  inFile('core/run/names.ts')(
    'each attempt has an Idempotency-Key of its own',
    [`  \`\${uid}/\${stage}/\${action}\`\n`, `  \`\${uid}/\${stage}/\${action}-\${Date.now()}\`\n`],
    [...everyCall, / came under the key \S+-l\d\d-\d{13}(\/undo)?$/],
  ),
  inFile('control/queue.ts')(
    'an object whose look failed is not looked at again',
    [`      this.#leave(key, ms)`, `      this.#leave(key, ms * 1e6)`],
    ['^(held|inline)$', '^(patch backups|get actionruns Post)', '^(409|500|cut)', leftAlone],
  ),
  inFile('control/leader.ts')(
    'a lease is taken for ever',
    [`leaseMs: 15_000, renewDeadlineMs: 10_000`, `leaseMs: 86_400_000, renewDeadlineMs: 10_000`],
    ['^held$', '^call ', '^killed', leftAlone],
  ),
  inFile('actions/patch-plan.ts')(
    'what was there is kept after the object is changed',
    [
      `  const failed = await keepBefore(what, keptAs(objects), keeping)
`,
      `  const failed = undefined
  setTimeout(() => void keepBefore(what, keptAs(objects), keeping), 50)
`,
    ],
    ['^patched-refused$', '^act patch', '^killed', leftDone],
  ),
  inFile('core/patch/changes.ts')(
    'a patch is put back over what somebody else changed since',
    [`if (isSame(now, change.after)) object = restoredIn`, `object = restoredIn`],
    [...changedSince, /^10-stop was put back over mended, which it had not made$/],
  ),
  inFile('core/scale.ts')(
    'a scale is put back over what somebody else set since',
    [`  if (now.replicas === set) return`, `  if (now.uid === before.uid) return`],
    [...changedSince, /^15-scale was put back over 5, which it had not made$/],
  ),
  inFile('core/scale.ts')(
    'a scaling that is done again keeps its own number as what was there',
    [
      `old !== undefined && there === replicas ? old.replicas : there`,
      `old !== undefined && there === replicas ? there : there`,
    ],
    [
      '^scaled$',
      '^act update deployments/scale$|^act patch deployments/scale$',
      '^(cut|killed) after',
      /^15-scale is recorded as undone, and was not$/,
    ],
  ),
]

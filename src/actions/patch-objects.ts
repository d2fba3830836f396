/** Patches each object of a target: looked at first and written down where it must be put back later, then patched at the version that was looked at. */
import { compareNames } from '../core/order.ts'
import { mostObjects, selectorText, targetText } from '../core/target.ts'
import { at, textAt } from '../core/velero.ts'
import { failedBy, notTried } from './acted.ts'
import { causeOf } from './attempts.ts'
import { planned, sendPlanned, type Keeping } from './patch-plan.ts'
import { keeps, send, type Found, type Patching } from './patch-send.ts'
import type { KubeObject } from './ports.ts'
import { enterRoom, mostOfOne, type Room } from './room.ts'
import type { FailedAttempt } from './runners.ts'

/** What is told of an object as it is afterwards: nothing of what is in it. */
export type Shown = ReturnType<typeof shown>

const shown = (object: KubeObject) => ({
  name: textAt(object, 'metadata', 'name'),
  namespace: textAt(object, 'metadata', 'namespace'),
  resourceVersion: textAt(object, 'metadata', 'resourceVersion'),
  generation: Number(at(object, 'metadata', 'generation') ?? 0),
})

/** The objects as they are afterwards, and how many of them were so before. */
export type Patched = { readonly objects: readonly Shown[]; readonly standing: number }

// An apply to a name that is free would create the object: it is patched only as the object that was seen.
const looks = (patching: Patching): boolean => keeps(patching) || patching.body.type === 'apply'

/** An object that somebody else writes at the same moment is looked at again this often. */
const mostRounds = 3

/** Patches all. */
export async function patchAll(
  patching: Patching,
  keeping: Keeping,
  signal: AbortSignal,
): Promise<Patched | FailedAttempt> {
  const done = new Map<string, Shown>()
  let already = 0
  for (let round = 1; ; round += 1) {
    const ended = await inRoom({ patching, signal }, (room) =>
      oneRound(patching, { keeping, done, room, signal }),
    )
    if ('status' in ended) return after(ended, done)
    already += ended.stood
    if (ended.failed === undefined) return { objects: [...done.values()], standing: already }
    const again = ended.failed.why === '409' && looks(patching) && round < mostRounds
    if (!again) return after(ended.failed, done)
  }
}

type Round = {
  readonly keeping: Keeping
  /** The objects that are as the patch wants them, by name. */
  readonly done: Map<string, Shown>
  readonly room: Room
  readonly signal: AbortSignal
}

type Looking = Pick<Round, 'room' | 'signal'>

/** Works with room for what is found; where there is none in its time, nothing was sent. */
async function inRoom<T>(
  { patching, signal }: { readonly patching: Patching; readonly signal: AbortSignal },
  work: (room: Room) => Promise<T>,
): Promise<T | FailedAttempt> {
  let room: Room
  try {
    room = await enterRoom(signal)
  } catch {
    const cause = causeOf(signal)
    const why = 'patches of other actions kept as many objects as all of them may, until its time was over'
    return {
      ...notTried(`${patching.what}: ${why}`, cause),
      ...(cause === 'timeout' ? { why: cause } : {}),
    }
  }
  try {
    return await work(room)
  } finally {
    room.leave()
  }
}

/** Looks at what is not done yet, has it written down, and patches it; `stood`: how many needed no patch. */
async function oneRound(
  patching: Patching,
  { keeping, done, room, signal }: Round,
): Promise<{ readonly stood: number; readonly failed: FailedAttempt | undefined }> {
  const found = await targetsOf(patching, { room, signal })
  if ('status' in found) return { stood: 0, failed: found }
  const open = found.ok.filter(({ name }) => !done.has(name))
  const plan = keeps(patching) ? await planned(open, patching, { keeping, signal }) : { ok: open, stand: [] }
  if ('status' in plan) return { stood: 0, failed: plan }
  for (const { name, object } of plan.stand) if (object !== undefined) done.set(name, shown(object))
  return {
    stood: plan.stand.length,
    failed: await patchEach(plan.ok, patching, { keeping, done, room, signal }),
  }
}

/** A failure after some were patched: it may have had its effect, and says on which. */
function after(failed: FailedAttempt, done: ReadonlyMap<string, unknown>): FailedAttempt {
  if (done.size === 0) return failed
  const names = [...done.keys()].slice(0, 10).join(', ')
  return { ...failed, sent: true, message: `${failed.message}; patched before that: ${names}` }
}

/** Asks the API server what would become of all, and changes nothing. */
export const rehearseAll = (patching: Patching, signal: AbortSignal): Promise<Patched | FailedAttempt> =>
  inRoom({ patching, signal }, async (room) => {
    const found = await targetsOf(patching, { room, signal })
    if ('status' in found) return found
    const objects: Shown[] = []
    for (const one of found.ok) {
      const answer = await send(one, patching, { dryRun: true, signal })
      if (!('ok' in answer)) return failedBy(answer)
      objects.push(shown(answer.ok))
    }
    return { objects, standing: 0 }
  })

type Targets = { readonly ok: readonly Found[] } | FailedAttempt

/** What there is to patch, in a room that is as large as they are. */
async function targetsOf(patching: Patching, looking: Looking): Promise<Targets> {
  const found = await foundBy(patching, looking)
  looking.room.settle()
  return found
}

/** Which objects: the one of the name, or those with the labels in the order of their names. */
async function foundBy(patching: Patching, { room, signal }: Looking): Promise<Targets> {
  const { body, what, context } = patching
  const { name, selector = {} } = body
  if (name !== undefined)
    return looks(patching) ? lookedAt([name], patching, { room, signal }) : { ok: [{ name }] }
  const listed = await context.actor.list(body, {
    selector: selectorText(selector),
    limit: mostObjects,
    signal,
  })
  if (!('ok' in listed)) return failedBy(listed)
  const { items, more } = listed.ok
  if (more)
    return notTried(
      `${what}: at most ${mostObjects} objects must have these labels, got more; nothing was changed. Select fewer`,
    )
  const found = items
    .map((object) => ({ name: textAt(object, 'metadata', 'name'), object }))
    .sort((a, b) => compareNames(a.name, b.name))
  if (body.subresource !== undefined && looks(patching)) {
    const names = found.map((one) => one.name)
    return lookedAt(names, patching, { room, signal })
  }
  if (!found.every(({ object }) => room.hold(object))) return tooLarge(what)
  return (await notToRevert(found, patching, signal)) ?? { ok: found }
}

/** Why what is patched could not be put back: that takes `get` on each, of which a list says nothing. */
async function notToRevert(
  [first]: readonly Found[],
  { body, context }: Patching,
  signal: AbortSignal,
): Promise<FailedAttempt | undefined> {
  if (first === undefined || !context.reverts) return undefined
  const answer = await context.actor.get(body, first.name, { subresource: undefined, signal })
  return 'ok' in answer ? undefined : failedBy(answer)
}

async function lookedAt(
  names: readonly string[],
  { body, what, context }: Patching,
  { room, signal }: Looking,
): Promise<Targets> {
  const found: Found[] = []
  for (const name of names) {
    const answer = await context.actor.get(body, name, { subresource: body.subresource, signal })
    if (!('ok' in answer)) return failedBy(answer)
    if (answer.ok === undefined) return missing(what, targetText({ ...body, name }))
    if (!room.hold(answer.ok)) return tooLarge(what)
    found.push({ name, object: answer.ok })
  }
  return { ok: found }
}

const tooLarge = (what: string): FailedAttempt =>
  notTried(`${what}: the objects with these labels have more than ${mostOfOne} bytes of JSON; select fewer`)

const missing = (what: string, target: string): FailedAttempt => ({
  ...notTried(`${what}: ${target} must exist, and does not`),
  why: '404',
})

/** Sends the patch for each, until one fails. */
async function patchEach(
  found: readonly Found[],
  patching: Patching,
  { keeping, done, signal }: Round,
): Promise<FailedAttempt | undefined> {
  for (const one of found) {
    const answer = await sendPlanned(one, patching, { keeping, signal })
    if (!('ok' in answer)) return failedBy(answer)
    done.set(one.name, shown(answer.ok))
  }
  return undefined
}

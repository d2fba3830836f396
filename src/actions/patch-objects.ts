/** Patches each object of a target: looked at first and written down where it must be put back later, then patched at the version that was looked at. */
import { jsonBytesOf } from '../core/bytes.ts'
import { compareNames } from '../core/order.ts'
import { mostObjects, selectorText, targetText } from '../core/target.ts'
import { textAt } from '../core/velero.ts'
import { failedBy, notTried } from './acted.ts'
import { keptByActions, noRoomFor } from './byte-budget.ts'
import { planned, sendPlanned, type Keeping } from './patch-plan.ts'
import { keeps, send, type Found, type Patching } from './patch-send.ts'
import type { KubeObject } from './ports.ts'
import type { FailedAttempt } from './runners.ts'

/** The objects as they are afterwards, and how many of them were so before. */
export type Patched = { readonly objects: readonly KubeObject[]; readonly standing: number }

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
  const done = new Map<string, KubeObject>()
  let already = 0
  for (let round = 1; ; round += 1) {
    const room = new Room()
    const ended = await oneRound(patching, { keeping, done, room, signal }).finally(() => room.leave())
    already += ended.stood
    if (ended.failed === undefined) return { objects: [...done.values()], standing: already }
    const again = ended.failed.why === '409' && looks(patching) && round < mostRounds
    if (!again) return after(ended.failed, done)
  }
}

/** The room that the objects of one round take of what all actions may keep: as they were, and as their patch makes them. */
class Room {
  #bytes = 0

  /** Takes room for an object; why there is none. */
  take(object: KubeObject): string | undefined {
    const bytes = 2 * jsonBytesOf(object)
    if (!keptByActions.take(bytes)) return noRoomFor(keptByActions)
    this.#bytes += bytes
    return undefined
  }

  leave(): void {
    keptByActions.give(this.#bytes)
    this.#bytes = 0
  }
}

type Round = {
  readonly keeping: Keeping
  /** The objects that are as the patch wants them, by name. */
  readonly done: Map<string, KubeObject>
  readonly room: Room
  readonly signal: AbortSignal
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
  for (const { name, object } of plan.stand) if (object !== undefined) done.set(name, object)
  return { stood: plan.stand.length, failed: await patchEach(plan.ok, patching, { keeping, done, signal }) }
}

/** A failure after some were patched: it may have had its effect, and says on which. */
function after(failed: FailedAttempt, done: ReadonlyMap<string, unknown>): FailedAttempt {
  if (done.size === 0) return failed
  const names = [...done.keys()].slice(0, 10).join(', ')
  return { ...failed, sent: true, message: `${failed.message}; patched before that: ${names}` }
}

/** Asks the API server what would become of all, and changes nothing. */
export async function rehearseAll(patching: Patching, signal: AbortSignal): Promise<Patched | FailedAttempt> {
  const room = new Room()
  try {
    const found = await targetsOf(patching, { room, signal })
    if ('status' in found) return found
    const objects: KubeObject[] = []
    for (const one of found.ok) {
      const answer = await send(one, patching, { dryRun: true, signal })
      if (!('ok' in answer)) return failedBy(answer)
      objects.push(answer.ok)
    }
    return { objects, standing: 0 }
  } finally {
    room.leave()
  }
}

type Looking = Pick<Round, 'room' | 'signal'>
type Targets = { readonly ok: readonly Found[] } | FailedAttempt

/** Which objects: the one of the name, or those with the labels in the order of their names. */
async function targetsOf(patching: Patching, { room, signal }: Looking): Promise<Targets> {
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
  for (const { object } of found) {
    const full = room.take(object)
    if (full !== undefined) return notTried(`${what}: ${full}`)
  }
  return { ok: found }
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
    const full = room.take(answer.ok)
    if (full !== undefined) return notTried(`${what}: ${full}`)
    found.push({ name, object: answer.ok })
  }
  return { ok: found }
}

const missing = (what: string, target: string): FailedAttempt => ({
  ...notTried(`${what}: ${target} must exist, and does not`),
  why: '404',
})

/** Sends the patch for each, until one fails. */
async function patchEach(
  found: readonly Found[],
  patching: Patching,
  { keeping, done, signal }: Omit<Round, 'room'>,
): Promise<FailedAttempt | undefined> {
  for (const one of found) {
    const answer = await sendPlanned(one, patching, { keeping, signal })
    if (!('ok' in answer)) return failedBy(answer)
    done.set(one.name, answer.ok)
  }
  return undefined
}

/** Patches each object of a target: looked at first and written down where it must be put back later, then patched at the version that was looked at. */
import type { PatchBody } from '../api/patch-body.ts'
import { compareNames } from '../core/order.ts'
import { changesBetween, standing } from '../core/patch/changes.ts'
import { keptAs, type KeptObject } from '../core/patch/kept.ts'
import { isTree, type Tree } from '../core/patch/tree.ts'
import type { Remember } from '../core/run/before.ts'
import { isSame } from '../core/same.ts'
import { mostObjects, selectorText, targetText } from '../core/target.ts'
import { textAt } from '../core/velero.ts'
import { failedBy, notTried } from './acted.ts'
import { keepBefore } from './keep.ts'
import type { Change, KubeObject } from './ports.ts'
import type { Context, FailedAttempt } from './runners.ts'

/** One patch, filled in. */
export type Patching = {
  readonly body: PatchBody
  /** In a phrase: `PATCH apps/v1 Deployment shop/web`. */
  readonly what: string
  readonly context: Context
  readonly change: Omit<Change, 'signal'>
}

/** What was kept so far, by this performance or one before it; each attempt goes on with it. */
export type Keeping = { kept: readonly KeptObject[]; readonly remember: Remember | undefined }

/** The objects as they are afterwards, and how many of them were so before. */
export type Patched = { readonly objects: readonly KubeObject[]; readonly standing: number }

type Found = { readonly name: string; readonly object?: KubeObject | undefined }

// A json patch that is sent twice may add twice: what it did must be known before it is sent again.
const keeps = ({ body, context }: Patching): boolean =>
  context.remember !== undefined && (context.reverts || body.type === 'json')

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
    const ended = await oneRound(patching, { keeping, done, signal })
    already += ended.stood
    if (ended.failed === undefined) return { objects: [...done.values()], standing: already }
    const again = ended.failed.why === '409' && looks(patching) && round < mostRounds
    if (!again) return after(ended.failed, done)
  }
}

type Round = {
  readonly keeping: Keeping
  /** The objects that are as the patch wants them, by name. */
  readonly done: Map<string, KubeObject>
  readonly signal: AbortSignal
}

/** Looks at what is not done yet, has it written down, and patches it; `stood`: how many needed no patch. */
async function oneRound(
  patching: Patching,
  { keeping, done, signal }: Round,
): Promise<{ readonly stood: number; readonly failed: FailedAttempt | undefined }> {
  const found = await targetsOf(patching, signal)
  if ('status' in found) return { stood: 0, failed: found }
  const open = found.ok.filter(({ name }) => !done.has(name))
  const plan = keeps(patching) ? await planned(open, patching, { keeping, signal }) : { ok: open, stand: [] }
  if ('status' in plan) return { stood: 0, failed: plan }
  for (const { name, object } of plan.stand) if (object !== undefined) done.set(name, object)
  return { stood: plan.stand.length, failed: await patchEach(plan.ok, patching, { done, signal }) }
}

/** A failure after some were patched: it may have had its effect, and says on which. */
function after(failed: FailedAttempt, done: ReadonlyMap<string, unknown>): FailedAttempt {
  if (done.size === 0) return failed
  const names = [...done.keys()].slice(0, 10).join(', ')
  return { ...failed, sent: true, message: `${failed.message}; patched before that: ${names}` }
}

/** Asks the API server what would become of all, and changes nothing. */
export async function rehearseAll(patching: Patching, signal: AbortSignal): Promise<Patched | FailedAttempt> {
  const found = await targetsOf(patching, signal)
  if ('status' in found) return found
  const objects: KubeObject[] = []
  for (const one of found.ok) {
    const answer = await send(one, patching, { dryRun: true, signal })
    if (!('ok' in answer)) return failedBy(answer)
    objects.push(answer.ok)
  }
  return { objects, standing: 0 }
}

/** Which objects: the one of the name, or those with the labels in the order of their names. */
async function targetsOf(
  patching: Patching,
  signal: AbortSignal,
): Promise<{ readonly ok: readonly Found[] } | FailedAttempt> {
  const { body, what, context } = patching
  const { name, selector = {} } = body
  if (name !== undefined) return looks(patching) ? lookedAt([name], patching, signal) : { ok: [{ name }] }
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
  if (body.subresource === undefined || !looks(patching)) return { ok: found }
  return lookedAt(
    found.map((one) => one.name),
    patching,
    signal,
  )
}

async function lookedAt(
  names: readonly string[],
  { body, what, context }: Patching,
  signal: AbortSignal,
): Promise<{ readonly ok: readonly Found[] } | FailedAttempt> {
  const found: Found[] = []
  for (const name of names) {
    const answer = await context.actor.get(body, name, { subresource: body.subresource, signal })
    if (!('ok' in answer)) return failedBy(answer)
    if (answer.ok === undefined) return missing(what, targetText({ ...body, name }))
    found.push({ name, object: answer.ok })
  }
  return { ok: found }
}

const missing = (what: string, target: string): FailedAttempt => ({
  ...notTried(`${what}: ${target} must exist, and does not`),
  why: '404',
})

type Planned = {
  /** To be patched. */
  readonly ok: readonly Found[]
  /** As the patch wants them already: it was sent before. */
  readonly stand: readonly Found[]
}

/** Finds out what the patch will change in each object, and has it written down before anything is sent. */
async function planned(
  found: readonly Found[],
  patching: Patching,
  { keeping, signal }: { readonly keeping: Keeping; readonly signal: AbortSignal },
): Promise<Planned | FailedAttempt> {
  const kept = new Map(keeping.kept.map((one) => [`${one.uid}/${one.name}`, one]))
  const [ok, stand]: [Found[], Found[]] = [[], []]
  for (const one of found) {
    const { name, object = {} } = one
    const uid = textAt(object, 'metadata', 'uid')
    const known = kept.get(`${uid}/${name}`)
    const is = known === undefined ? 'none' : standing(object, known.changes)
    // Half of a json patch is not sent again: what it did to the rest is not known.
    if (is === 'all' || (is === 'some' && patching.body.type === 'json')) stand.push(one)
    else ok.push(one)
    if (is !== 'none') continue
    const answer = await send(one, patching, { dryRun: true, signal })
    if (!('ok' in answer)) return failedBy(answer)
    const changes = changesBetween(object, answer.ok, { status: patching.body.subresource === 'status' })
    kept.set(`${uid}/${name}`, { name, uid, changes })
  }
  return (await keep([...kept.values()], patching, keeping)) ?? { ok, stand }
}

async function keep(
  objects: readonly KeptObject[],
  { what }: Patching,
  keeping: Keeping,
): Promise<FailedAttempt | undefined> {
  if (isSame(keeping.kept, objects)) return undefined
  const failed = await keepBefore(what, keptAs(objects), keeping)
  if (failed === undefined) keeping.kept = objects
  return failed
}

/** Sends the patch for each, until one fails. */
async function patchEach(
  found: readonly Found[],
  patching: Patching,
  { done, signal }: { readonly done: Map<string, KubeObject>; readonly signal: AbortSignal },
): Promise<FailedAttempt | undefined> {
  for (const one of found) {
    const answer = await send(one, patching, { dryRun: false, signal })
    if (!('ok' in answer)) return failedBy(answer)
    done.set(one.name, answer.ok)
  }
  return undefined
}

/** Sends the patch for one object: at the version that was looked at where what it changes was kept. */
function send(
  { name, object }: Found,
  patching: Patching,
  how: { readonly dryRun: boolean; readonly signal: AbortSignal },
) {
  const { body, context, change } = patching
  const version = keeps(patching) ? textAt(object, 'metadata', 'resourceVersion') : ''
  const pin = { name, uid: textAt(object, 'metadata', 'uid'), resourceVersion: version }
  const patch = body.type === 'json' ? pinnedJson(change.patch, pin) : pinned(change.patch, body, pin)
  // A field that is spelled wrongly would be dropped, and the action be told as done.
  return context.actor.patch(body, name, { ...change, ...how, patch, strict: true })
}

/** The object that was looked at, and its version; '' if any will do. */
type Pin = { readonly name: string; readonly uid: string; readonly resourceVersion: string }

function pinnedJson(patch: unknown, { resourceVersion }: Pin): unknown {
  const operations: readonly unknown[] = Array.isArray(patch) ? patch : []
  return resourceVersion === ''
    ? operations
    : [{ op: 'add', path: '/metadata/resourceVersion', value: resourceVersion }, ...operations]
}

function pinned(patch: unknown, { type, apiVersion, kind }: PatchBody, pin: Pin): unknown {
  const given: Tree = isTree(patch) ? patch : {}
  const { name, uid, resourceVersion } = pin
  const version = resourceVersion === '' ? {} : { resourceVersion }
  const metadata = { ...(isTree(given['metadata']) ? given['metadata'] : {}), ...version }
  // An apply names its object, and with the uid it never makes a new one.
  if (type === 'apply') return { ...given, apiVersion, kind, metadata: { ...metadata, name, uid } }
  return resourceVersion === '' ? given : { ...given, metadata }
}

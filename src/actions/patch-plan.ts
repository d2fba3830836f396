/** Finds out what a patch will change, and has it written down: also where a performance before this one may have sent it. */
import { changesAgain, changesBetween, wasMade, type Change } from '../core/patch/changes.ts'
import { keptAs, type KeptObject } from '../core/patch/kept.ts'
import type { Remember } from '../core/run/before.ts'
import { isSame } from '../core/same.ts'
import { targetText } from '../core/target.ts'
import { textAt } from '../core/velero.ts'
import { failedBy, notTried } from './acted.ts'
import { keepBefore } from './keep.ts'
import { send, type Found, type Patching } from './patch-send.ts'
import type { FailedAttempt } from './runners.ts'

/** What was kept so far, by this performance or one before it; each attempt goes on with it. */
export type Keeping = {
  kept: readonly KeptObject[]
  /**
   * Of which objects what was kept may be what the patch made of them: it was sent, or a performance before this one kept it. 'hardly':
   * the API server refused it, as it also does where the same patch was delivered before.
   */
  readonly perhaps: Map<string, 'perhaps' | 'hardly'>
  readonly remember: Remember | undefined
}

/** With what was kept by a performance before this one. */
export const keepingFrom = (kept: readonly KeptObject[], remember: Remember | undefined): Keeping => ({
  kept,
  perhaps: new Map(kept.map((one) => [keyOf(one), 'perhaps'])),
  remember,
})

const keyOf = ({ uid, name }: Pick<KeptObject, 'uid' | 'name'>): string => `${uid}/${name}`
const idOf = ({ name, object }: Found) => ({ name, uid: textAt(object, 'metadata', 'uid') })

type With = { readonly keeping: Keeping; readonly signal: AbortSignal }

/** What is to be done. */
export type Planned = {
  /** To be patched. */
  readonly ok: readonly Found[]
  /** As the patch wants them already: it was sent before. */
  readonly stand: readonly Found[]
}

/** Finds out what the patch will change in each object, and has it written down before anything is sent. */
export async function planned(
  found: readonly Found[],
  patching: Patching,
  { keeping, signal }: With,
): Promise<Planned | FailedAttempt> {
  const kept = new Map(keeping.kept.map((one) => [keyOf(one), one]))
  const [ok, stand]: [Found[], Found[]] = [[], []]
  for (const one of found) {
    const id = idOf(one)
    const sent = keeping.perhaps.get(keyOf(id))
    const known = sent === undefined ? [] : (kept.get(keyOf(id))?.changes ?? [])
    const plan = await planOne(one, patching, { known, sent, signal })
    if ('status' in plan) return plan
    if (plan.stands) stand.push(one)
    else ok.push(one)
    kept.set(keyOf(id), { ...id, changes: plan.changes })
  }
  return (await keep([...kept.values()], patching, keeping)) ?? { ok, stand }
}

type Known = {
  readonly known: readonly Change[]
  readonly sent: 'perhaps' | 'hardly' | undefined
}
type PlannedOne = { readonly stands: boolean; readonly changes: readonly Change[] }

/** `known`: what was kept when it may have been sent before, and `sent` how likely that is. */
async function planOne(
  one: Found,
  patching: Patching,
  { known, sent, signal }: Known & { readonly signal: AbortSignal },
): Promise<PlannedOne | FailedAttempt> {
  const { object = {} } = one
  const made = patching.body.type === 'json' ? wasMade(object, known) : 'no'
  if (made === 'unclear' && sent === 'perhaps') return unclear(one, patching)
  // Half of a json patch is not sent again: what it did to the rest is not known.
  if (made === 'yes') return { stands: true, changes: known }
  const answer = await send(one, patching, { dryRun: true, signal })
  if (!('ok' in answer)) return failedBy(answer)
  const anew = changesBetween(object, answer.ok, { status: patching.body.subresource === 'status' })
  const changes = changesAgain(object, made === 'unclear' ? [] : known, anew)
  return { stands: anew.length === 0 && changes.length > 0, changes }
}

/** Sends the patch, and keeps in mind that it may have been made. */
export async function sendPlanned(
  one: Found,
  patching: Patching,
  { keeping, signal }: With,
): ReturnType<typeof send> {
  const key = keyOf(idOf(one))
  const before = keeping.perhaps.get(key)
  keeping.perhaps.set(key, 'perhaps')
  const answer = await send(one, patching, { dryRun: false, signal })
  if (!('ok' in answer) && !answer.sent && before !== 'perhaps') keeping.perhaps.set(key, 'hardly')
  return answer
}

/** It may have been sent: sent again, it might add twice. */
const unclear = ({ name }: Found, { what, body }: Patching): FailedAttempt => ({
  ...notTried(
    `${what}: ${targetText({ ...body, name })} may have been patched before, and somebody changed the same fields since: it is not patched again. See whether it is as you want it`,
  ),
  sent: true,
})

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

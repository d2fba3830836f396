/** The body `patch`: objects of the cluster are patched as the Action's account, and put back. */
import type { PatchBody } from '../api/patch-body.ts'
import { sentenceOf } from '../api/problems.ts'
import { checkPatchBody, renderPatch } from '../core/patch/body.ts'
import { keptIn } from '../core/patch/kept.ts'
import { textOf } from '../core/patch/tree.ts'
import { targetText } from '../core/target.ts'
import { notTried } from './acted.ts'
import { patchAll, rehearseAll, type Patched } from './patch-objects.ts'
import { keepingFrom, type Keeping } from './patch-plan.ts'
import { revertAll } from './patch-revert.ts'
import type { Patching } from './patch-send.ts'
import { requestText } from './request-text.ts'
import type { Attempt, Context, FailedAttempt, Preparation, Runner } from './runners.ts'

/** Performs the body `patch`. */
export const patch: Runner<'patch'> = { acts: true, secrets: () => [], prepare, revert }

const types = { merge: 'merge-patch+json', json: 'json-patch+json', apply: 'apply-patch+yaml' } as const

function prepare(body: PatchBody, context: Context): Preparation {
  // Checked again: an Action may have come in where nobody checked it.
  const [problem] = checkPatchBody(body, 'spec.patch')
  if (problem !== undefined) return { problem: sentenceOf(problem), cause: 'template' }
  const rendered = renderPatch(body, context.evaluate)
  if ('problem' in rendered) return { problem: `spec.patch.patch: ${rendered.problem}`, cause: 'template' }
  const what = `PATCH ${targetText(body)}${partOf(body)}`
  const request = requestText(
    {
      line: what,
      headers: [
        ['Content-Type', `application/${types[body.type]}`],
        ['As', context.actor.account],
      ],
      secretHeaders: [],
      body: JSON.stringify(rendered.ok),
    },
    context.mask,
  )
  const patching: Patching = { body, what, context, change: changeOf(body, rendered.ok, context) }
  return {
    ok: {
      request,
      what,
      attempt: attempts(patching),
      rehearse: async (signal) => told(await rehearseAll(patching, signal), `would ${what}`),
    },
  }
}

const partOf = ({ subresource }: PatchBody): string => (subresource === undefined ? '' : ` (${subresource})`)

// apimachinery pkg/apis/meta/v1/validation: FieldManagerMaxLength.
const longestManager = 128

const changeOf = (body: PatchBody, content: unknown, { action }: Context): Patching['change'] => ({
  type: body.type,
  patch: content,
  subresource: body.subresource,
  fieldManager:
    body.fieldManager ??
    (body.type === 'apply' ? `tidewaiter:${action}`.slice(0, longestManager) : 'tidewaiter'),
  force: body.force,
})

/** The attempts of one performance, which share what was kept. */
function attempts(patching: Patching): (signal: AbortSignal) => Promise<Attempt> {
  const keeping = keepingOf(patching.context)
  return async (signal) =>
    keeping === undefined
      ? unreadable(patching.what)
      : told(await patchAll(patching, keeping, signal), patching.what)
}

const unreadable = (what: string): FailedAttempt =>
  notTried(
    `${what}: what was there before was kept by another version of tidewaiter, and cannot be read`,
    'internal',
  )

function keepingOf({ before, remember }: Context): Keeping | undefined {
  const kept = keptIn(before)
  return kept === undefined ? undefined : keepingFrom(kept, remember)
}

// A message has 4096 characters; the objects are all in the outputs.
const mostTold = 10

/** How it went: which objects, as they are now. */
function told(patched: Patched | FailedAttempt, what: string): Attempt {
  if ('status' in patched) return patched
  const { objects, standing } = patched
  const names = objects.slice(0, mostTold).map(({ name }) => name)
  const more = objects.length > mostTold ? ` and ${objects.length - mostTold} more` : ''
  const many = objects.length === 0 ? 'no object has these labels' : `${names.join(', ')}${more}`
  const was = standing === 0 ? '' : ` (${standing} were so already)`
  return { status: 'done', message: `${what}: ${many}${was}`, response: { objects } }
}

/** Puts back what the patch changed. */
function revert(body: PatchBody, context: Context): Preparation {
  const what = `putting back what was there before PATCH ${targetText(body)}${partOf(body)}`
  const kept = keptIn(context.before)
  const objects = (kept ?? []).map(
    ({ name, changes }) => `${name}: ${changes.map(({ path }) => textOf(path)).join(', ')}`,
  )
  const request = requestText(
    { line: what, headers: [['As', context.actor.account]], secretHeaders: [], body: objects.join('\n') },
    context.mask,
  )
  const attempt = async (signal: AbortSignal): Promise<Attempt> =>
    kept === undefined ? unreadable(what) : revertAll({ body, what, context, kept }, signal)
  return { ok: { request, what, attempt } }
}

/** Sends one patch to one object. */
import type { PatchBody } from '../api/patch-body.ts'
import { isTree, type Tree } from '../core/patch/tree.ts'
import { textAt } from '../core/velero.ts'
import type { Change, KubeObject } from './ports.ts'
import type { Context } from './runners.ts'

/** One patch, filled in. */
export type Patching = {
  readonly body: PatchBody
  /** In a phrase: `PATCH apps/v1 Deployment shop/web`. */
  readonly what: string
  readonly context: Context
  readonly change: Omit<Change, 'signal'>
}

/** One object of a target: with what it is, where it was looked at. */
export type Found = { readonly name: string; readonly object?: KubeObject | undefined }

/** Whether what it changes is kept before: for its undo, or because a json patch that is sent twice may add twice. */
export const keeps = ({ body, context }: Patching): boolean =>
  context.remember !== undefined && (context.reverts || body.type === 'json')

/** Sends the patch for one object: at the version that was looked at where what it changes was kept. */
export function send(
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

/** The controller's loop: keys of Backups and Restores, looked at one by one while this replica leads. */
import type { VeleroKind } from '../core/velero.ts'
import { reconcilePost, type Again, type ObjectKey } from './post.ts'
import type { ControlPorts } from './ports.ts'
import { reconcilePre, sooner } from './pre.ts'

/** A key as text, for the queue. */
export const textOf = (key: ObjectKey): string => `${key.kind}/${key.namespace}/${key.name}/${key.uid}`

/** The key of a text. */
export function keyOf(text: string): ObjectKey {
  const [kind, namespace = '', name = '', uid = ''] = text.split('/')
  return { kind: kind as VeleroKind, namespace, name, uid }
}

/** Looks at the pre and the post stage of one object; says when to look again. */
export async function reconcileObject(
  key: ObjectKey,
  ports: ControlPorts,
  signal: AbortSignal,
): Promise<Again> {
  let pre: Again
  let post: Again
  try {
    pre = await reconcilePre(key, ports, signal)
  } finally {
    // What the pre stage cannot tell just now must not keep the post actions from running.
    post = await reconcilePost(key, ports, signal)
  }
  return sooner(pre, post)
}

/** Every custom resource of ours; the CRDs in deploy/crds and the reference pages are generated from this list. */
import { actionRunKind } from './action-run.ts'
import { actionKind } from './action.ts'
import type { Kind } from './schema.ts'
import { veleroPluginKind } from './velero-plugin.ts'

/** Every kind, in the order of the reference. */
export const kinds: readonly Kind[] = [actionKind, actionRunKind, veleroPluginKind]

/** Every custom resource of ours; the CRDs in deploy/crds and the reference pages are generated from this list. */
import { admissionDecisionKind } from './admission-decision.ts'
import { actionRunKind } from './action-run.ts'
import { actionKind } from './action.ts'
import type { Kind } from './schema.ts'

/** Every kind, in the order of the reference. */
export const kinds: readonly Kind[] = [actionKind, actionRunKind, admissionDecisionKind]

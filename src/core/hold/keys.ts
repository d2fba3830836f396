/** Which exclusive key an action has. */
import type { ActionSpec } from '../../api/action.ts'

/** The key of an action; undefined if it has none. Actions with an undo have their name. */
export const keyOf = (name: string, spec: Pick<ActionSpec, 'exclusive' | 'undo'>): string | undefined =>
  spec.exclusive ?? (spec.undo === undefined ? undefined : name)

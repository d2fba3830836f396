/** Every planted bug. */
import { bugs as access } from './access.ts'
import { bugs as admission } from './admission.ts'
import type { Bug } from './bug.ts'
import { bugs as kept } from './kept.ts'
import { bugs as velero } from './velero.ts'
import { bugs as written } from './written.ts'

/** All of them, by subject. */
export const allBugs: readonly Bug[] = [kept, written, admission, access, velero].flat()

/** Bugs in the stand-in for Velero. */
import type { Bug } from './bug.ts'

/** The bugs. */
export const bugs: readonly Bug[] = []

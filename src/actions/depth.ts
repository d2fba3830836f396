/** Bounds the nesting of values from outside, so that what walks them later cannot run out of stack. */

/** Deepest value that is taken. */
export const deepest = 64

/** Whether a value is nested at most `deepest` levels; looks level by level, so it needs no stack itself. */
export function isShallow(value: unknown): boolean {
  let level: readonly unknown[] = [value]
  for (let depth = 0; depth <= deepest; depth += 1) {
    level = level.flatMap(childrenOf)
    if (level.length === 0) return true
  }
  return false
}

function childrenOf(item: unknown): readonly unknown[] {
  return typeof item === 'object' && item !== null ? Object.values(item) : []
}

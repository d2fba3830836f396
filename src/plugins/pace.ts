/** How long looks at plugins may take, and how long they count. */

/** For all checks of one plugin: two attempts at a slow registry fit. */
export const checkMs = 60_000
/** Somebody who mended something and tries again is not told what was found before. */
export const freshMs = 5_000

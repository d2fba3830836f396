/** `matches` of the library runs on the engine of JavaScript, which a pattern can hold up for ever; ours is RE2. */

/** The method that stands in for `matches`; as long as it, so that places in the text stay what they are. */
export const safeMatches = 're2find'

// Texts and comments are passed over; what is left is looked through for the method.
const part =
  /[rRbB]{0,2}("""[^]*?"""|'''[^]*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|\/\/[^\n]*|(\.\s*)matches(?=\s*\()/g

/** The expression with its `matches` renamed. */
export function withSafeMatches(expression: string): string {
  return expression.replaceAll(part, (whole: string, _text: unknown, dot: string | undefined) =>
    dot === undefined ? whole : `${dot}${safeMatches}`,
  )
}

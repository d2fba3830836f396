/** Regular expressions as CEL has them: RE2, which matches in linear time. The engine of JavaScript does not: it is never used. */
import { RE2JS } from 're2js'
import type { Budget } from './budget.ts'

/** Longest pattern, in characters. */
const longestPattern = 512
/** Largest compiled pattern, in instructions; each may look at each character. */
const largestProgram = 512
/** Making a matcher, in steps. */
const stepsPerMatch = 10
/** Instruction and character pairs in the time of one step: most patterns take 1 to 15 ns for one, the slowest that was found 45 ns. */
const pairsPerStep = 8

/** A pattern that may be used. */
export type Pattern = { readonly matches: (text: string, budget: Budget) => boolean }

/** Makes a pattern usable, or says why it may not be used. */
export function compilePattern(source: string): { readonly ok: Pattern } | { readonly problem: string } {
  if (source.length > longestPattern)
    return { problem: `a pattern must be at most ${longestPattern} characters` }
  try {
    const program = RE2JS.compile(source)
    const size = program.programSize()
    if (size > largestProgram)
      return {
        problem: `a pattern must be simpler: it has ${size} of at most ${largestProgram} instructions`,
      }
    return { ok: { matches: (text, budget) => find(program, text, budget) } }
  } catch (error) {
    return { problem: refusal(source, error) }
  }
}

// Measured: 12 KB for the shortest pattern, 41 KB for `.{500}`, and 90 KB for the largest that was found.
const leastProgram = 12_000
const bytesPerInstruction = 160

/** The bytes that a pattern takes once it is compiled: an estimate on the high side, by its text. */
export function programWeight(source: string): number {
  // A character makes about one instruction; only a number in braces makes more.
  const instructions = source.includes('{') ? largestProgram : source.length
  return leastProgram + instructions * bytesPerInstruction
}

function find(program: RE2JS, text: string, budget: Budget): boolean {
  budget.spend(stepsPerMatch + Math.floor((text.length * program.programSize()) / pairsPerStep))
  // Not test(): its automaton can grow with every character, 9 us for each were seen. find() stays linear.
  return program.matcher(text).find()
}

function refusal(source: string, error: unknown): string {
  if (/\(\?<?[=!]/.test(source)) return 'a pattern must be RE2, which has no lookahead and no lookbehind'
  if (/\\[1-9]/.test(source)) return 'a pattern must be RE2, which has no back references'
  return `a pattern must be RE2: ${error instanceof Error ? error.message : 'it cannot be read'}`
}

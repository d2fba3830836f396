/** What is known of a declared plugin, and what it comes to. */
import type { CheckResult } from '../plugin-check/result.ts'
import type { DeclaredPlugin } from './declared.ts'

/** A plugin with what its checks found. */
export type PluginFindings = {
  readonly plugin: DeclaredPlugin
  /** In the order of the conditions; a check that was not made yet is there as undecided. */
  readonly results: readonly CheckResult[]
  /** What its image must be pinned to; undefined: not known. */
  readonly digest: string | undefined
}

/** Whether the checks let a plugin be used: every one said yes, one said no, or one is undecided. */
export type Standing = 'Ready' | 'NotReady' | 'Unknown'

/** A moved tag keeps nothing out: what was pinned stays what is used. */
const neverFatal: ReadonlySet<CheckResult['check']> = new Set(['TagUnmoved'])

const judgingOf = ({ results }: PluginFindings): readonly CheckResult[] =>
  results.filter(({ check }) => !neverFatal.has(check))

/** The checks that keep it from being Ready: those that said no, and those that are undecided. */
export const objectionsTo = (findings: PluginFindings): readonly CheckResult[] =>
  judgingOf(findings).filter(({ ok }) => ok !== true)

/** What the findings come to; undecided is never taken for a yes. */
export function standingOf(findings: PluginFindings): Standing {
  const { digest } = findings
  const judging = judgingOf(findings)
  if (judging.some(({ ok }) => ok === false)) return 'NotReady'
  return digest === undefined || judging.length === 0 || judging.some(({ ok }) => ok === undefined)
    ? 'Unknown'
    : 'Ready'
}

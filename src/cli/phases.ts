/** How phases of runs and of their actions are coloured. */
import type { Tone } from './screen.ts'

const tones: Readonly<Record<string, Tone>> = {
  Succeeded: 'good',
  Refused: 'bad',
  Failed: 'bad',
  Unknown: 'bad',
  Unreadable: 'bad',
  Running: 'warn',
  Undoing: 'warn',
  Skipped: 'dim',
  Pending: 'dim',
}

/** The tone of a phase. */
export const toneOfPhase = (phase: string): Tone | undefined => tones[phase]

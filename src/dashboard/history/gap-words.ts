/** How a gap is said: to people with moments that their browser can read, in exports as a text. */
import { counted } from '../words.ts'
import type { Gap } from './store.ts'

/** The sentence in parts; between the first and the last stands its time. */
export function gapParts({ decisions, replica, after, before, why }: Gap) {
  const verb = decisions === 1 ? 'was' : 'were'
  return {
    who: `${counted(decisions, 'decision')} of replica ${replica}`,
    isMoment: before - after < 1000,
    what:
      why === 'Lost'
        ? 'could not be recorded, says the replica itself.'
        : `${verb} not recorded here: gone from the cluster before ${decisions === 1 ? 'it was' : 'they were'} read.`,
  }
}

/** The gap in a sentence, in UTC. */
export function gapSentence(gap: Gap): string {
  const { who, isMoment, what } = gapParts(gap)
  const at = (ms: number) => new Date(ms).toISOString()
  return `${who} ${isMoment ? `at ${at(gap.before)}` : `between ${at(gap.after)} and ${at(gap.before)}`} ${what}`
}

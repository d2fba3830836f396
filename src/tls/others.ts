/** Some keys do harm when they are made anew while another replica has them still: who starts without them waits for its look. */
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { createLasting } from './lasting.ts'
import { macKeyOf } from './material.ts'
import { isOutputsKeyDamaged } from './outputs-key.ts'
import type { SecretValues, Told } from './ports.ts'
import type { Known } from './turning.ts'

/** Whether the Secret lost keys that are never made anew while anybody has them. Who takes the key of the outputs away alone wants another. */
export const hasLostKeys = (values: SecretValues): boolean =>
  macKeyOf(values)?.length !== 32 || isOutputsKeyDamaged(values)

/** The other replicas, as far as one that starts can reckon with them. */
export type Others = {
  /** Whether one of them may have what the Secret lost, and has had no time yet to bring it back. */
  readonly mayHaveLost: (values: SecretValues, known: Pick<Known, 'shown' | 'told'>) => boolean
}

/** `waitMs`: within this each of them has looked. */
export function createOthers(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  waitMs: number,
): Others {
  // While the API server does not answer, they cannot look either: little of that time counts.
  const lasting = createLasting(clock, mostBetweenMs)
  let said: string | undefined
  const say = (words: string) => {
    if (words !== said) log.warn({ forMs: waitMs }, words)
    said = words
  }
  return {
    mayHaveLost: (values, { shown, told }) => {
      // Who has shown something has the keys itself.
      if (shown !== undefined || !hasLostKeys(values) || !wasInstalled(told)) return false
      const isWaiting = lasting.note('lost', true) < waitMs
      say(isWaiting ? waitingWords : goneWords)
      return isWaiting
    },
  }
}

const mostBetweenMs = 5_000

const waitingWords =
  'the Secret with our certificates was deleted or damaged: waiting for a replica that has its keys still to put them back'
const goneWords =
  'no replica has put back the keys that the Secret with our certificates lost: they are made anew, and Actions must be adopted'

/** Only our leaders register a path; a CA others do too. What could not be read may be there. */
const wasInstalled = (told: readonly Told[] | undefined): boolean =>
  told === undefined || told.some(({ token }) => token !== '')

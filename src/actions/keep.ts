/** Has what an action found written down before it changes anything. */
import type { Before } from '../core/run/before.ts'
import { notTried } from './acted.ts'
import type { Context, FailedAttempt } from './runners.ts'
import { harmless } from './words.ts'

/**
 * Why the action must not go on; undefined once what it found is kept. A write that fails is no fault of the action, which has sent
 * nothing: it is begun again, as one whose claim could not be written. If the write was made all the same, the next one conflicts.
 */
export async function keepBefore(
  what: string,
  before: Before,
  { remember }: Pick<Context, 'remember'>,
): Promise<FailedAttempt | undefined> {
  try {
    const answer = await remember?.(before)
    return answer !== undefined && 'refused' in answer
      ? notTried(harmless(`${what}: ${answer.refused}`))
      : undefined
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return notTried(
      harmless(`${what}: what was there could not be written down, so nothing was changed then: ${why}`),
      'internal',
    )
  }
}

/** Rounds: everybody in turn, again and again, so that what disturbs the machine disturbs all; a disturbed turn is taken again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { median } from '../report.ts'
import { quick } from './section.ts'
import { disturbance, mostDisturbance } from './quiet.ts'

// So many turns may be taken again in one table; after that the machine is busy, and the table says so.
const mostAgain = quick ? 0 : 30

/** What was measured of each, in the order of the rounds. */
export type Rounds<T> = {
  readonly of: ReadonlyMap<string, readonly T[]>
  /** Turns that were taken again. */
  readonly again: number
  /** Turns that count although others took more than they should. */
  readonly disturbed: number
}

/** Takes turns. `own` are the processes that belong to the turn of a name, besides this one. */
export async function inRounds<T>(
  rounds: number,
  names: readonly string[],
  own: (name: string) => readonly number[],
  turn: (name: string) => Promise<T>,
): Promise<Rounds<T>> {
  const of = new Map<string, T[]>(names.map((name) => [name, []]))
  const count = { again: 0, disturbed: 0 }
  for (let round = 0; round < rounds; round += 1) {
    // Not always the same behind the same.
    const order = round % 2 === 0 ? names : names.toReversed()
    for (const name of order) of.get(name)?.push(await quietly(() => turn(name), own(name), count))
  }
  return { of, ...count }
}

type Figures<Of extends string> = Rounds<Readonly<Record<Of, number>>>

/** The median of one figure. */
export const medianOf = <Of extends string>(rounds: Figures<Of>, name: string, of: Of): number =>
  median((rounds.of.get(name) ?? []).map((one) => one[of]))

/** The median of the ratios of one figure to that of another, each of one round. */
export function ratioOf<Of extends string>(rounds: Figures<Of>, name: string, to: string, of: Of): number {
  const [some = [], others = []] = [rounds.of.get(name), rounds.of.get(to)]
  return median(some.map((one, round) => one[of] / (others[round]?.[of] ?? Number.NaN)))
}

async function quietly<T>(
  turn: () => Promise<T>,
  own: readonly number[],
  count: { again: number; disturbed: number },
): Promise<T> {
  for (;;) {
    const others = disturbance([process.pid, ...own])
    const measured = await turn()
    if (others() <= mostDisturbance) return measured
    if (count.again >= mostAgain) {
      count.disturbed += 1
      return measured
    }
    count.again += 1
    await sleep(200)
  }
}

/** What a follower is told, held to what must be so: nothing twice, nothing out of order, nothing left out. Bounded by the number of objects. */

/** One thing that a follower is told. */
export type Told = {
  readonly type: 'add' | 'update' | 'delete'
  readonly name: string
  readonly version: number
}

/** The books of one follower. */
export type Account = {
  readonly note: (told: Told) => void
  /** From now on versions must follow one another without a gap; `last` is the latest one of the server. */
  readonly exactFrom: (last: number) => void
  /** From now on the past may be lost to a compaction: an object's states still never go back. */
  readonly loosely: () => void
  readonly told: () => number
  readonly wrong: () => readonly string[]
}

// The first few say what is the matter.
const mostWrongs = 10

/** Opens the books. */
export function openAccount(who: string): Account {
  const there = new Map<string, number>()
  const wrong: string[] = []
  let [told, last] = [0, 0]
  let exact = false
  const complain = (text: string): void => {
    if (wrong.length < mostWrongs) wrong.push(`${who}, event ${told}: ${text}`)
  }
  const note = ({ type, name, version }: Told): void => {
    told += 1
    const known = there.get(name)
    if (type === 'add' && known !== undefined) complain(`${name} was added twice, at ${known} and ${version}`)
    if (type !== 'add' && known === undefined) complain(`${type} of ${name}, which was not there`)
    if (type === 'update' && known !== undefined && version <= known)
      complain(`${name} went from ${known} to ${version}`)
    if (exact && version !== last + 1) complain(`after version ${last} came ${version} (${type} ${name})`)
    last = version
    if (type === 'delete') there.delete(name)
    else there.set(name, version)
  }
  return {
    note,
    exactFrom: (version) => {
      exact = true
      last = version
    },
    loosely: () => {
      exact = false
    },
    told: () => told,
    wrong: () => wrong,
  }
}

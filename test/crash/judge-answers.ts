/** The invariants of what a server answers: what it refuses is not done, stops the object, and counts where it is to count. Pure. */
import type { Role } from './scenarios.ts'
import { began, isEffectOf, isPre, objectIn, over, recordsOf, type Story } from './story.ts'

/** Everything that is wrong with what became of an action whose server refuses. */
export function answerWrongs(role: Role, story: Story): readonly string[] {
  const { role: name, status = 200, spec } = role
  if (role.first !== undefined) return retryWrongs(role, story)
  if (status >= 200 && status < 300) return []
  const stops = isPre(role) && spec?.onError !== 'Continue'
  return [
    ...(stops && objectIn(story, began) >= 0
      ? [`it began to run, and its pre action ${name} was answered ${status}`]
      : []),
    ...(recordsOf(role, story).some(({ row }) => row.phase === 'Succeeded')
      ? [`${name} is recorded as done, and was answered ${status}`]
      : []),
    ...(spec?.countsAgainstResult === true ? countWrongs(role, story) : []),
  ]
}

/** What is refused at first is done when it was answered otherwise; no attempt is recorded that nobody heard or refused on its way. */
function retryWrongs(role: Role, story: Story): readonly string[] {
  return recordsOf(role, story)
    .filter(({ row }) => row.phase === 'Succeeded')
    .slice(0, 1)
    .flatMap(({ at, row }) => {
      const before = story.slice(0, at)
      const replies = before
        .filter((one) => one.is === 'replied')
        .filter((one) => one.role === role.role && !one.undo)
      const heard = before.filter(isEffectOf(role, false)).length
      const kept = replies.filter(({ lsn }) => lsn === undefined).length
      return [
        ...(replies.some(({ status }) => status < 300)
          ? []
          : [`${role.role} is recorded as done, and was only refused`]),
        ...(row.attempts > heard + kept
          ? [`${role.role} is recorded with ${row.attempts} attempts, and ${heard + kept} were made`]
          : []),
      ]
    })
}

/** A failure that counts makes PartiallyFailed of Completed, with one error. What nobody could look at has no record, and does not count. */
function countWrongs(role: Role, story: Story): readonly string[] {
  const last = story.findLast((one) => one.is === 'object')
  if (last === undefined || !over.includes(last.phase)) return []
  if (last.notes['post'] === 'Unknown' && recordsOf(role, story).length === 0) return []
  const { phase, errors = 0 } = last
  return phase === 'PartiallyFailed' && errors === 1
    ? []
    : [`${role.role} failed and counts, and the object ends as ${phase} with ${errors} errors`]
}

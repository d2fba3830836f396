/** The invariants of what actions export: it stands on the object before Velero can start it, and is what was answered and recorded. Pure. */
import { isDeepStrictEqual } from 'node:util'
import type { Loose } from '../support/asking.ts'
import type { Happening } from './history.ts'
import type { Role, Scenario } from './scenarios.ts'
import { began, recordsOf, type Story } from './story.ts'

const isExported = ({ spec }: Role): boolean =>
  (spec?.outputs ?? []).some((one: Loose) => one.export === true)

/** Everything that is wrong with what the actions of an object export. */
export function outputWrongs({ roles }: Scenario, story: Story): readonly string[] {
  const exporting = roles.filter(isExported)
  if (exporting.length === 0) return []
  return [...exporting.flatMap((role) => unanswered(role, story)), ...carriedWrongs(exporting, story)]
}

/** What is recorded of an action that succeeded was answered to it before. */
function unanswered(role: Role, story: Story): readonly string[] {
  const wrong = recordsOf(role, story).find(
    ({ at, row }) =>
      row.phase === 'Succeeded' &&
      !story
        .slice(0, at)
        .some(
          (one) =>
            one.is === 'replied' &&
            one.role === role.role &&
            !one.undo &&
            isDeepStrictEqual(row.outputs, { lsn: one.lsn }),
        ),
  )
  return wrong === undefined
    ? []
    : [`${role.role} is recorded with ${JSON.stringify(wrong.row.outputs)}, which nobody answered`]
}

const canStart = (one: Happening): boolean =>
  one.is === 'object' && !one.held && ['', 'New', 'Queued', 'ReadyToStart', ...began].includes(one.phase)

function carriedWrongs(exporting: readonly Role[], story: Story): readonly string[] {
  const bare = story.find((one) => canStart(one) && one.is === 'object' && one.carried === undefined)
  const wrongs = story.flatMap((one, at) => {
    if (one.is !== 'object' || one.carried === undefined) return []
    const { isSigned, isOwn, outputs } = one.carried
    const recorded = recordedBefore(exporting, story.slice(0, at))
    return [
      ...(isSigned ? [] : ['it carries outputs that no key of the install signed']),
      ...(isOwn ? [] : ['it carries outputs that are of another object']),
      ...(isDeepStrictEqual(outputs, recorded)
        ? []
        : [`it carries ${JSON.stringify(outputs)}, and ${JSON.stringify(recorded)} is recorded`]),
    ]
  })
  return [
    ...(bare === undefined ? [] : ['Velero could start it, and it carried no outputs']),
    ...new Set(wrongs),
  ]
}

/** The outputs of the actions that succeeded, by role. */
const recordedBefore = (exporting: readonly Role[], before: Story): Loose =>
  Object.fromEntries(
    exporting.flatMap((role) => {
      const row = recordsOf(role, before).at(-1)?.row
      return row?.phase === 'Succeeded' ? [[role.role, row.outputs]] : []
    }),
  )

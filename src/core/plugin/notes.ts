/** What is told of a VeleroPlugin as its status changes: an Event each. */
import type { VeleroPluginStatus } from '../../api/velero-plugin.ts'
import type { Condition } from '../condition.ts'

/** Something to tell. */
export type PluginNote = {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

type Telling = { readonly type: PluginNote['type']; readonly reason: string }

/** By condition, and the status that it came to. Silence is for what only takes its time. */
const tellings: Readonly<Record<string, Partial<Record<Condition['status'], Telling>>>> = {
  Ready: {
    True: { type: 'Normal', reason: 'Ready' },
    False: { type: 'Warning', reason: 'NotReady' },
    Unknown: { type: 'Warning', reason: 'NotKnown' },
  },
  TagUnmoved: { False: { type: 'Warning', reason: 'TagMoved' } },
  Injected: { True: { type: 'Normal', reason: 'Injected' } },
  RolledOut: { True: { type: 'Normal', reason: 'RolledOut' } },
}

/** The notes of a change. What was not said before is no change if it is only not known yet. */
export function pluginNotes(
  old: VeleroPluginStatus | undefined,
  now: VeleroPluginStatus,
): readonly PluginNote[] {
  return (now.conditions ?? []).flatMap(({ type, status, reason, message }) => {
    const before = old?.conditions?.find((one) => one.type === type)
    const telling = tellings[type]?.[status]
    if (telling === undefined || before?.status === status) return []
    return status === 'Unknown' && (before === undefined || reason === 'NotChecked')
      ? []
      : [{ ...telling, message }]
  })
}

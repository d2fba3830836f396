/** What a list of VeleroPlugins tells of each. */
import { pluginConditions } from '../../api/velero-plugin.ts'
import { textAt, type Json } from '../velero.ts'
import { conditionIn } from '../condition.ts'
import { conditionStatus } from './aboard.ts'

/** A VeleroPlugin in a list. */
export type ListedPlugin = {
  readonly namespace: string
  readonly name: string
  readonly image: string
  readonly ready: string
  readonly injected: string
  readonly rolledOut: string
  /** Of the first condition that does not hold, in the order in which they are told; of Ready where that is unknown; '' if all hold. */
  readonly reason: string
  readonly message: string
  readonly digest: string
  readonly initContainer: string
}

/** Reads one as the API server gives it. */
export function listedPlugin(plugin: Json): ListedPlugin {
  const wanting =
    textAt(conditionIn(plugin, 'Ready'), 'status') === 'Unknown'
      ? 'Ready'
      : pluginConditions.find((type) => textAt(conditionIn(plugin, type), 'status') === 'False')
  const condition = wanting === undefined ? {} : conditionIn(plugin, wanting)
  return {
    namespace: textAt(plugin, 'metadata', 'namespace'),
    name: textAt(plugin, 'metadata', 'name'),
    image: textAt(plugin, 'spec', 'image'),
    ready: conditionStatus(plugin, 'Ready'),
    injected: conditionStatus(plugin, 'Injected'),
    rolledOut: conditionStatus(plugin, 'RolledOut'),
    reason: textAt(condition, 'reason'),
    message: textAt(condition, 'message'),
    digest: textAt(plugin, 'status', 'digest'),
    initContainer: textAt(plugin, 'status', 'initContainer'),
  }
}

/** Which VeleroPlugins a Deployment of Velero carries, and what they say of the rollout. */
import { conditionIn } from '../condition.ts'
import { placeOfText } from '../image.ts'
import { at, textAt, type Json } from '../velero.ts'
import { readPodTemplate } from './deployment.ts'

/** The status of a condition: Unknown if it is not there, or was said of an earlier spec. */
export function conditionStatus(object: Json, type: string): string {
  const condition = conditionIn(object, type)
  const observed = condition['observedGeneration'] ?? at(object, 'status', 'observedGeneration')
  const isCurrent = observed === undefined || observed === at(object, 'metadata', 'generation')
  return isCurrent ? textAt(condition, 'status') || 'Unknown' : 'Unknown'
}

/** Whether nobody has written yet what is known of it: the service has not seen it, or its plugins are switched off. */
export const isUnseen = (plugin: Json): boolean => {
  const conditions = at(plugin, 'status', 'conditions')
  return !Array.isArray(conditions) || conditions.length === 0
}

/** What to look at where a VeleroPlugin stays so. */
export const unseenAdvice =
  'no tidewaiter has looked at it yet. Check that one runs with VELERO_PLUGINS_ENABLED=true for this namespace'

/** Those of the VeleroPlugins whose image an initContainer of the Deployment brings, in any version. */
export function aboardOf(deployment: Json, plugins: readonly Json[]): readonly Json[] {
  const places = (readPodTemplate(deployment)?.initContainers ?? []).map(({ image }) => placeOfText(image))
  return plugins.filter((plugin) => places.includes(placeOfText(textAt(plugin, 'spec', 'image'))))
}

/** Which outputs of an action are promised to other clusters. Pure. */
import type { ActionSpec } from '../../api/action.ts'
import type { Json } from '../velero.ts'

/** The exported ones among the outputs of an action. */
export const promised = ({ outputs = [] }: Pick<ActionSpec, 'outputs'>, given: Json): Json =>
  Object.fromEntries(
    outputs.flatMap(({ name, export: exported }) =>
      exported === true && Object.hasOwn(given, name) ? [[name, given[name]]] : [],
    ),
  )

/** The body `scale`, declared. */
import type { Infer, ShapeNode } from './schema.ts'
import { oneTarget, target } from './target.ts'

/** Sets a number of replicas. */
export const scaleBody = {
  type: 'object',
  doc: 'Sets the number of replicas of anything that has a scale: a Deployment, a StatefulSet, a ReplicaSet, a custom kind. What it was is kept in the run. It does not wait for the pods: a wait action after it does. The account needs get and patch on the subresource scale, with a selector also list on the kind, and list on horizontalpodautoscalers (autoscaling). Refused where a HorizontalPodAutoscaler would set another number again: it leaves alone what has 0 replicas, unless its minReplicas is 0.',
  fields: {
    ...target,
    replicas: {
      type: 'integer',
      doc: 'How many there are to be.',
      minimum: 0,
      maximum: 2_147_483_647,
    },
  },
  required: ['apiVersion', 'kind', 'replicas'],
  rules: [oneTarget],
} as const satisfies ShapeNode

/** The body `scale`. */
export type ScaleBody = Infer<typeof scaleBody>

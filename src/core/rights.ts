/** Which rights of its account an action needs: the tables of docs/actions.md and docs/scale-and-wait.md. */
import type { ActionSpec } from '../api/action.ts'
import type { PatchBody } from '../api/patch-body.ts'

/** Verbs on objects of a kind. */
export type Need = {
  readonly verbs: readonly string[]
  readonly apiVersion: string
  readonly kind: string
  readonly subresource?: string | undefined
  /** Absent: the namespace of the Action. */
  readonly namespace?: string | undefined
  /** Absent: all of them. */
  readonly name?: string | undefined
}

/** Everything that an action needs, and its undo. */
export function needsOf({ patch, scale, wait, undo }: ActionSpec): readonly Need[] {
  return [
    ...(patch === undefined ? [] : ofPatch(patch, undo?.revert === true)),
    ...(undo?.patch === undefined ? [] : ofPatch(undo.patch, false)),
    ...(scale === undefined ? [] : ofScale(scale)),
    ...(wait === undefined ? [] : [{ ...aimOf(wait), name: wait.name, verbs: ['list', 'watch'] }]),
  ]
}

type Aim = Pick<Need, 'apiVersion' | 'kind' | 'namespace'>
type Aimed = Aim & { readonly name?: string }

const aimOf = ({ apiVersion, kind, namespace }: Aim): Aim => ({ apiVersion, kind, namespace })

/** By labels objects are listed. */
const listed = (body: Aimed): readonly Need[] =>
  body.name === undefined ? [{ ...aimOf(body), verbs: ['list'] }] : []

function ofPatch(body: PatchBody, reverts: boolean): readonly Need[] {
  const { name, type, subresource } = body
  const looks = reverts || (name !== undefined && type !== 'merge')
  return [...listed(body), { ...aimOf(body), name, subresource, verbs: looks ? ['get', 'patch'] : ['patch'] }]
}

const ofScale = (body: Aimed): readonly Need[] => [
  ...listed(body),
  { ...aimOf(body), name: body.name, subresource: 'scale', verbs: ['get', 'patch'] },
  {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    namespace: body.namespace,
    verbs: ['list'],
  },
]

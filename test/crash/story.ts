/** How a story is read: where in it something happened. */
import type { Loose } from '../support/asking.ts'
import { roleOf, type Happening } from './history.ts'
import type { Role } from './scenarios.ts'

/** A call of an action that came to the other side. */
export type Effect = Extract<Happening, { is: 'effect' }>
/** What happened to one object, in order. */
export type Story = readonly Happening[]

/** The phases of an object that Velero began with. */
export const began = [
  'InProgress',
  'Finalizing',
  'FinalizingPartiallyFailed',
  'Completed',
  'PartiallyFailed',
  'Failed',
]
/** The phases of an object that began and has ended. */
export const over = ['Completed', 'PartiallyFailed', 'Failed']

/** Where it came to be in one of these phases; below 0: never. */
export const objectIn = (story: Story, phases: readonly string[]): number =>
  story.findIndex((one) => one.is === 'object' && phases.includes(one.phase))

/** Whether something is what this action did, or undid. */
export const isEffectOf =
  ({ role, stage }: Role, undo: boolean) =>
  (one: Happening): one is Effect =>
    one.is === 'effect' && one.role === role && one.stage === stage && one.undo === undo

/** Whether an action is one of a pre stage. */
export const isPre = ({ stage }: Role): boolean => stage.startsWith('Pre')

/** What a record said of an action at some place of the story. */
export type Recorded = { readonly at: number; readonly row: Loose; readonly status: Loose }

/** All that was recorded of an action. */
export const recordsOf = (role: Role, story: Story): readonly Recorded[] =>
  story.flatMap((one, at) => {
    if (one.is !== 'record' || one.stage !== role.stage) return []
    const row = (one.status?.actions ?? []).find(({ name }: Loose) => roleOf(name) === role.role)
    return [{ at, row: row ?? { phase: 'Pending' }, status: one.status }]
  })

/** Every reason of a decision, in CamelCase, with what it means. The README lists them; a test keeps the two equal. */

/** Reason to meaning. */
export const reasons = {
  NotStarting:
    'not a CREATE that starts work (an UPDATE, or a finished object that backup sync brings): left alone',
  NoActionMatches: 'no Action matches',
  PostOnly: 'only post actions match: they run after it ended',
  ActionsSucceeded: 'the pre actions succeeded',
  DryRun: 'a dry-run request: nothing was run, warnings say what would be',
  AlreadyExists: 'an object of that name exists: nothing was run',
  NameClaimed: 'another creation of the same name is under way',
  ActionFailed: 'a pre action failed',
  Timeout: 'no answer was ready when the API server was about to give up',
  OutOfTime: 'the admission request ran out of time',
  ClientGone: 'the client gave up before the answer',
  Stopping: 'the replica was stopped before the actions ended',
  OwnerLost: 'the replica that ran the actions ended',
  Unguarded: 'admitted although actions matched: tidewaiter was not asked',
  OverBudget: 'the timeouts of the actions add up to more than an admission request has',
  RunTooLarge: 'the actions that match are too large to be recorded together',
  CoolDown: 'the same request was refused just now: refused again without running anything',
  MatchFailed: 'a match expression failed',
  CannotRender: 'a dry run found an action that cannot be rendered',
  ForeignAnnotation: 'the object carries annotations that only tidewaiter may write',
  MayNotSkip: 'whoever creates it may not skip actions',
  ActionsUnknown: 'it is not known which Actions there are',
  NoUid: 'the request carries no uid of the object',
  RunLost: 'the record of the run was deleted or written by another while it ran',
  RunTaken: 'another replica runs the actions and did not end in time',
  Unknown: 'nobody knows what was done',
  Probe: 'the probe that tidewaiter sends itself once a minute',
  NotOurs: 'a request that is not for tidewaiter',
  ActionAccepted: 'an Action was accepted',
  ActionInvalid: 'an Action that cannot work',
  Unstamped: 'an Action without the stamp of its author, which would never run',
  Restored: 'an Action that comes out of a Restore: accepted, and suspended until adopted',
  SpecUnchanged: 'an Action whose spec did not change',
  Stamped: 'an Action was stamped with its author',
  StampKept: 'an Action keeps its author',
  StampRemoved: 'a stamp of an author that is not ours was removed',
  InternalError: 'a fault of tidewaiter itself: see its log',
} as const

/** Why a decision was taken. */
export type Reason = keyof typeof reasons

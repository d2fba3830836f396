/** Mistakes that the exploration must find: each is put into the replicas by what they are given to work with. */
import type { ActionRun } from '../../../src/api/action-run.ts'
import type { ControlPorts } from '../../../src/control/ports.ts'
import type { SeenObject } from '../../../src/core/post.ts'
import { hasEnded } from '../../../src/core/run/machine.ts'
import type { Play, Wrap } from './moves.ts'
import { anUndoable, iso, now, oldestMs, type Setting } from './state.ts'

/** A mistake, where it shows, and by what it is found. */
export type Planted = Partial<Play> & { readonly setting: Setting; readonly found: RegExp }

const one = (faults: number, held = true): Setting => ({
  name: 'one',
  held: [held],
  actions: [anUndoable()],
  behind: false,
  faults,
})
const two: Setting = { ...one(0), name: 'two', held: [true, true] }

const seenAs =
  (view: (object: SeenObject) => SeenObject): Wrap =>
  (ports) => ({
    ...ports,
    objects: {
      ...ports.objects,
      seen: (...at) => {
        const object = ports.objects.seen(...at)
        return object === undefined ? undefined : view(object)
      },
    },
  })

const knownAs =
  (view: (run: ActionRun, ports: ControlPorts) => ActionRun): Wrap =>
  (ports) => ({
    ...ports,
    runs: {
      ...ports.runs,
      ofObject: (uid) => ports.runs.ofObject(uid).map((run) => view(run, ports)),
      read: async (...at) => {
        const run = await ports.runs.read(...at)
        return run === undefined ? undefined : view(run, ports)
      },
    },
  })

const written =
  (write: (ports: ControlPorts) => Partial<ControlPorts['runs']>): Wrap =>
  (ports) => ({ ...ports, runs: { ...ports.runs, ...write(ports) } })

const phaseOf = ({ progress }: SeenObject) => (progress['status'] as { readonly phase: string }).phase
const inPhase = (object: SeenObject, phase: string): SeenObject => ({
  ...object,
  progress: { status: { ...(object.progress['status'] as object), phase } },
})
const same = (ports: ControlPorts) => ports

/** By what is wrong with them. */
export const planted: Readonly<Record<string, Planted>> = {
  'a hold that ends before its run has': {
    setting: one(0),
    wrap: knownAs((run) => (hasEnded(run) ? run : { ...run, status: { ...run.status, phase: 'Succeeded' } })),
    found: /Velero starts b0, and its pre run is/,
  },
  'a run that is taken from its owner before the deadline': {
    setting: one(1),
    wrap: knownAs((run, { owner }) =>
      run.status.owner === owner ? run : { ...run, status: { ...run.status, deadline: iso(now - oldestMs) } },
    ),
    found: /is sent, and its record does not say that r\d does it/,
  },
  'an action that is performed before its claim is written': {
    setting: one(0),
    wrap: written(({ runs }) => ({
      write: (run, status) =>
        status.phase === 'Running' ? Promise.resolve({ ...run, status }) : runs.write(run, status),
    })),
    found: /is sent, and its record does not say that r\d does it/,
  },
  'a write that overlooks what another wrote': {
    setting: one(1, false),
    wrap: (ports, world) =>
      written(() => ({ write: async (_run, status) => world.setRun(0, status) ?? 'gone' }))(ports, world),
    found: /b0/,
  },
  'an undo of what Velero is about to start': {
    setting: one(0),
    wrap: seenAs((object) =>
      !object.held && phaseOf(object) === 'New' ? inPhase(object, 'FailedValidation') : object,
    ),
    found: /is undone while it may still start/,
  },
  'an undo of what Velero works on': {
    setting: one(0),
    wrap: seenAs((object) =>
      phaseOf(object) === 'InProgress' ? inPhase(object, 'FailedValidation') : object,
    ),
    found: /is undone while Velero works on it/,
  },
  'an undo of what has served its purpose': {
    setting: one(0),
    wrap: seenAs((object) =>
      phaseOf(object) === 'Completed' ? inPhase(object, 'FailedValidation') : object,
    ),
    found: /is undone that has served its purpose/,
  },
  'an undo of what was never undone': {
    setting: one(1),
    wrap: knownAs((run) => ({
      ...run,
      status: {
        ...run.status,
        actions: (run.status.actions ?? []).map((row) => ({ ...row, noEffect: true })),
      },
    })),
    found: /it never comes to rest/,
  },
  'a key that keeps nobody out': { setting: two, wrap: same, keys: false, found: /between start and end/ },
  'a key that is given back as soon as the stage has ended': {
    setting: two,
    wrap: (ports, world) =>
      written(({ runs }) => ({
        write: async (run, status) => {
          const done = await runs.write(run, status)
          if (typeof done !== 'string' && hasEnded(done)) world.free(world.of(done), ['shop'])
          return done
        },
      }))(ports, world),
    found: /between start and end|without its key/,
  },
  'a key that is never given back': {
    setting: one(0),
    wrap: (ports) => ({ ...ports, freeKeys: async () => {} }),
    found: /it never comes to rest/,
  },
  'a hold without an end': {
    setting: one(0),
    wrap: (ports) => ({ ...ports, holdMaxMs: Number.MAX_SAFE_INTEGER }),
    found: /after the longest life of its hold/,
  },
}

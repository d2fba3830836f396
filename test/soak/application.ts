/** What actions change as an account: how often each of it changed, and the application that follows its mode. */
import type { KubeClient } from '../../src/kube/client.ts'
import type { ReflectorOptions } from '../../src/kube/reflector-options.ts'
import { createReflector } from '../../src/kube/reflector.ts'
import { following, laneOfTarget, sorts, targetName } from '../crash/targets.ts'
import type { Loose } from '../support/asking.ts'

/** What became of the object of an action. */
export type Changed = { readonly times: number; readonly isAsBefore: boolean }

/** The objects of all lanes, as they are seen. */
export type Application = {
  /** By the role of the action: how often its object in a lane has changed so far, and whether it is as in the beginning. */
  readonly changes: (lane: string) => Readonly<Record<string, Changed>>
  /** Follows until the signal aborts. */
  readonly start: (signal: AbortSignal) => Promise<unknown>
  readonly whenSynced: (signal: AbortSignal) => Promise<unknown>
}

type Common = Pick<ReflectorOptions<Loose>, 'client' | 'clock' | 'log'>
type Seen = { readonly lane: string; readonly value: string }

const roles = { '10-stop': sorts.patch, '15-scale': sorts.scale } as const

/** Makes it; `onChange` is told of the lane of each change. */
export function createApplication(common: Common, onChange: (lane: string) => void): Application {
  const all = Object.entries(roles).map(([role, sort]) => {
    const times = new Map<string, number>()
    const reflector = createReflector<Seen>({
      ...common,
      path: sort.path,
      project: (raw) => seen(raw as Loose, sort.valueIn),
      onChange: (change) => {
        const { lane, value } = change.object
        if (change.type !== 'modified' || change.old.value === value) return
        times.set(lane, (times.get(lane) ?? 0) + 1)
        if (sort === sorts.patch) void follow(common.client, lane, value)
        onChange(lane)
      },
    })
    const changed = (lane: string): Changed => ({
      times: times.get(lane) ?? 0,
      isAsBefore: reflector.get('shop', targetName(lane))?.value === sort.before,
    })
    return { role, changed, reflector }
  })
  return {
    changes: (lane) => Object.fromEntries(all.map(({ role, changed }) => [role, changed(lane)])),
    start: (signal) => Promise.all(all.map(({ reflector }) => reflector.start(signal))),
    whenSynced: (signal) => Promise.all(all.map(({ reflector }) => reflector.whenSynced(signal))),
  }
}

function seen(object: Loose, valueIn: (object: Loose) => string): Seen | undefined {
  const lane = laneOfTarget(object.metadata.name)
  return lane === '' ? undefined : { lane, value: valueIn(object) }
}

/** The application is in the mode that it was given: what waits for that goes on. A write that fails leaves the wait to its deadline. */
async function follow(client: KubeClient, lane: string, mode: string): Promise<void> {
  const [path, body] = following(lane, mode)
  await client
    .request({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body })
    .catch(() => undefined)
}

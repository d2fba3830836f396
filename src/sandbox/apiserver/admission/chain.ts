/** Admission in the order of the real server: mutating webhooks; later policies, then validating webhooks. */
import type { JsonObject } from '../json.ts'
import type { World } from '../world.ts'
import type { Call } from './call.ts'

/** Runs what may change an object; gives what it became. */
export async function admit(_world: World, call: Call): Promise<JsonObject> {
  return call.object ?? {}
}

/** Runs what may refuse an object. */
export async function review(_world: World, _call: Call): Promise<void> {}

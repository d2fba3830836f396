/** The controllers that every cluster has and that clients count on: namespaces are emptied, dependents collected, CRDs cleaned up. */
import type { World } from '../world.ts'
import { watchNamespaces } from './namespaces.ts'
import { watchOwners } from './garbage.ts'
import { watchDefinitions } from './definitions.ts'

/** Starts them; the returned function stops them. Those of CRDs are part of the API server itself. */
export function startControllers(world: World, { manager }: { readonly manager: boolean }): () => void {
  const managers = manager ? [watchNamespaces(world), watchOwners(world)] : []
  const stops = [...managers, watchDefinitions(world)]
  return () => {
    for (const stop of stops) stop()
  }
}

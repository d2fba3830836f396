/** Asking the API server while a copy is stale: a connection may be mute, and the next one may not. */
import type { ListOptions } from '../kube/list-all.ts'
import type { Resource } from '../kube/resource.ts'
import { isKubeError } from '../kube/errors.ts'

const tries = 4
const eachMs = 1_000

/** Lists, each time on another connection if one says nothing; throws the last KubeError. */
export async function insistOnList<T>(of: Resource<T>, options: ListOptions = {}): Promise<readonly T[]> {
  for (let made = 1; ; made++) {
    try {
      return (await of.list({ ...options, timeoutMs: eachMs })).items
    } catch (error) {
      if (made === tries || !isKubeError(error, 'TIMEOUT', 'NETWORK')) throw error
    }
  }
}

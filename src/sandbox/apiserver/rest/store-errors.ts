/** What clients are told when the storage refuses. */
import { alreadyExists, ApiError, conflict, modified, notFound } from '../errors/status.ts'
import { nameOfResource, type Resource } from '../resources/resource.ts'
import type { Missed } from '../storage/store.ts'

/** The error of a write that did not happen. */
export function storeError(resource: Resource, name: string, why: Missed): ApiError {
  const of = nameOfResource(resource)
  switch (why) {
    case 'missing':
      return notFound(of, name)
    case 'exists':
      return alreadyExists(of, name)
    case 'conflict':
      return conflict(of, name, modified)
    case 'full':
      return new ApiError({ code: 500, reason: '', message: 'etcdserver: mvcc: database space exceeded' })
  }
}

/** What admission is asked about. */
import type { User } from '../authn/users.ts'
import type { JsonObject } from '../json.ts'
import type { Resource } from '../resources/resource.ts'

/** One operation on its way to storage. */
export type Call = {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE'
  readonly resource: Resource
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly object: JsonObject | undefined
  readonly oldObject: JsonObject | undefined
  readonly options: JsonObject
  readonly user: User
  readonly dryRun: boolean
  readonly signal: AbortSignal
  readonly endsAt: number
  readonly warn: (text: string) => void
}

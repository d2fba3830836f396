/** Our Secret, kept in memory. */
import type { SecretChange, SecretStore, SecretValues } from '../../src/tls/ports.ts'

/** A Secret with optimistic writes; `fault` is thrown by the named call while it stands. */
export class FakeSecret implements SecretStore {
  values: SecretValues | undefined
  version = 1
  writes = 0
  isTurnAsked = false
  fault: { readonly on: 'read' | 'create' | 'update'; readonly error: Error } | undefined
  /** Runs once between a read and the write after it: the other replica. */
  meanwhile: (() => void) | undefined

  constructor(values?: SecretValues) {
    this.values = values
  }
  put(values: SecretValues): void {
    this.values = values
    this.version += 1
  }
  read = async () => {
    this.#fail('read')
    return this.values === undefined
      ? 'missing'
      : { values: this.values, resourceVersion: String(this.version), isTurnAsked: this.isTurnAsked }
  }
  create = async (values: SecretValues) => {
    this.#other('create')
    if (this.values !== undefined) return 'exists'
    this.writes += 1
    this.put(values)
    return 'created'
  }
  update = async ({ values, resourceVersion, isTurnAsked }: SecretChange) => {
    this.#other('update')
    if (this.values === undefined) return 'missing'
    if (resourceVersion !== String(this.version)) return 'conflict'
    this.writes += 1
    this.isTurnAsked = isTurnAsked
    this.put(values)
    return 'updated'
  }
  #fail(on: 'read' | 'create' | 'update'): void {
    if (this.fault?.on === on) throw this.fault.error
  }
  #other(on: 'create' | 'update'): void {
    this.#fail(on)
    const run = this.meanwhile
    this.meanwhile = undefined
    run?.()
  }
}

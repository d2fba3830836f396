/** One collection of the API server in memory: names, resourceVersions, preconditions. */
import type { Json } from '../../src/core/velero.ts'
import { KubeError } from '../../src/kube/errors.ts'
import type { DeleteOptions, Resource } from '../../src/kube/resource.ts'
import { textAt } from '../../src/core/velero.ts'

/** A collection, and a way to have calls fail: `fail('create', error)` once. */
export class FakeResource implements Pick<
  Resource<Json>,
  'find' | 'create' | 'replace' | 'replaceStatus' | 'mergePatch' | 'delete'
> {
  readonly objects = new Map<string, Json>()
  readonly #failures = new Map<string, Error[]>()
  /** Called before each call, for what others do in between. */
  before: (call: string) => void = () => {}
  #version = 10

  fail(call: string, ...errors: readonly Error[]): void {
    this.#failures.set(call, [...errors])
  }

  readonly find = async (name: string): Promise<Json | undefined> => {
    this.#enter('find')
    return this.objects.get(name)
  }

  readonly create = async (object: unknown): Promise<Json> => {
    this.#enter('create')
    const name = textAt(object, 'metadata', 'name')
    if (this.objects.has(name)) throw new KubeError('ALREADY_EXISTS', `${name} already exists`)
    return this.put(object as Json)
  }

  readonly replace = async (name: string, object: unknown): Promise<Json> => {
    this.#enter('replace')
    return this.#replaced(name, object as Json)
  }

  readonly replaceStatus = async (name: string, object: unknown): Promise<Json> => {
    this.#enter('replaceStatus')
    const stored = this.objects.get(name)
    const whole = { ...stored, metadata: (object as Json)['metadata'], status: (object as Json)['status'] }
    return this.#replaced(name, whole)
  }

  /** Sets fields of the top level, which is all that is asked of it. */
  readonly mergePatch = async (name: string, patch: unknown): Promise<Json> => {
    this.#enter('mergePatch')
    const stored = this.objects.get(name)
    if (stored === undefined) throw new KubeError('NOT_FOUND', `${name} not found`)
    return this.put({ ...stored, ...(patch as Json) })
  }

  readonly delete = async (name: string, options: DeleteOptions = {}): Promise<Json> => {
    this.#enter('delete')
    const stored = this.objects.get(name)
    if (stored === undefined) throw new KubeError('NOT_FOUND', `${name} not found`)
    if (
      (options.resourceVersion ?? textAt(stored, 'metadata', 'resourceVersion')) !==
      textAt(stored, 'metadata', 'resourceVersion')
    )
      throw new KubeError('CONFLICT', 'precondition failed')
    this.objects.delete(name)
    return stored
  }

  /** Stores an object, whatever was there. */
  put(object: Json): Json {
    const metadata = {
      uid: 'u',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...(object['metadata'] as Json),
      resourceVersion: String(++this.#version),
    }
    const stored = JSON.parse(JSON.stringify({ ...object, metadata })) as Json
    this.objects.set(textAt(stored, 'metadata', 'name'), stored)
    return stored
  }

  #enter(call: string): void {
    this.before(call)
    const error = this.#failures.get(call)?.shift()
    if (error !== undefined) throw error
  }

  #replaced(name: string, object: Json): Json {
    const stored = this.objects.get(name)
    if (stored === undefined) throw new KubeError('NOT_FOUND', `${name} not found`)
    if (textAt(stored, 'metadata', 'resourceVersion') !== textAt(object, 'metadata', 'resourceVersion'))
      throw new KubeError('CONFLICT', 'the object has been modified')
    return this.put(object)
  }
}

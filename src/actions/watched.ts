/** The objects that an action waits for, as a list and a watch tell of them, and whether they are as they should be. */
import { mostWaitedFor } from '../api/wait-body.ts'
import { jsonBytesOf } from '../core/bytes.ts'
import { textAt } from '../core/velero.ts'
import type { Waited } from '../core/wait.ts'
import { ByteBudget } from './byte-budget.ts'
import type { ActorEvent, KubeObject } from './ports.ts'

/** All objects of one wait together, in bytes of JSON: an action of a webhook must not fill its memory. */
const mostBytes = 16 * 1024 * 1024
/** All objects of all waits of this process together. */
const together = new ByteBudget(64 * 1024 * 1024)

type Kept = { readonly object: KubeObject; readonly bytes: number }
type Judge = (seen: {
  readonly objects: readonly KubeObject[]
  readonly first: number
}) => Generator<undefined, Waited>

/** What is known of the objects at this moment. */
export class Watched {
  readonly #judge: Judge
  readonly #budget: ByteBudget
  #objects = new Map<string, Kept>()
  #bytes = 0
  #culprit = ''
  /** Why not all of them are kept. */
  #refusal: string | undefined
  /** What was wrong when it was last judged. */
  because: string | undefined

  constructor(judge: Judge, budget = together) {
    this.#judge = judge
    this.#budget = budget
  }

  /** Begins anew with what a list gave. */
  replace(items: readonly KubeObject[]): void {
    this.release()
    for (const item of items) this.#put(item)
  }

  /** Forgets all of them: others may keep as much. */
  release(): void {
    this.#objects = new Map()
    this.#budget.give(this.#bytes)
    this.#bytes = 0
    this.#refusal = undefined
  }

  /** Takes in what a watch told; true if the objects may be others than before. */
  take(event: ActorEvent): boolean {
    if (event.type === 'bookmark') return false
    this.#drop(nameOf(event.object))
    if (event.type === 'put') this.#put(event.object)
    return true
  }

  /** Why they are too many to wait for; undefined if they are not. */
  tooMany(): string | undefined {
    if (this.#objects.size > mostWaitedFor)
      return `more than ${mostWaitedFor} objects carry these labels; select fewer`
    return this.#refusal
  }

  /** Judges them as they are now, one after another. */
  *judged(): Generator<undefined, boolean> {
    const names = [...this.#objects.keys()]
    const waited = yield* this.#judge({
      objects: this.objects(),
      first: Math.max(0, names.indexOf(this.#culprit)),
    })
    this.because = waited.holds ? undefined : waited.because
    this.#culprit = waited.holds ? '' : (names[waited.culprit ?? 0] ?? '')
    return waited.holds
  }

  /** All of them. */
  objects(): readonly KubeObject[] {
    return [...this.#objects.values()].map(({ object }) => object)
  }

  #put(given: KubeObject): void {
    const { managedFields: _managed, ...metadata } = metadataOf(given)
    const object = { ...given, metadata }
    const bytes = jsonBytesOf(object)
    if (this.#bytes + bytes > mostBytes)
      this.#refusal = `the objects with these labels have more than ${mostBytes} bytes of JSON; select fewer`
    else if (!this.#budget.take(bytes))
      this.#refusal = `all waits of this replica together would keep more than ${this.#budget.most} bytes of JSON; let fewer wait at once, or select fewer`
    else {
      this.#objects.set(nameOf(given), { object, bytes })
      this.#bytes += bytes
    }
  }

  #drop(name: string): void {
    const bytes = this.#objects.get(name)?.bytes ?? 0
    this.#budget.give(bytes)
    this.#bytes -= bytes
    this.#objects.delete(name)
  }
}

const nameOf = (object: KubeObject): string => textAt(object, 'metadata', 'name')

function metadataOf({ metadata }: KubeObject): Readonly<Record<string, unknown>> {
  return typeof metadata === 'object' && metadata !== null ? { ...metadata } : {}
}

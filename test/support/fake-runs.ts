/** ActionRuns in memory: enforces names, resourceVersions, frozen specs and the declared shape. */
import type { ActionRun, RunStatus } from '../../src/api/action-run.ts'
import { sentenceOf } from '../../src/api/problems.ts'
import type { Clock } from '../../src/clock.ts'
import type { NewRun } from '../../src/core/run/draft.ts'
import { runOf } from '../../src/wiring/runs.ts'

/** Implements the run stores of the gate and of the controller. */
export class FakeRuns {
  /** Every write that was taken, `name phase`. */
  readonly taken: string[] = []
  readonly #clock: Clock
  readonly #runs = new Map<string, ActionRun>()
  #version = 100

  constructor(clock: Clock) {
    this.#clock = clock
  }

  readonly read = async (namespace: string, name: string): Promise<ActionRun | undefined> =>
    this.#runs.get(`${namespace}/${name}`)

  readonly create = async (run: NewRun): Promise<ActionRun | 'exists'> => {
    const { namespace, name } = run.metadata
    if (this.#runs.has(`${namespace}/${name}`)) return 'exists'
    const creationTimestamp = new Date(Math.floor(this.#clock.now() / 1000) * 1000).toISOString()
    const metadata = { ...run.metadata, uid: `uid-of-${name}`, creationTimestamp, resourceVersion: '' }
    return this.#store({ ...run, metadata, status: {} })
  }

  readonly write = async (run: ActionRun, status: RunStatus): Promise<ActionRun | 'conflict' | 'gone'> => {
    const { namespace, name, resourceVersion } = run.metadata
    const stored = this.#runs.get(`${namespace}/${name}`)
    if (stored === undefined) return 'gone'
    if (stored.metadata.resourceVersion !== resourceVersion) return 'conflict'
    this.taken.push(`${name} ${status.phase}`)
    return this.#store({ ...stored, status })
  }

  readonly known = (namespace: string): readonly ActionRun[] =>
    this.all().filter((run) => run.metadata.namespace === namespace)

  readonly ofObject = (uid: string): readonly ActionRun[] =>
    this.all().filter((run) => run.spec.objectRef.uid === uid)

  readonly all = (): readonly ActionRun[] => [...this.#runs.values()]

  /** Puts a run there, whatever was there before. */
  put(run: ActionRun): ActionRun {
    return this.#store(run)
  }

  delete(run: ActionRun): void {
    this.#runs.delete(`${run.metadata.namespace}/${run.metadata.name}`)
  }

  #store(run: ActionRun): ActionRun {
    const metadata = { ...run.metadata, resourceVersion: String(++this.#version) }
    const raw: unknown = JSON.parse(
      JSON.stringify({ apiVersion: 'tidewaiter.io/v1beta1', kind: 'ActionRun', ...run, metadata }),
    )
    const parsed = runOf(raw)
    if ('problems' in parsed) throw new Error(`422: ${parsed.problems.map(sentenceOf).join('; ')}`)
    this.#runs.set(`${metadata.namespace}/${metadata.name}`, parsed.ok)
    return parsed.ok
  }
}

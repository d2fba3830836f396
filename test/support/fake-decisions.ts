/** Where decisions are stored, in memory, with resourceVersions as the API server counts them. */
import type { DecisionBody, DecisionStore, Write } from '../../src/observe/recorder.ts'

type Call = { readonly do: 'create' | 'replace'; readonly name: string }

/** Implements DecisionStore. */
export class FakeDecisions implements DecisionStore {
  readonly stored = new Map<string, { readonly body: DecisionBody; readonly version: string }>()
  readonly calls: Call[] = []
  /** What the next writes answer instead, in order; `lost` is done and not answered. */
  readonly faults: (Exclude<Write, { version: string }>['failed'] | 'lost' | 'never')[] = []
  /** Which records are never taken. */
  refuses: (body: DecisionBody) => boolean = () => false
  #version = 0

  readonly create = (body: DecisionBody): Promise<Write> =>
    this.#write('create', body, this.stored.has(body.metadata.name) ? 'exists' : undefined)

  readonly replace = (body: DecisionBody, version: string): Promise<Write> => {
    const found = this.stored.get(body.metadata.name)
    const failed = found === undefined ? 'gone' : found.version === version ? undefined : 'conflict'
    return this.#write('replace', body, failed)
  }

  readonly versionOf = async (_namespace: string, name: string): Promise<string | undefined> =>
    this.stored.get(name)?.version

  /** Somebody else writes the record. */
  touch(name: string): void {
    const found = this.stored.get(name)
    if (found !== undefined) this.stored.set(name, { ...found, version: `${(this.#version += 1)}` })
  }

  records(): readonly DecisionBody[] {
    return [...this.stored.values()].map(({ body }) => body)
  }

  async #write(
    does: Call['do'],
    body: DecisionBody,
    failed: Exclude<Write, { version: string }>['failed'] | undefined,
  ): Promise<Write> {
    const { name } = body.metadata
    this.calls.push({ do: does, name })
    const fault = this.faults.shift()
    if (fault === 'never') return new Promise(() => {})
    if (fault !== undefined && fault !== 'lost') return { failed: fault, why: 'a test wanted it' }
    if (this.refuses(body)) return { failed: 'refused', why: 'a policy says no' }
    if (failed !== undefined) return { failed, why: failed }
    const version = `${(this.#version += 1)}`
    this.stored.set(name, { body: structuredClone(body), version })
    return fault === 'lost' ? { failed: 'away', why: 'the answer was lost' } : { version }
  }
}

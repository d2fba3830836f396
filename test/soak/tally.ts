/** What became of all objects together. */
import type { Kind } from './kinds.ts'

const mostTook = 200

/** The sums of a soak. */
export class Tally {
  /** Objects whose creation was asked for, by kind. */
  readonly asked = new Map<string, number>()
  /** Those that came to the end they must come to, by kind. */
  readonly ended = new Map<string, number>()
  /** Answers to creations: admitted, refused, failed. */
  readonly answers = new Map<string, number>()
  /** Runs by stage and what they ended as: `PreBackup Succeeded`. */
  readonly runs = new Map<string, number>()
  /** Actions and undos that were done, and actions that were answered with a failure. */
  readonly actions = { done: 0, failed: 0 }
  /** How long each took, milliseconds, by kind: the newest few. */
  readonly took = new Map<string, number[]>()
  /** Effects that were heard, all together. */
  effects = 0
  readonly wrongs: string[] = []

  /** An object came to its end after so many milliseconds. */
  end(kind: Kind, { effects, ms }: { readonly effects: number; readonly ms: number }): void {
    add(this.ended, kind.name)
    this.took.set(kind.name, [...(this.took.get(kind.name) ?? []), ms].slice(-mostTook))
    this.effects += effects
    this.actions.done += kind.effects.filter((role) => role.endsWith('/undo')).length
    this.actions.done += (kind.acts ?? []).length
    for (const [stage, ending] of [
      ['Pre', kind.pre],
      ['Post', kind.post],
    ] as const) {
      if (ending === undefined) continue
      add(this.runs, `${stage}${kind.of} ${ending.as}`)
      const phases = Object.values(ending.actions)
      this.actions.done += phases.filter((phase) => phase === 'Succeeded').length
      this.actions.failed += phases.filter((phase) => phase === 'Failed').length
    }
  }
}

/** Counts one more. */
export const add = (counts: Map<string, number>, key: string): void =>
  void counts.set(key, (counts.get(key) ?? 0) + 1)

/** All together. */
export const sum = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((total, count) => total + count, 0)

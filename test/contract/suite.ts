/** Runs cases on a server, several at a time, and says how each went. */
import { allCases } from './all-cases.ts'
import { connect } from './api.ts'
import type { Case } from './case.ts'
import type { Endpoint } from './http.ts'
import { startHookServer } from './webhook-server.ts'

/** How a case went: `failed` is undefined if it went well. */
export type Result = { readonly name: string; readonly failed?: unknown; readonly ms: number }

/** What to run, and what there is besides the API server. */
export type Selection = {
  readonly has: readonly Case['needs'][]
  readonly only?: RegExp
  readonly atOnce?: number
}

/** The cases of a selection. */
export const selected = ({ has, only }: Selection): readonly Case[] =>
  allCases.filter(
    (one) => (one.needs === undefined || has.includes(one.needs)) && (only?.test(one.name) ?? true),
  )

/** Runs a selection; `report` hears of each case as it ends, in any order. */
export async function runSuite(
  endpoint: Endpoint,
  selection: Selection,
  report: (result: Result) => void,
): Promise<void> {
  const hooks = await startHookServer()
  const connection = connect(endpoint, hooks)
  const waiting = [...selected(selection)]
  const worker = async (): Promise<void> => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
      const began = performance.now()
      const { api, done } = connection.forCase()
      const failed = await one.run(api).then(
        () => undefined,
        (error: unknown) => error ?? new Error('failed without a reason'),
      )
      await done()
      report({ name: one.name, failed, ms: Math.round(performance.now() - began) })
    }
  }
  await Promise.all(Array.from({ length: selection.atOnce ?? 8 }, worker))
  await connection.close()
  await hooks.close()
}

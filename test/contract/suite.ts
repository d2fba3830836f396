/** Runs cases on a server, several at a time, and says how each went. */
import { Agent } from 'node:https'
import { allCases } from './all-cases.ts'
import { connect } from './api.ts'
import type { Case } from './case.ts'
import { exchange, type Endpoint } from './http.ts'
import { startHookServer } from './webhook-server.ts'

/** How a case went: `failed` is undefined if it went well. */
export type Result = { readonly name: string; readonly failed: Error | undefined; readonly ms: number }

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

/** Cases to run, and how many at a time. */
export type Batch = { readonly cases: readonly Case[]; readonly atOnce: number }

const usualAtOnce = 8

/** Runs a selection of the contract; `report` hears of each case as it ends, in any order. */
export const runSuite = (
  endpoint: Endpoint,
  selection: Selection,
  report: (result: Result) => void,
): Promise<void> =>
  runCases(endpoint, { cases: selected(selection), atOnce: selection.atOnce ?? usualAtOnce }, report)

/** Runs any cases. */
export async function runCases(
  endpoint: Endpoint,
  { cases, atOnce }: Batch,
  report: (result: Result) => void,
): Promise<void> {
  const hooks = await startHookServer()
  const connection = connect(endpoint, hooks)
  const waiting = [...cases]
  const worker = async (): Promise<void> => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
      const began = performance.now()
      const { api, done } = connection.forCase()
      const failed = await failureOf(one.run(api))
      const left = await failureOf(done())
      report({ name: one.name, failed: failed ?? left, ms: Math.round(performance.now() - began) })
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  await connection.close()
  await hooks.close()
}

const failureOf = (promise: Promise<void>): Promise<Error | undefined> =>
  promise.then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  )

/** Whether the cluster has a controller manager: it makes a default account in every namespace. */
export async function hasControllers(endpoint: Endpoint): Promise<boolean> {
  const agent = new Agent()
  const path = '/api/v1/namespaces/kube-system/serviceaccounts/default'
  return (await exchange({ endpoint, agent }, ['GET', path])).status === 200
}

/** A sandbox to hold to the contract. */
import { startApiServer } from '../../src/sandbox/apiserver/server.ts'
import type { Endpoint } from './http.ts'

/** A running sandbox: where it is, and how to end it. */
export type Sandbox = { readonly endpoint: Endpoint; readonly stop: () => Promise<void> }

/** Starts a sandbox on a free port of loopback; without controllers if told, as a real API server alone. */
export async function startSandbox({ controllers = true } = {}): Promise<Sandbox> {
  const server = await startApiServer({ controllers })
  const endpoint = { url: server.url, ca: server.ca, token: server.token('admin') }
  return { endpoint, stop: () => server.stop() }
}

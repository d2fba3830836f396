/** Between the actions and what they act on: here the calls of actions meet their faults; the effects are counted in another process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Agent } from 'undici'
import type { PassingCall, Reply } from './proxy.ts'

/** A call of an action: whose it is stands in its Idempotency-Key. */
export type ActionCall = {
  readonly lane: string
  readonly role: string
  readonly undo: boolean
  /** As it came. */
  readonly key: string
  readonly uid: string
  readonly stage: string
  readonly call: PassingCall
}

/** The door to the effects. */
export type Effects = {
  readonly url: string
  /** How often each key of an object was heard on the other side. */
  readonly counts: (uid: string) => Promise<Readonly<Record<string, number>>>
  readonly forget: (uid: string) => Promise<void>
  readonly stop: () => Promise<void>
}

/** Starts both. `onCall` passes a call on, or does not. */
export async function startEffects(onCall: (one: ActionCall) => Promise<void>): Promise<Effects> {
  const main = fileURLToPath(new URL('effects-main.ts', import.meta.url))
  const { NODE_OPTIONS: _hooksOfTap, ...env } = process.env
  const child = spawn(process.execPath, [main], { stdio: ['pipe', 'pipe', 'inherit'], env })
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  const other = `http://127.0.0.1:${line.trim()}`
  const agent = new Agent({ connections: 32 })
  const server = createServer((incoming, response) => {
    onCall(actionCallOf(incoming, response, { other, agent })).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts: async (uid) => (await (await fetch(`${other}/count?of=${uid}`)).json()) as Record<string, number>,
    forget: async (uid) => void (await fetch(`${other}/forget?of=${uid}`)),
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await agent.destroy()
      child.kill()
      await once(child, 'close')
    },
  }
}

function actionCallOf(
  incoming: IncomingMessage,
  response: ServerResponse,
  { other, agent }: { readonly other: string; readonly agent: Agent },
): ActionCall {
  const path = incoming.url ?? '/'
  const key = String(incoming.headers['idempotency-key'] ?? '')
  const [uid = '', stage = ''] = key.split('/')
  const [, lane = '', role = '', undo] = path.replace(/\?.*/, '').split('/')
  incoming.resume()
  const pass = async (): Promise<Reply> => {
    const got = await agent.request({
      origin: other,
      path,
      method: 'POST',
      headers: { 'idempotency-key': key },
    })
    const headers = { 'content-type': 'application/json' }
    return { status: got.statusCode, headers, body: Buffer.from(await got.body.arrayBuffer()) }
  }
  const call: PassingCall = {
    wire: { method: 'POST', url: path, body: undefined },
    pass,
    answer: ({ status, headers, body }) => {
      response.writeHead(status, headers)
      response.end(body)
    },
    cut: () => void response.destroy(),
    isOpen: () => !response.destroyed,
  }
  return { lane, role, undo: undo === 'undo', key, uid, stage, call }
}

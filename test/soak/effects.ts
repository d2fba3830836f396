/** What the actions reached, as the process that counts it by Idempotency-Key says. */
import { Agent, request } from 'undici'
import { fileURLToPath } from 'node:url'
import { end, firstLine, start } from './processes.ts'

/** The counts of the keys of an object, by what comes after its uid. */
export type Counts = Readonly<Record<string, number>>

/** The process that counts. */
export type Effects = {
  readonly url: string
  /** The counts of one object; of all without a uid. */
  readonly counts: (uid: string) => Promise<Counts>
  readonly forget: (uid: string) => Promise<void>
  readonly stop: () => Promise<unknown>
}

/** Starts it. */
export async function startEffects(log: string): Promise<Effects> {
  const child = start({
    args: [fileURLToPath(new URL('../crash/effects-main.ts', import.meta.url))],
    log,
  })
  const url = `http://127.0.0.1:${await firstLine(child, 'what counts the effects')}`
  const agent = new Agent({ connections: 8 })
  const ask = async (path: string): Promise<string> =>
    (await request(`${url}${path}`, { dispatcher: agent })).body.text()
  return {
    url,
    counts: async (uid) => JSON.parse(await ask(`/count?of=${uid}`)) as Counts,
    forget: async (uid) => void (await ask(`/forget?of=${uid}`)),
    stop: async () => {
      await agent.destroy()
      return end(child)
    },
  }
}

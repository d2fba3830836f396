/** Those who write: each create, change or deletion is one event, and nobody writes the same object as another. */
import { Agent, request } from 'undici'
import type { ApiServer } from '../../../src/sandbox/apiserver/server.ts'

/** How much to write, and what to do in between. */
export type Work = {
  readonly api: ApiServer
  readonly namespace: string
  readonly events: number
  readonly random: () => number
  /** Called after each write with how many there were. */
  readonly after: (written: number) => void
}

const writers = 6
const objectsEach = 60

/** Writers that remember what is there from one piece of work to the next. */
export function makeWriters(): (work: Work) => Promise<void> {
  const there = new Set<string>()
  return async ({ api, namespace, events, random, after }) => {
    const agent = new Agent({ connect: { ca: api.ca }, connections: writers })
    const collection = `${api.url}/api/v1/namespaces/${namespace}/configmaps`
    const headers = { authorization: `Bearer ${api.token('admin')}`, 'content-type': 'application/json' }
    const send = async (method: 'POST' | 'PUT' | 'DELETE', url: string, body?: object): Promise<void> => {
      const sent = body === undefined ? {} : { body: JSON.stringify(body) }
      const answer = await request(url, { dispatcher: agent, method, headers, ...sent })
      const text = await answer.body.text()
      if (answer.statusCode > 201) throw new Error(`${method} ${url}: ${answer.statusCode} ${text}`)
    }
    let [begun, written] = [0, 0]
    const write = async (name: string): Promise<void> => {
      const body = { metadata: { name }, data: { n: String(begun) } }
      if (!there.has(name)) {
        await send('POST', collection, body)
        there.add(name)
      } else if (random() < 0.25) {
        await send('DELETE', `${collection}/${name}`)
        there.delete(name)
      } else await send('PUT', `${collection}/${name}`, body)
    }
    const writer = async (id: number): Promise<void> => {
      while (begun < events) {
        begun += 1
        await write(`w${id}-${Math.floor(random() * objectsEach)}`)
        after(++written)
      }
    }
    await Promise.all(Array.from({ length: writers }, (_, id) => writer(id)))
    await agent.destroy()
  }
}

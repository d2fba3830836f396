/** V8's profile of another process of Node while something is done, over its inspector (Chrome DevTools Protocol, domain Profiler). */
import { until } from '../processes.ts'

/** What is read of a profile. */
export type Profile = {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string }
  }[]
  readonly samples: readonly number[]
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[]
}

type Target = { readonly webSocketDebuggerUrl: string }
type Answer = { readonly id?: number; readonly result?: { readonly profile?: Profile } }

const everyUs = 200

/** Profiles the process whose inspector listens on this port of 127.0.0.1 while `work` goes on. */
export async function profiled(port: number, work: () => Promise<unknown>): Promise<Profile> {
  const [target] = await until('the inspector', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/json/list`)
    return (await answer.json()) as readonly Target[]
  })
  const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '')
  await heard(socket, 'open')
  let count = 0
  const ask = async (method: string, params: object = {}): Promise<Answer> => {
    const id = (count += 1)
    socket.send(JSON.stringify({ id, method, params }))
    for (;;) {
      const { data } = (await heard(socket, 'message')) as MessageEvent<string>
      const answer = JSON.parse(data) as Answer
      if (answer.id === id) return answer
    }
  }
  try {
    await ask('Profiler.enable')
    await ask('Profiler.setSamplingInterval', { interval: everyUs })
    await ask('Profiler.start')
    await work()
    const { result } = await ask('Profiler.stop')
    if (result?.profile === undefined) throw new Error('the inspector gave no profile')
    return result.profile
  } finally {
    socket.close()
  }
}

const heard = (socket: WebSocket, event: 'open' | 'message'): Promise<Event> =>
  new Promise((resolve, reject) => {
    socket.addEventListener(event, resolve, { once: true })
    socket.addEventListener('error', () => reject(new Error('the inspector hung up')), { once: true })
  })

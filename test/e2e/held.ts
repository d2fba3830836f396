/** What the tests of holds share: whether something is held, what its run says, and Actions that hold. */
import { anAction, eventually, find, runsOf, veleroMs, type Hook, type Loose } from './support.ts'

type Kind = 'backup' | 'restore'

/** The value of the annotation that holds an object. */
export const hold = (object: Loose): string | undefined =>
  object?.metadata.annotations?.['tidewaiter.io/hold']

/** The object, if it is held and Velero has not begun. */
export async function isHeld(kind: Kind, name: string): Promise<Loose> {
  const found = await find(kind, name)
  return hold(found) !== undefined && found.status?.phase === 'New' ? found : undefined
}

/** Waits until it is held. */
export const whileHeld = (kind: Kind, name: string): Promise<Loose> =>
  eventually(() => isHeld(kind, name), { what: `${kind} ${name} to be held` })

/** Waits until the server was called this often. */
export const asked = (server: Hook, count = 1): Promise<boolean> =>
  eventually(async () => (await server.calls()).length >= count, { ms: veleroMs, what: `${count} calls` })

/** The run of the pre stage. */
export const preRun = async (name: string, kind: Kind = 'backup'): Promise<Loose> =>
  (await runsOf(kind, name)).find(({ spec }) => spec.stage.startsWith('Pre'))

/** Waits until what the pre stage did is undone; gives its run. */
export const undone = (name: string, kind: Kind = 'backup'): Promise<Loose> =>
  eventually(
    async () => {
      const run = await preRun(name, kind)
      return run?.status?.phase === 'Undone' ? run : undefined
    },
    { ms: veleroMs, what: `the undo of ${name}` },
  )

/** An Action that holds, with an undo. */
export const freeze = (
  name: string,
  mark: string,
  servers: { readonly on: Hook; readonly off: Hook },
  spec: Loose = {},
): Loose =>
  anAction(name, mark, {
    mode: 'Hold',
    timeoutSeconds: 60,
    http: { url: servers.on.url },
    undo: { http: { url: servers.off.url } },
    ...spec,
  })
